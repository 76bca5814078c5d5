"""
Products as staff keep them: an SPU with its SKUs in one piece.

SKUs are told apart by their spec values: a combination keeps its id, prices and stock however often
the product is saved; one that is left out is no longer offered but stays for old orders.

Lock order: SKUs by id, then SPUs by id, as in an order that is being paid.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, bindparam, func, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from app.catalogue import indexing, prices, queries, stock
from app.catalogue.integrity import refusing
from app.catalogue.models import (
    SPU_TRANSITIONS,
    Brand,
    Category,
    FreightTemplate,
    Sku,
    Spu,
    SpuStatus,
)
from app.catalogue.queries import SkuNotFound, SpuNotFound
from app.core.errors import AppError, Invalid

FIRST_STOCK = "期初库存"


class SkuCodeTaken(AppError):
    """Two SKUs, of this product or another, would have one code."""

    code, status, title = "sku_code_taken", 409, "商品编码已存在"


class SpuStatusRefused(AppError):
    """The product is not in a status from which it can go there."""

    code, status, title = "spu_status_refused", 409, "商品当前状态不允许该操作"


@dataclass(frozen=True, slots=True, kw_only=True)
class SkuDraft:
    """One SKU as it should be."""

    code: str
    spec_values: Sequence[str]
    price_fen: int
    market_price_fen: int | None
    cost_price_fen: int | None
    weight_g: int
    image_url: str | None
    initial_stock: int
    """Only for a combination that is new; later, stock moves by `app.catalogue.stock`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpuDraft:
    """A product as it should be."""

    title: str
    subtitle: str
    description: str
    keywords: str
    images: Sequence[str]
    spec: Sequence[Mapping[str, Any]]
    tags: Sequence[str]
    category_id: int
    brand_id: int | None
    freight_template_id: int | None
    sort: int
    skus: Sequence[SkuDraft]


def create(session: Session, *, draft: SpuDraft, staff_id: int | None, now: datetime) -> Spu:
    """
    Add a product with its SKUs and their first stock, as a draft.

    :raises Invalid: the SKUs do not fit the spec, or it refers to something that does not exist.
    :raises SkuCodeTaken: a SKU's code is in use.
    """
    _check(session, draft)
    spu = Spu(
        **_spu_fields(draft),
        status=SpuStatus.DRAFT,
        sales_count=0,
        min_price_fen=min(sku.price_fen for sku in draft.skus),
        max_price_fen=max(sku.price_fen for sku in draft.skus),
        search="",
        created_at=now,
        updated_at=now,
    )
    session.add(spu)
    session.flush()
    _save_skus(session, spu.id, draft.skus, staff_id, now)
    return _finished(session, spu.id)


def change(
    session: Session, *, spu_id: int, draft: SpuDraft, staff_id: int | None, now: datetime
) -> Spu:
    """
    Make a product what `draft` says; each price that changes is written into its history.

    :raises SpuNotFound: there is no such product.
    :raises Invalid: the SKUs do not fit the spec, or it refers to something that does not exist.
    :raises SkuCodeTaken: a SKU's code is in use.
    """
    _check(session, draft)
    _lock(session, spu_id)
    changed = update(Spu).where(Spu.id == spu_id)
    session.execute(changed.values(**_spu_fields(draft), updated_at=now))
    _save_skus(session, spu_id, draft.skus, staff_id, now)
    return _finished(session, spu_id)


def move_to(session: Session, *, spu_id: int, status: SpuStatus, now: datetime) -> Spu:
    """
    Put a product on the shelf or take it off; the first time makes it new.

    :raises SpuNotFound: there is no such product.
    :raises SpuStatusRefused: it cannot go there from where it is.
    """
    sources = [source for source, targets in SPU_TRANSITIONS.items() if status in targets]
    moved = (
        update(Spu)
        .where(Spu.id == spu_id, Spu.status.in_(sources))
        .values(status=status, listed_at=func.coalesce(Spu.listed_at, now), updated_at=now)
        .returning(Spu.id)
    )
    is_moved = session.scalar(moved) is not None
    spu = queries.get_spu(session, spu_id=spu_id)
    if not is_moved:
        raise SpuStatusRefused
    return spu


def change_price(
    session: Session,
    *,
    sku_id: int,
    price_fen: int,
    market_price_fen: int | None,
    staff_id: int | None,
    now: datetime,
) -> Sku:
    """
    Give one SKU a new price in fen and a new market price; both go into its history.

    :raises SkuNotFound: no such SKU.
    """
    sku = session.get(Sku, sku_id, with_for_update={"key_share": True})
    if sku is None:
        raise SkuNotFound
    before = (sku.price_fen, sku.market_price_fen)
    sku.price_fen, sku.market_price_fen = price_fen, market_price_fen
    if before != (price_fen, market_price_fen):
        prices.record(session, [sku], staff_id=staff_id, now=now)
        prices.refresh_range(session, spu_id=sku.spu_id)
    return sku


