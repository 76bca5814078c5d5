"""What a campaign is about, looked up in the catalogue: the SKUs on sale within a scope."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import BigInteger, String, cast, or_, select
from sqlalchemy.dialects.postgresql import ARRAY, array
from sqlalchemy.orm import Session

from app.catalogue.models import Category, Sku, Spu, SpuStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The goods somebody names. A category stands for its whole subtree."""

    category_ids: Collection[int] = ()
    spu_ids: Collection[int] = ()
    sku_ids: Collection[int] = ()
    tags: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class ScopedSku:
    """A SKU on sale, as far as scopes and margins look at it."""

    sku_id: int
    spu_id: int
    category_path: tuple[int, ...]
    tags: tuple[str, ...]
    price_fen: int
    cost_price_fen: int | None


def on_sale(session: Session, wanted: Wanted | None, *, limit: int) -> list[ScopedSku]:
    """Return up to `limit` SKUs on sale that `wanted` names, or any if it is None, by id."""
    chosen = (
        select(Sku.id, Sku.spu_id, Category.path, Spu.tags, Sku.price_fen, Sku.cost_price_fen)
        .join(Spu, Spu.id == Sku.spu_id)
        .join(Category, Category.id == Spu.category_id)
        .where(Sku.is_active, Spu.status == SpuStatus.ON_SHELF)
        .order_by(Sku.id)
        .limit(limit)
    )
    if wanted is not None:
        categories = cast(array(sorted(wanted.category_ids)), ARRAY(BigInteger))
        tags = cast(array(sorted(wanted.tags)), ARRAY(String))
        chosen = chosen.where(
            or_(
                Sku.id.in_(wanted.sku_ids),
                Sku.spu_id.in_(wanted.spu_ids),
                Category.path.overlap(categories),
                Spu.tags.overlap(tags),
            )
        )
    return [
        ScopedSku(sku_id, spu_id, tuple(path), tuple(tags), price_fen, cost_fen)
        for sku_id, spu_id, path, tags, price_fen, cost_fen in session.execute(chosen)
    ]


def costs(session: Session, sku_ids: Collection[int]) -> dict[int, int]:
    """Return what a piece of these SKUs cost the shop, where that is known, by id."""
    rows = session.execute(
        select(Sku.id, Sku.cost_price_fen).where(
            Sku.id.in_(sku_ids), Sku.cost_price_fen.is_not(None)
        )
    )
    return {sku_id: cost_fen for sku_id, cost_fen in rows if cost_fen is not None}
