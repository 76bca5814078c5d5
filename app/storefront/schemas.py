"""What the storefront's endpoints take and answer. The same for everybody: no cost, no member."""

import marshmallow as ma
from marshmallow import fields

from app.catalogue.schemas import BrandCardOut, NamedOut, SpecNameOut
from app.catalogue.shelf import Sort
from app.core.fields import Fen, Id, Moment, Pattern, Query, Text, WholeNumber
from app.flash_sales.schemas_pages import FlashBadgeOut

LIST_PRICE = {"description": "原价：活动后最便宜的那个规格的标价"}
PROMOTED_PRICE = {"description": "现价：单买一件的到手单价，不含满减、优惠券"}


FLASH_SALE = {"description": "该商品所在的秒杀：进行中或即将开始，须用秒杀接口购买；没有则为空"}


class BadgeOut(ma.Schema):
    promotion_id = fields.Integer(required=True)
    kind = fields.String(required=True)
    label = fields.String(required=True, metadata={"description": "如 满100减10"})
    ends_at = Moment(required=True, allow_none=True)


class RunningQuery(Query):
    sku_id = Id()


class RunningOut(BadgeOut):
    title = fields.String(required=True)
    starts_at = Moment(required=True)


class RunningListOut(ma.Schema):
    items = fields.List(fields.Nested(RunningOut), required=True)


class CategoryNodeOut(ma.Schema):
    id = fields.Integer(required=True)
    name = fields.String(required=True)
    image_url = fields.String(required=True, allow_none=True)
    children = fields.List(fields.Nested("CategoryNodeOut"), required=True)


class CategoryTreeOut(ma.Schema):
    items = fields.List(fields.Nested(CategoryNodeOut), required=True)


class ProductQuery(Query):
    category_id = Id()
    q = Text(minimum=0, maximum=50)
    sort = fields.Enum(Sort, by_value=True, load_default=Sort.DEFAULT)
    cursor = Text(maximum=200)
    limit = WholeNumber(minimum=1, maximum=50, load_default=20)


class ProductCardOut(ma.Schema):
    id = fields.Integer(required=True)
    title = fields.String(required=True)
    subtitle = fields.String(required=True)
    image_url = fields.String(required=True)
    tags = fields.List(fields.String(), required=True)
    min_price_fen = fields.Integer(required=True)
    max_price_fen = fields.Integer(required=True)
    crossed_out_fen = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "划线价：最低价规格的市场价，高于售价时才有"},
    )
    price_fen = fields.Integer(required=True, metadata=LIST_PRICE)
    promoted_price_fen = fields.Integer(required=True, metadata=PROMOTED_PRICE)
    badges = fields.List(fields.Nested(BadgeOut), required=True)
    flash_sale = fields.Nested(FlashBadgeOut, required=True, allow_none=True, metadata=FLASH_SALE)
    sales_count = fields.Integer(required=True)
    is_sold_out = fields.Boolean(required=True)


class FreightHintOut(ma.Schema):
    first_fen = fields.Integer(required=True, metadata={"description": "多数地区的首费"})
    free_over_fen = fields.Integer(
        required=True, allow_none=True, metadata={"description": "满此金额包邮"}
    )


class ProductSkuOut(ma.Schema):
    id = fields.Integer(required=True)
    spec_values = fields.List(fields.String(), required=True)
    spec_text = fields.String(required=True)
    price_fen = fields.Integer(required=True, metadata={"description": "标价"})
    promoted_price_fen = fields.Integer(required=True, metadata=PROMOTED_PRICE)
    promotion_id = fields.Integer(
        required=True, allow_none=True, metadata={"description": "定出现价的活动"}
    )
    crossed_out_fen = fields.Integer(required=True, allow_none=True)
    weight_g = fields.Integer(required=True)
    image_url = fields.String(required=True, allow_none=True)
    available = fields.Integer(required=True)


class StretchOut(ma.Schema):
    starts_at = Moment(required=True)
    ends_at = Moment(required=True, allow_none=True)


class ProductBadgeOut(RunningOut):
    """A promotion with what a countdown and a hint need; null is no limit."""

    stretch = fields.Nested(
        StretchOut,
        required=True,
        metadata={"description": "当前场次；不在场次内则为下一场"},
    )
    max_units_per_order = fields.Integer(required=True, allow_none=True)
    max_units_per_member = fields.Integer(required=True, allow_none=True)
    max_uses_per_member = fields.Integer(required=True, allow_none=True)
    member_period = fields.String(
        required=True, allow_none=True, metadata={"description": "每人限量的周期"}
    )
    units_left = fields.Integer(required=True, allow_none=True)


class ProductOut(ma.Schema):
    id = fields.Integer(required=True)
    title = fields.String(required=True)
    subtitle = fields.String(required=True)
    description = fields.String(required=True)
    images = fields.List(fields.String(), required=True)
    tags = fields.List(fields.String(), required=True)
    spec = fields.List(fields.Nested(SpecNameOut), required=True)
    min_price_fen = fields.Integer(required=True)
    max_price_fen = fields.Integer(required=True)
    crossed_out_fen = fields.Integer(required=True, allow_none=True)
    price_fen = fields.Integer(required=True, metadata=LIST_PRICE)
    promoted_price_fen = fields.Integer(required=True, metadata=PROMOTED_PRICE)
    badges = fields.List(fields.Nested(ProductBadgeOut), required=True)
    coming = fields.List(
        fields.Nested(ProductBadgeOut),
        required=True,
        metadata={"description": "七日内将开始的活动价，最近的在前"},
    )
    flash_sale = fields.Nested(FlashBadgeOut, required=True, allow_none=True, metadata=FLASH_SALE)
    server_time = Moment(
        required=True, metadata={"description": "倒计时以此为准；页面缓存使其最多迟一秒"}
    )
    sales_count = fields.Integer(required=True)
    categories = fields.List(fields.Nested(NamedOut), required=True)
    brand = fields.Nested(BrandCardOut, required=True, allow_none=True)
    freight = fields.Nested(
        FreightHintOut, required=True, allow_none=True, metadata={"description": "null 为包邮"}
    )
    skus = fields.List(fields.Nested(ProductSkuOut), required=True)


class EarnQuery(Query):
    """At most fifty products, as many as a page of a list shows."""

    spu_ids = Pattern(
        "[1-9][0-9]{0,17}(,[1-9][0-9]{0,17}){0,49}",
        required=True,
        error="须为 1 到 50 个商品 ID，以英文逗号分隔",
        metadata={"description": "商品 ID，以英文逗号分隔，如 12,15"},
    )


class SkuEarnOut(ma.Schema):
    sku_id = Id(required=True)
    earn_fen = Fen(required=True, metadata={"description": "按现价卖出一件，我可得的佣金"})


class ProductEarnOut(ma.Schema):
    spu_id = Id(required=True)
    lowest_fen = Fen(required=True)
    highest_fen = Fen(required=True)
    skus = fields.List(fields.Nested(SkuEarnOut), required=True)


class EarnListOut(ma.Schema):
    items = fields.List(
        fields.Nested(ProductEarnOut),
        required=True,
        metadata={"description": "不是有效分销员则为空；只属于本人，不可展示给买家"},
    )