def add_sales(session: Session, *, spu_quantities: Mapping[int, int]) -> None:
    """Count units that have been paid for (SPU id → units); the SPUs are locked in id order."""
    ids = sorted(spu_quantities)
    units = [spu_quantities[id_] for id_ in ids]
    session.execute(ADD_SALES, {"spu_ids": ids, "units": units})


def _check(session: Session, draft: SpuDraft) -> None:
    errors = _matrix_errors(draft) | _reference_errors(session, draft)
    if errors:
        raise Invalid(errors=errors)


def _matrix_errors(draft: SpuDraft) -> dict[str, list[str]]:
    """Every SKU is one cell of the matrix, none twice, and no value is without a SKU."""
    errors: dict[str, list[str]] = {}
    names = [each["name"] for each in draft.spec]
    if len(set(names)) < len(names):
        errors["spec"] = ["规格名称重复"]
    seen: list[tuple[str, ...]] = []
    for at, sku in enumerate(draft.skus):
        cell = tuple(sku.spec_values)
        if len(cell) != len(draft.spec) or any(
            value not in each["values"] for value, each in zip(cell, draft.spec, strict=True)
        ):
            errors[f"skus.{at}.spec_values"] = ["与商品规格不符"]
        elif cell in seen:
            errors[f"skus.{at}.spec_values"] = ["规格组合重复"]
        seen.append(cell)
    for at, each in enumerate(draft.spec):
        used = {cell[at] for cell in seen if len(cell) > at}
        if len(set(each["values"])) < len(each["values"]):
            errors[f"spec.{at}.values"] = ["规格值重复"]
        elif not used.issuperset(each["values"]):
            errors[f"spec.{at}.values"] = ["有规格值没有对应的商品"]
    return errors


def _reference_errors(session: Session, draft: SpuDraft) -> dict[str, list[str]]:
    """What it refers to exists, and is kept from being deleted until this transaction ends."""
    errors: dict[str, list[str]] = {}
    for name, table, id_, message in (
        ("category_id", Category, draft.category_id, "分类不存在"),
        ("brand_id", Brand, draft.brand_id, "品牌不存在"),
        ("freight_template_id", FreightTemplate, draft.freight_template_id, "运费模板不存在"),
    ):
        found = select(table.id).where(table.id == id_).with_for_update(read=True, key_share=True)
        if id_ is not None and session.scalar(found) is None:
            errors[name] = [message]
    return errors


def _lock(session: Session, spu_id: int) -> None:
    skus = select(Sku.id).where(Sku.spu_id == spu_id).order_by(Sku.id)
    session.execute(skus.with_for_update(key_share=True)).all()
    spu = select(Spu.id).where(Spu.id == spu_id).with_for_update(key_share=True)
    if session.scalar(spu) is None:
        raise SpuNotFound


def _spu_fields(draft: SpuDraft) -> dict[str, Any]:
    return {each.name: getattr(draft, each.name) for each in fields(draft) if each.name != "skus"}


def _save_skus(
    session: Session,
    spu_id: int,
    drafts: Sequence[SkuDraft],
    staff_id: int | None,
    now: datetime,
) -> None:
    existing = session.scalars(
        select(Sku).where(Sku.spu_id == spu_id), execution_options={"populate_existing": True}
    )
    left = {tuple(sku.spec_values): sku for sku in existing}
    repriced: list[Sku] = []
    created: list[tuple[Sku, int]] = []
    with refusing(session, {"uq_sku_code": SkuCodeTaken}):
        for draft in drafts:
            values = asdict(draft) | {"spec_values": list(draft.spec_values)}
            initial_stock = values.pop("initial_stock")
            sku = left.pop(tuple(draft.spec_values), None)
            if sku is None:
                sku = Sku(spu_id=spu_id, available=0, held=0, sold=0)
                session.add(sku)
                created.append((sku, initial_stock))
            if (sku.price_fen, sku.market_price_fen) != (draft.price_fen, draft.market_price_fen):
                repriced.append(sku)
            for name, value in values.items():
                setattr(sku, name, value)
            sku.is_active = True
        for sku in left.values():
            sku.is_active = False
    prices.record(session, repriced, staff_id=staff_id, now=now)
    for sku, quantity in created:
        stock.adjust(
            session, sku_id=sku.id, delta=quantity, reason=FIRST_STOCK, staff_id=staff_id, now=now
        )


def _finished(session: Session, spu_id: int) -> Spu:
    prices.refresh_range(session, spu_id=spu_id)
    indexing.reindex_spu(session, spu_id=spu_id)
    return queries.get_spu(session, spu_id=spu_id)


ADD_SALES = text("""
WITH locked AS MATERIALIZED (
    SELECT spu.id, paid.units
    FROM spu JOIN unnest(:spu_ids, :units) AS paid (spu_id, units) ON paid.spu_id = spu.id
    ORDER BY spu.id FOR NO KEY UPDATE OF spu
)
UPDATE spu SET sales_count = sales_count + locked.units FROM locked WHERE spu.id = locked.id
""").bindparams(
    bindparam("spu_ids", type_=ARRAY(BigInteger)), bindparam("units", type_=ARRAY(BigInteger))
)
