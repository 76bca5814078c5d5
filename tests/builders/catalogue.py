"""Builders for the catalogue: what a test does not care about gets a believable default."""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import count
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.catalogue import prices, search
from app.catalogue.models import (
    Brand,
    Category,
    ChargeBy,
    FreightRule,
    FreightTemplate,
    Sku,
    Spu,
    SpuStatus,
    StockAdjustment,
)

NOON = datetime(2026, 11, 11, 4, tzinfo=UTC)

_numbers = count(1)


def make_category(
    session: Session,
    *,
    name: str = "杯壶",
    parent: Category | None = None,
    sort: int = 0,
    is_visible: bool = True,
) -> Category:
    """A category, at the root unless it has a parent."""
    sequence = func.pg_get_serial_sequence("category", "id")
    id_ = session.scalars(select(func.nextval(sequence))).one()
    category = Category(
        id=id_,
        parent_id=parent.id if parent else None,
        path=[*(parent.path if parent else []), id_],
        name=name,
        sort=sort,
        is_visible=is_visible,
    )
    session.add(category)
    session.flush()
    return category


def make_brand(session: Session, *, name: str | None = None, sort: int = 0) -> Brand:
    """A brand with a name of its own."""
    brand = Brand(name=name or f"品牌{next(_numbers)}", sort=sort)
    session.add(brand)
    session.flush()
    return brand


def make_freight_template(
    session: Session,
    *,
    charge_by: ChargeBy = ChargeBy.PIECE,
    rules: Sequence[dict[str, Any]] = ({},),
) -> FreightTemplate:
    """A template; by default 8 yuan for the first piece and 2 for each further one, everywhere."""
    template = FreightTemplate(name=f"运费模板{next(_numbers)}", charge_by=charge_by)
    session.add(template)
    session.flush()
    for changes in rules:
        given: dict[str, Any] = {
            "region_prefix": "",
            "is_served": True,
            "first_units": 1,
            "first_fen": 800,
            "next_units": 1,
            "next_fen": 200,
            "free_over_fen": None,
            **changes,
        }
        session.add(FreightRule(template_id=template.id, **given))
    session.flush()
    return template


def make_spu(
    session: Session,
    *,
    title: str = "不锈钢保温杯",
    subtitle: str = "",
    keywords: str = "",
    category: Category | None = None,
    brand: Brand | None = None,
    freight_template: FreightTemplate | None = None,
    status: SpuStatus = SpuStatus.ON_SHELF,
    spec: Sequence[dict[str, Any]] = (),
    tags: Sequence[str] = (),
    sort: int = 0,
    sales_count: int = 0,
    listed_at: datetime = NOON,
) -> Spu:
    """An SPU on the shelf, still without SKUs: add some with `make_sku`."""
    category = category or make_category(session)
    words = [title, subtitle, keywords, category.name, brand.name if brand else ""]
    spu = Spu(
        title=title,
        subtitle=subtitle,
        description="304 不锈钢内胆，保温 12 小时。",
        keywords=keywords,
        images=["https://img.example.com/cup.jpg"],
        spec=list(spec),
        tags=list(tags),
        category_id=category.id,
        brand_id=brand.id if brand else None,
        freight_template_id=freight_template.id if freight_template else None,
        status=status,
        sort=sort,
        sales_count=sales_count,
        min_price_fen=1,
        max_price_fen=1,
        listed_at=None if status == SpuStatus.DRAFT else listed_at,
        search=func.array_to_tsvector(search.tokens(words)),
        created_at=listed_at,
        updated_at=listed_at,
    )
    session.add(spu)
    session.flush()
    return spu


def make_sku(
    session: Session,
    *,
    spu: Spu | None = None,
    price_fen: int = 9900,
    market_price_fen: int | None = None,
    available: int = 10,
    spec_values: Sequence[str] | None = None,
    weight_g: int = 350,
    is_active: bool = True,
    now: datetime = NOON,
    **spu_fields: Any,
) -> Sku:
    """A SKU with stock; its SPU is made of `spu_fields`, on the shelf, unless one is given."""
    made_here = spu is None
    spu = spu or make_spu(session, **spu_fields)
    number = next(_numbers)
    sku = Sku(
        spu_id=spu.id,
        code=f"SKU-{number}",
        # A second SKU of an SPU needs values of its own.
        spec_values=list(spec_values or ([] if made_here else [f"款式{number}"])),
        price_fen=price_fen,
        market_price_fen=market_price_fen,
        cost_price_fen=None,
        weight_g=weight_g,
        available=available,
        held=0,
        sold=0,
        is_active=is_active,
    )
    session.add(sku)
    session.flush()
    if available:
        session.add(
            StockAdjustment(
                sku_id=sku.id,
                delta=available,
                available_after=available,
                reason="期初库存",
                adjusted_at=now,
            )
        )
    prices.record(session, [sku], staff_id=None, now=now)
    prices.refresh_range(session, spu_id=spu.id)
    session.refresh(spu)
    return sku


def sku_body(*spec_values: str, code: str | None = None, **changes: Any) -> dict[str, Any]:
    """One SKU as the staff API takes it."""
    return {
        "code": code or f"CUP-{next(_numbers)}",
        "spec_values": list(spec_values),
        "price_fen": 5900,
        "initial_stock": 20,
        **changes,
    }


def spu_body(category: Category, **changes: Any) -> dict[str, Any]:
    """A product of two colours as the staff API takes it."""
    return {
        "title": "保温杯",
        "images": ["https://img.example.com/cup.jpg"],
        "spec": [{"name": "颜色", "values": ["红", "蓝"]}],
        "category_id": category.id,
        "skus": [sku_body("红"), sku_body("蓝", price_fen=6900, market_price_fen=9900)],
        **changes,
    }
