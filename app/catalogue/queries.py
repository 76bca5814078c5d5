"""What the catalogue tells other slices."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import BigInteger, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from app.catalogue.models import Category, Sku, Spu, SpuStatus


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
        )
        for row in rows
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
    )
    .join(Spu, Spu.id == Sku.spu_id)
    .join(Category, Category.id == Spu.category_id)
    .where(Sku.id == func.any(bindparam("sku_ids", type_=ARRAY(BigInteger))))
)
