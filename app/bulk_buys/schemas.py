"""What is asked of bulk buys and what they show."""

from typing import Any

import marshmallow as ma

from app.carts.models import QUANTITY_MAX
from app.core.fields import Fen, Id, Moment, Quantity, Query, Schema, Text, WholeNumber
from app.core.http import page_of
from app.marketing.quotes import COUPONS_MAX
from app.marketing.service import Choice
from app.orders.schemas import REMARK_MAX
from promotions.bulk_buys import ShareState
from promotions.states import Phase

LINES_MAX = 50


class BulkBuyLineIn(Schema):
    sku_id = Id(required=True)
    quantity = Quantity(maximum=QUANTITY_MAX, required=True)


class _Purchase(Schema):
    """Pieces of a bulk buy. `coupon_ids` count only where the campaign allows coupons."""

    lines = ma.fields.List(
        ma.fields.Nested(BulkBuyLineIn),
        required=True,
        validate=ma.validate.Length(min=1, max=LINES_MAX),
    )
    coupon_ids = ma.fields.List(
        Id(),
        load_default=None,
        allow_none=True,
        validate=ma.validate.Length(max=COUPONS_MAX),
        metadata={"description": "只用这些优惠券；空数组为不用券，null 为自动选最优"},
    )

    @ma.validates_schema
    def names_each_once(self, data: dict[str, Any], **_: Any) -> None:
        sku_ids = [line["sku_id"] for line in data.get("lines", [])]
        if len(set(sku_ids)) < len(sku_ids):
            raise ma.ValidationError("同一规格请合并为一行", "lines")

    @ma.post_load
    def as_choice(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        coupon_ids, lines = data.pop("coupon_ids"), data.pop("lines")
        choice = Choice(coupon_ids=None if coupon_ids is None else tuple(coupon_ids))
        quantities = {line["sku_id"]: line["quantity"] for line in lines}
        return {**data, "choice": choice, "quantities": quantities}


class PreviewBulkBuyOrder(_Purchase):
    address_id = Id(
        load_default=None, allow_none=True, metadata={"description": "不填则不计算运费"}
    )


class PlaceBulkBuyOrder(_Purchase):
    address_id = Id(required=True)
    expected_payable_fen = Fen(
        required=True,
        metadata={"description": "用户看到的应付金额；与现价不符则 409 price_changed"},
    )
    remark = Text(maximum=REMARK_MAX, minimum=0, multiline=True, load_default="")


class BulkPriceOut(ma.Schema):
    sku_id = Id(required=True)
    price_fen = Fen(required=True)


class BulkTierOut(ma.Schema):
    """Tier 0 is what everybody pays at first."""

    tier = WholeNumber(required=True)
    pieces = Quantity(required=True)
    is_reached = ma.fields.Boolean(required=True)
    prices = ma.fields.List(ma.fields.Nested(BulkPriceOut), required=True)


class BulkGoodsOut(ma.Schema):
    sku_id = Id(required=True)
    spu_id = Id(required=True)
    title = ma.fields.String(required=True)
    spec_text = ma.fields.String(required=True)
    image_url = ma.fields.String(required=True)
    list_price_fen = Fen(required=True)
    price_fen = Fen(required=True, metadata={"description": "现在下单支付的价格"})
    reached_price_fen = Fen(required=True, metadata={"description": "若现在结束，最终的价格"})
    lowest_price_fen = Fen(required=True)
    is_for_sale = ma.fields.Boolean(required=True)


class BulkBuyOut(ma.Schema):
    """A bulk buy as it stands: `collected` is true, countdowns go by `server_time`."""

    id = Id(required=True)
    title = ma.fields.String(required=True)
    phase = ma.fields.Enum(Phase, by_value=True, required=True)
    starts_at = Moment(required=True)
    ends_at = Moment(required=True)
    server_time = Moment(required=True)
    rule = ma.fields.String(required=True, metadata={"description": "结算规则的一句话说明"})
    min_pieces = Quantity(required=True, allow_none=True)
    max_units_per_order = Quantity(required=True, allow_none=True)
    with_coupons = ma.fields.Boolean(required=True)
    with_points = ma.fields.Boolean(required=True)
    pay_minutes = Quantity(required=True)
    collected = WholeNumber(required=True, metadata={"description": "已付款且未退款的件数"})
    reached = WholeNumber(
        required=True, allow_none=True, metadata={"description": "已达到的档位；null 为未成团"}
    )
    pieces_to_next = Quantity(required=True, allow_none=True)
    closed_at = Moment(required=True, allow_none=True)
    tiers = ma.fields.List(ma.fields.Nested(BulkTierOut), required=True)
    goods = ma.fields.List(ma.fields.Nested(BulkGoodsOut), required=True)


class BulkBuyListOut(ma.Schema):
    items = ma.fields.List(ma.fields.Nested(BulkBuyOut), required=True)


class BulkBuyOutcomeOut(ma.Schema):
    """What became of one order in its bulk buy: what comes back, and why."""

    order_no = ma.fields.String(required=True)
    promotion_id = Id(required=True)
    title = ma.fields.String(required=True)
    pieces = Quantity(required=True)
    state = ma.fields.Enum(ShareState, by_value=True, required=True)
    collected = WholeNumber(required=True)
    tier = WholeNumber(required=True, allow_none=True)
    closed_at = Moment(required=True, allow_none=True)
    due_back_fen = Fen(required=True, allow_none=True)
    is_back = ma.fields.Boolean(required=True, metadata={"description": "退款是否已到账"})
    message = ma.fields.String(required=True)


class BulkBuyFiguresOut(ma.Schema):
    """What a bulk buy has brought in; orders by what its end came to for them."""

    promotion_id = Id(required=True)
    title = ma.fields.String(required=True)
    phase = ma.fields.Enum(Phase, by_value=True, required=True)
    buyers = WholeNumber(required=True)
    orders = WholeNumber(required=True)
    unpaid = WholeNumber(required=True, metadata={"description": "待付款订单数"})
    pieces = WholeNumber(required=True, metadata={"description": "已付款件数，含已退款"})
    collected = WholeNumber(required=True)
    reached = WholeNumber(required=True, allow_none=True)
    paid_fen = Fen(required=True)
    due_back_fen = Fen(required=True, metadata={"description": "因结算应退的金额"})
    closed_at = Moment(required=True, allow_none=True)
    unsettled = WholeNumber(required=True)
    lowered = WholeNumber(required=True)
    kept = WholeNumber(required=True)
    failed = WholeNumber(required=True)
    gone = WholeNumber(required=True)


class BulkShareQuery(Query):
    state = ma.fields.Enum(ShareState, by_value=True)
    cursor = Text(maximum=200)
    limit = Quantity(maximum=100, load_default=20)


class BulkShareOut(ma.Schema):
    order_no = ma.fields.String(required=True)
    member_id = Id(required=True)
    pieces = Quantity(required=True)
    counted = WholeNumber(required=True)
    paid_fen = Fen(required=True)
    state = ma.fields.Enum(ShareState, by_value=True, required=True)
    due_back_fen = Fen(required=True, allow_none=True)
    paid_at = Moment(required=True)
    settled_at = Moment(required=True, allow_none=True)


BulkSharePage = page_of(BulkShareOut)
