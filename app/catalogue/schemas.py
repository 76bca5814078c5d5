"""What the catalogue's endpoints take and answer. Staff see costs and stock; shoppers do not."""

from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from app.catalogue.models import ChargeBy, SpuStatus
from app.core.fields import Fen, Flag, Id, Moment, Pattern, Query, Schema, Text, WholeNumber

SORT_MAX = 1_000_000
STOCK_MAX = 10_000_000
WEIGHT_MAX = 1_000_000
UNITS_MAX = 1_000_000
FREIGHT_MAX = 1_000_000
PRICE_MAX = 100_000_000
"""A million yuan."""
SKUS_MAX = 200
URL = r"https://[!#-;=?-\[\]_a-z~]{3,492}"


class HttpsUrl(Pattern):
    """An https URL of visible ASCII, at most 500 characters."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(URL, error="须为 https 图片地址", **kwargs)


class SpecNameOut(ma.Schema):
    name = fields.String(required=True)
    values = fields.List(fields.String(), required=True)


class NamedOut(ma.Schema):
    id = fields.Integer(required=True)
    name = fields.String(required=True)


class BrandCardOut(NamedOut):
    logo_url = fields.String(required=True, allow_none=True)


# --- Staff: categories, brands, freight ---


class CategoryIn(Schema):
    name = Text(required=True, maximum=30)
    parent_id = Id(allow_none=True, load_default=None)
    image_url = HttpsUrl(allow_none=True, load_default=None)
    sort = WholeNumber(maximum=SORT_MAX, load_default=0)
    is_visible = Flag(load_default=True)


class CategoryOut(ma.Schema):
    id = fields.Integer(required=True)
    parent_id = fields.Integer(required=True, allow_none=True)
    path = fields.List(fields.Integer(), required=True)
    name = fields.String(required=True)
    image_url = fields.String(required=True, allow_none=True)
    sort = fields.Integer(required=True)
    is_visible = fields.Boolean(required=True)


class CategoriesOut(ma.Schema):
    items = fields.List(fields.Nested(CategoryOut), required=True)


class BrandIn(Schema):
    name = Text(required=True, maximum=30)
    logo_url = HttpsUrl(allow_none=True, load_default=None)
    sort = WholeNumber(maximum=SORT_MAX, load_default=0)


class BrandOut(BrandCardOut):
    sort = fields.Integer(required=True)


class BrandsOut(ma.Schema):
    items = fields.List(fields.Nested(BrandOut), required=True)


class FreightRuleIn(Schema):
    region_prefix = Pattern(
        r"([0-9]{2}|[0-9]{4}|[0-9]{6})?",
        required=True,
        metadata={"description": "省 2 位、市 4 位、区 6 位；空为其他所有地区"},
    )
    is_served = Flag(load_default=True)
    first_units = WholeNumber(minimum=1, maximum=UNITS_MAX, load_default=1)
    first_fen = Fen(maximum=FREIGHT_MAX, load_default=0)
    next_units = WholeNumber(minimum=1, maximum=UNITS_MAX, load_default=1)
    next_fen = Fen(maximum=FREIGHT_MAX, load_default=0)
    free_over_fen = Fen(minimum=1, allow_none=True, load_default=None)


class FreightTemplateIn(Schema):
    name = Text(required=True, maximum=30)
    charge_by = fields.Enum(ChargeBy, by_value=True, required=True)
    rules = fields.List(
        fields.Nested(FreightRuleIn), required=True, validate=validate.Length(min=1, max=500)
    )


class FreightRuleOut(ma.Schema):
    region_prefix = fields.String(required=True)
    is_served = fields.Boolean(required=True)
    first_units = fields.Integer(required=True)
    first_fen = fields.Integer(required=True)
    next_units = fields.Integer(required=True)
    next_fen = fields.Integer(required=True)
    free_over_fen = fields.Integer(required=True, allow_none=True)


class FreightTemplateOut(NamedOut):
    charge_by = fields.String(required=True)
    rules = fields.List(fields.Nested(FreightRuleOut), required=True)


class FreightTemplatesOut(ma.Schema):
    items = fields.List(fields.Nested(FreightTemplateOut), required=True)


# --- Staff: products ---


class SpecNameIn(Schema):
    name = Text(required=True, maximum=20)
    values = fields.List(Text(maximum=30), required=True, validate=validate.Length(min=1, max=50))


class PriceIn(Schema):
    price_fen = Fen(required=True, minimum=1, maximum=PRICE_MAX)
    market_price_fen = Fen(minimum=1, maximum=PRICE_MAX, allow_none=True, load_default=None)


class SkuIn(PriceIn):
    code = Pattern(r"[A-Za-z0-9_.-]{1,64}", required=True)
    spec_values = fields.List(Text(maximum=30), required=True, validate=validate.Length(max=3))
    cost_price_fen = Fen(maximum=PRICE_MAX, allow_none=True, load_default=None)
    weight_g = WholeNumber(maximum=WEIGHT_MAX, load_default=0)
    image_url = HttpsUrl(allow_none=True, load_default=None)
    initial_stock = WholeNumber(
        maximum=STOCK_MAX,
        load_default=0,
        metadata={"description": "仅新规格有效；之后用库存接口调整"},
    )


class SpuIn(Schema):
    title = Text(required=True, maximum=60)
    subtitle = Text(minimum=0, maximum=100, load_default="")
    description = Text(minimum=0, maximum=20_000, multiline=True, load_default="")
    keywords = Text(minimum=0, maximum=100, load_default="")
    images = fields.List(HttpsUrl(), required=True, validate=validate.Length(min=1, max=15))
    spec = fields.List(
        fields.Nested(SpecNameIn), load_default=list, validate=validate.Length(max=3)
    )
    tags = fields.List(Text(maximum=20), load_default=list, validate=validate.Length(max=20))
    category_id = Id(required=True)
    brand_id = Id(allow_none=True, load_default=None)
    freight_template_id = Id(allow_none=True, load_default=None)
    sort = WholeNumber(maximum=SORT_MAX, load_default=0)
    skus = fields.List(
        fields.Nested(SkuIn), required=True, validate=validate.Length(min=1, max=SKUS_MAX)
    )


class SkuOut(ma.Schema):
    id = fields.Integer(required=True)
    spu_id = fields.Integer(required=True)
    code = fields.String(required=True)
    spec_values = fields.List(fields.String(), required=True)
    price_fen = fields.Integer(required=True)
    market_price_fen = fields.Integer(required=True, allow_none=True)
    cost_price_fen = fields.Integer(required=True, allow_none=True)
    weight_g = fields.Integer(required=True)
    image_url = fields.String(required=True, allow_none=True)
    available = fields.Integer(required=True)
    held = fields.Integer(required=True)
    sold = fields.Integer(required=True)
    is_active = fields.Boolean(required=True)


class SpuOut(ma.Schema):
    id = fields.Integer(required=True)
    title = fields.String(required=True)
    subtitle = fields.String(required=True)
    description = fields.String(required=True)
    keywords = fields.String(required=True)
    images = fields.List(fields.String(), required=True)
    spec = fields.List(fields.Nested(SpecNameOut), required=True)
    tags = fields.List(fields.String(), required=True)
    category_id = fields.Integer(required=True)
    brand_id = fields.Integer(required=True, allow_none=True)
    freight_template_id = fields.Integer(required=True, allow_none=True)
    status = fields.String(required=True)
    sort = fields.Integer(required=True)
    sales_count = fields.Integer(required=True)
    min_price_fen = fields.Integer(required=True)
    max_price_fen = fields.Integer(required=True)
    crossed_out_fen = fields.Integer(required=True, allow_none=True)
    listed_at = Moment(required=True, allow_none=True)
    created_at = Moment(required=True)
    updated_at = Moment(required=True)
    skus = fields.List(fields.Nested(SkuOut), required=True)


class SpuQuery(Query):
    status = fields.Enum(SpuStatus, by_value=True)
    category_id = Id()
    q = Text(minimum=0, maximum=50)
    sku_code = Text(maximum=64)
    cursor = Text(maximum=200)
    limit = WholeNumber(minimum=1, maximum=50, load_default=20)


# --- Staff: stock and prices ---


class CarveOut(ma.Schema):
    """Pieces taken off the shelf to be sold by one campaign."""

    source = fields.String(required=True, metadata={"description": "如 promotion:5"})
    quantity = fields.Integer(required=True, metadata={"description": "既未售出也未放回货架的件数"})
    drawn = fields.Integer(required=True, metadata={"description": "其中待付款订单占用的件数"})
    free = fields.Integer(required=True, metadata={"description": "其中还没有人占用的件数"})
    carved_at = Moment(required=True)
    closed_at = Moment(
        required=True, allow_none=True, metadata={"description": "活动结束放回的时间"}
    )


class WhereaboutsOut(ma.Schema):
    """`held` is what orders hold of the shelf and what is carved out, orders' draws included."""

    sku_id = fields.Integer(required=True)
    available = fields.Integer(required=True)
    held = fields.Integer(required=True)
    held_by_orders = fields.Integer(
        required=True, metadata={"description": "待付款订单占用，含从活动库存里占用的"}
    )
    carved = fields.Integer(required=True, metadata={"description": "各活动划出未售的件数"})
    sold = fields.Integer(required=True)
    carves = fields.List(fields.Nested(CarveOut), required=True)


class StockIn(Schema):
    available = WholeNumber(required=True, maximum=STOCK_MAX)
    reason = Text(required=True, maximum=100)


class StockDeltaIn(Schema):
    delta = WholeNumber(required=True, minimum=-STOCK_MAX, maximum=STOCK_MAX)
    reason = Text(required=True, maximum=100)


class StockAdjustmentOut(ma.Schema):
    delta = fields.Integer(required=True)
    available_after = fields.Integer(required=True)
    reason = fields.String(required=True)
    staff_id = fields.Integer(required=True, allow_none=True)
    adjusted_at = Moment(required=True)


class StockAdjustmentsOut(ma.Schema):
    items = fields.List(fields.Nested(StockAdjustmentOut), required=True)


class PriceOut(ma.Schema):
    price_fen = fields.Integer(required=True)
    market_price_fen = fields.Integer(required=True, allow_none=True)
    staff_id = fields.Integer(required=True, allow_none=True)
    effective_at = Moment(required=True)


class PriceHistoryOut(ma.Schema):
    items = fields.List(fields.Nested(PriceOut), required=True)
    lowest_of_seven_days_fen = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "近七日最低价：未说明依据的划线比较价不得高于它"},
    )
