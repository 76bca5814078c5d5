"""What the catalogue tells other slices, and what staff look up."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, bindparam, exists, func, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session, selectinload

from app.catalogue import search
from app.catalogue.models import Category, Sku, Spu, SpuStatus, StockAdjustment
from app.core import paging
from app.core.errors import NotFound


class SpuNotFound(NotFound):
    code, title = "spu_not_found", "商品不存在或已下架"


class SkuNotFound(NotFound):
    code, title = "sku_not_found", "商品规格不存在"


@dataclass(frozen=True, slots=True)
class SellableSku:
    """One SKU with all that pricing, promotions and an order's snapshot need."""

    sku_id: int
    spu_id: int
    category_path: tuple[int, ...]
    """The ids of its category's ancestors from the root down, and the category's own last."""
    brand_id: int | None
    tags: tuple[str, ...]
    title: str
    spec_text: str
    """Such as `红 / M`; empty for the only SKU of an SPU."""
    image_url: str
    price_fen: int
    weight_g: int
    available: int
    is_on_sale: bool
    """The SPU is on the shelf and the SKU is still offered; says nothing about stock."""
    freight_template_id: int | None
    cost_price_fen: int | None
    """What a piece costs the shop, for staff only; None: not known."""


def skus_for_pricing(session: Session, sku_ids: Collection[int]) -> dict[int, SellableSku]:
    """The SKUs among `sku_ids` that exist, on sale or not, by id; one query."""
    if not sku_ids:
        return {}
    rows = session.execute(_FOR_PRICING, {"sku_ids": list(sku_ids)})
    return {
        row.sku_id: SellableSku(
            sku_id=row.sku_id,
            spu_id=row.spu_id,
            category_path=tuple(row.path),
            brand_id=row.brand_id,
            tags=tuple(row.tags),
            title=row.title,
            spec_text=spec_text(row.spec_values),
            image_url=row.image_url or row.cover,
            price_fen=row.price_fen,
            weight_g=row.weight_g,
            available=row.available,
            is_on_sale=row.is_active and row.status == SpuStatus.ON_SHELF,
            freight_template_id=row.freight_template_id,
            cost_price_fen=row.cost_price_fen,
        )
        for row in rows
    }


def get_spu(session: Session, *, spu_id: int) -> Spu:
    """
    One product in whatever status, with all its SKUs, read anew.

    :raises SpuNotFound: there is no such product.
    """
    spu = session.scalar(
        select(Spu).where(Spu.id == spu_id).options(selectinload(Spu.skus)),
        execution_options={"populate_existing": True},
    )
    if spu is None:
        raise SpuNotFound
    return spu


def titles(session: Session, spu_ids: Collection[int]) -> dict[int, str]:
    """The titles of products by id, on the shelf or not; one query."""
    rows = session.execute(select(Spu.id, Spu.title).where(Spu.id.in_(spu_ids)))
    return {row.id: row.title for row in rows}


def get_sku(session: Session, *, sku_id: int) -> Sku:
    """
    One SKU, offered or not, read anew.

    :raises SkuNotFound: there is no such SKU.
    """
    sku = session.get(Sku, sku_id, populate_existing=True)
    if sku is None:
        raise SkuNotFound
    return sku


def list_spus(
    session: Session,
    *,
    status: SpuStatus | None = None,
    category_id: int | None = None,
    q: str = "",
    sku_code: str | None = None,
    cursor: str | None = None,
    limit: int = 20,
) -> tuple[list[Spu], str | None]:
    """A page of products for staff, newest first, with the cursor of the next."""
    chosen = select(Spu).options(selectinload(Spu.skus)).order_by(Spu.id.desc())
    if status is not None:
        chosen = chosen.where(Spu.status == status)
    if category_id is not None:
        below = select(Category.id).where(Category.path.contains([category_id]))
        chosen = chosen.where(Spu.category_id.in_(below))
    if q:
        # Words without a letter match nothing: '' is the tsquery that never does.
        matches = text("search @@ CAST(:terms AS tsquery)")
        chosen = chosen.where(matches.bindparams(terms=search.query(q) or ""))
    if sku_code is not None:
        chosen = chosen.where(exists().where(Sku.spu_id == Spu.id, Sku.code == sku_code))
    if cursor:
        (after,) = paging.decode(cursor, int)
        chosen = chosen.where(Spu.id < after)
    found = list(session.scalars(chosen.limit(limit + 1)))
    shown = found[:limit]
    return shown, paging.encode(shown[-1].id) if len(found) > limit else None


def list_adjustments(session: Session, *, sku_id: int, limit: int = 100) -> list[StockAdjustment]:
    """The latest stock adjustments of a SKU."""
    newest = select(StockAdjustment).where(StockAdjustment.sku_id == sku_id)
    return list(session.scalars(newest.order_by(StockAdjustment.id.desc()).limit(limit)))


def whereabouts(session: Session, *, sku_id: int) -> dict[str, Any]:
    """
    Where the pieces of a SKU are: on the shelf, held by orders, set aside for campaigns, sold.

    :raises SkuNotFound: there is no such SKU.
    """
    sku = get_sku(session, sku_id=sku_id)
    carves = [dict(row._mapping) for row in session.execute(_CARVES, {"sku_id": sku_id})]
    by_orders = session.execute(_HELD_BY_ORDERS, {"sku_id": sku_id}).scalar_one()
    return {
        "sku_id": sku.id,
        "available": sku.available,
        "held": sku.held,
        "held_by_orders": by_orders,
        "carved": sum(each["quantity"] for each in carves),
        "sold": sku.sold,
        "carves": carves,
    }


def spec_text(spec_values: Collection[str]) -> str:
    """How the spec values of a SKU read on one line: `红 / M`."""
    return " / ".join(spec_values)


_FOR_PRICING = (
    select(
        Sku.id.label("sku_id"),
        Sku.spu_id,
        Category.path,
        Spu.brand_id,
        Spu.tags,
        Spu.title,
        Sku.spec_values,
        Sku.image_url,
        Spu.images[0].astext.label("cover"),
        Sku.price_fen,
        Sku.weight_g,
        Sku.available,
        Sku.is_active,
        Spu.status,
        Spu.freight_template_id,
        Sku.cost_price_fen,
    )
    .join(Spu, Spu.id == Sku.spu_id)
    .join(Category, Category.id == Spu.category_id)
    .where(Sku.id == func.any(bindparam("sku_ids", type_=ARRAY(BigInteger))))
)

_CARVES = text("""
SELECT source, quantity, drawn, quantity - drawn AS free, carved_at, closed_at
FROM stock_carve, LATERAL (
    SELECT CAST(coalesce(sum(h.quantity), 0) AS bigint) AS drawn FROM stock_hold AS h
    WHERE h.drawn_from = stock_carve.source AND h.sku_id = stock_carve.sku_id
        AND h.status = 'held'
) AS taken
WHERE sku_id = :sku_id AND (closed_at IS NULL OR quantity > 0) ORDER BY source
""")

_HELD_BY_ORDERS = text("""
SELECT CAST(coalesce(sum(quantity), 0) AS bigint) FROM stock_hold
WHERE sku_id = :sku_id AND status = 'held'
""")
