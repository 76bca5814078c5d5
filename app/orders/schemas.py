"""What is asked of orders and what they show."""

from collections import Counter
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

import marshmallow as ma

from app.carts.models import LINES_MAX, QUANTITY_MAX
from app.core import crypto, paging
from app.core.db import read
from app.core.fields import Fen, Id, Moment, Quantity, Query, Schema, Text, WholeNumber
from app.core.http import page_of
from app.marketing import quotes, teams, wording
from app.marketing.quotes import ChoiceIn, OffersOut, QuoteOut
from app.orders import queries
from app.orders.drafts import Draft, Expected
from app.orders.models import CloseReason, LineKind, Order, OrderOrigin, OrderStatus
from app.orders.parcel_schemas import ShipmentOut
from promotions.group_buys import Late, Outcome, RefundReason, SeatStatus, TeamStatus

BUY_NOW_LINES_MAX = 50
GIFTS_MAX = 200
REMARK_MAX = 200


def _one_of(words: type[StrEnum], **kwargs: Any) -> ma.fields.String:
    members = ma.validate.OneOf([word.value for word in words])
    return ma.fields.String(required=True, validate=members, **kwargs)


class WantedLine(Schema):
    sku_id = Id(required=True)
    quantity = Quantity(maximum=QUANTITY_MAX, required=True)


class _Purchase(ChoiceIn):
    """Either lines of the cart, or lines chosen on the spot; and a choice of promotions."""

    cart_item_ids = ma.fields.List(Id(), validate=ma.validate.Length(min=1, max=LINES_MAX))
    lines = ma.fields.List(
        ma.fields.Nested(WantedLine), validate=ma.validate.Length(min=1, max=BUY_NOW_LINES_MAX)
    )

    @ma.validates_schema
    def names_one_source(self, data: dict[str, Any], **_: Any) -> None:
        if ("cart_item_ids" in data) == ("lines" in data):
            raise ma.ValidationError("须且只能提供 cart_item_ids 或 lines 之一", "lines")
        sku_ids = [line["sku_id"] for line in data.get("lines", [])]
        item_ids = data.get("cart_item_ids", [])
        if len(set(sku_ids)) < len(sku_ids):
            raise ma.ValidationError("同一规格请合并为一行", "lines")
        if len(set(item_ids)) < len(item_ids):
            raise ma.ValidationError("购物车行重复", "cart_item_ids")


class PreviewOrder(_Purchase):
    address_id = Id(
        load_default=None, allow_none=True, metadata={"description": "不填则不计算运费"}
    )


class ExpectedGift(Schema):
    sku_id = Id(required=True)
    quantity = Quantity(required=True)


class ExpectedCoupon(Schema):
    promotion_id = Id(required=True)
    count = Quantity(required=True)


def _expected(nested: type[Schema], description: str) -> ma.fields.List[Any]:
    return ma.fields.List(
        ma.fields.Nested(nested),
        load_default=None,
        allow_none=True,
        validate=ma.validate.Length(max=GIFTS_MAX),
        metadata={"description": description},
    )


class PlaceOrder(_Purchase):
    """An order as the buyer saw it. What was expected loads as `expected`."""

    address_id = Id(required=True)
    expected_payable_fen = Fen(
        required=True,
        metadata={"description": "用户看到的应付金额；与现价不符则 409 price_changed"},
    )
    expected_gifts = _expected(
        ExpectedGift, "用户看到的赠品；与现在的不符则 409 price_changed，不填则有无赠品都下单"
    )
    expected_coupons = _expected(
        ExpectedCoupon, "用户看到的付款后赠券；与现在的不符则 409 price_changed，不填则不核对"
    )
    expected_points = WholeNumber(
        load_default=None,
        allow_none=True,
        metadata={
            "description": "用户看到的赠送积分；与现在的不符则 409 price_changed，不填则不核对"
        },
    )
    remark = Text(maximum=REMARK_MAX, minimum=0, multiline=True, load_default="")

    @ma.post_load
    def as_expected(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        gifts = _counted(data.pop("expected_gifts"), "sku_id", "quantity")
        coupons = _counted(data.pop("expected_coupons"), "promotion_id", "count")
        expected = Expected(gifts, coupons, data.pop("expected_points"))
        return {**data, "expected": expected}


def _counted(
    named: Sequence[Mapping[str, int]] | None, key: str, number: str
) -> Mapping[int, int] | None:
    """Add up what is named more than once; None stays None."""
    if named is None:
        return None
    counted: Counter[int] = Counter()
    for each in named:
        counted[each[key]] += each[number]
    return counted


class OrderQuery(Query):
    status = ma.fields.Enum(OrderStatus, by_value=True)
    cursor = Text(maximum=200)


class StaffOrderQuery(OrderQuery):
    buyer_id = Id()
    placed_from = Moment()
    placed_to = Moment()


class StaffRemark(Schema):
    text = Text(maximum=REMARK_MAX, minimum=0, multiline=True, required=True)


class OrderLineOut(ma.Schema):
    id = Id(required=True)
    seq = ma.fields.Integer(required=True)
    sku_id = Id(required=True)
    spu_id = Id(required=True)
    title = ma.fields.String(required=True)
    spec_text = ma.fields.String(required=True)
    image_url = ma.fields.String(required=True)
    unit_price_fen = Fen(required=True)
    quantity = Quantity(required=True)
    amount_fen = Fen(required=True)
    member_saves_fen = Fen(required=True)
    discount_fen = Fen(required=True)
    tender_fen = Fen(required=True)
    payable_fen = Fen(required=True)
    final_fen = Fen(
        required=True,
        allow_none=True,
        metadata={"description": "付款后降价的最终价格（团购）；空为与实付相同"},
    )
    refunding_fen = Fen(required=True)
    refunded_fen = Fen(required=True)
    kind = _one_of(LineKind, metadata={"description": "goods 商品，gift 赠品"})
    promotion_id = Id(
        required=True, allow_none=True, metadata={"description": "赠品来自的活动；商品为空"}
    )
    value_fen = Fen(required=True, metadata={"description": "赠品单件标明价值；商品为 0"})
    refunding_quantity = ma.fields.Integer(required=True)
    refunded_quantity = ma.fields.Integer(
        required=True, metadata={"description": "已退件数；赠品为已取消件数"}
    )
    shipped_quantity = ma.fields.Integer(required=True, metadata={"description": "已发件数"})
    waiting_quantity = ma.fields.Integer(required=True, metadata={"description": "待发件数"})


class OrderAddressOut(ma.Schema):
    receiver = ma.fields.String(required=True)
    phone = ma.fields.String(required=True)
    region_code = ma.fields.String(required=True)
    province = ma.fields.String(required=True)
    city = ma.fields.String(required=True)
    district = ma.fields.String(required=True)
    detail = ma.fields.String(required=True)


class _AddressOf(ma.fields.Nested):
    def get_value(self, obj: Any, *_: Any, **__: Any) -> Any:
        return queries.address_of(obj)


class _QuoteOf(ma.fields.Nested):
    def get_value(self, obj: Any, *_: Any, **__: Any) -> Any:
        return wording.describe(queries.quote_of(obj))


class _TeamOf(ma.fields.Nested):
    def get_value(self, obj: Any, *_: Any, **__: Any) -> Any:
        if obj.origin != OrderOrigin.GROUP_BUY:
            return None
        return teams.of_order(read(), obj.source)


def _receiver(order: Order) -> str:
    return crypto.mask_name(queries.address_of(order).receiver)


def _phone(order: Order) -> str:
    return crypto.mask_phone(queries.address_of(order).phone)


class PlacedOrderOut(ma.Schema):
    order_no = ma.fields.String(required=True)
    status = _one_of(OrderStatus)
    payable_fen = Fen(required=True)
    expires_at = Moment(required=True)


class OrderOut(PlacedOrderOut):
    origin = _one_of(OrderOrigin)
    items_fen = Fen(required=True)
    member_saves_fen = Fen(required=True, metadata={"description": "会员等级价已省"})
    discount_fen = Fen(required=True)
    tender_fen = Fen(required=True, metadata={"description": "积分抵扣"})
    freight_fen = Fen(required=True)
    paid_fen = Fen(required=True)
    refunding_fen = Fen(required=True)
    refunded_fen = Fen(required=True)
    placed_at = Moment(required=True)
    paid_at = Moment(required=True, allow_none=True)
    shipped_at = Moment(required=True, allow_none=True)
    received_at = Moment(required=True, allow_none=True)
    completed_at = Moment(required=True, allow_none=True)
    closed_at = Moment(required=True, allow_none=True)
    close_reason = _one_of(CloseReason, allow_none=True)
    lines = ma.fields.List(ma.fields.Nested(OrderLineOut), required=True)


class OrderTeamOut(ma.Schema):
    """The team of an order, and what was done with it; `message` says it in a sentence."""

    team_no = ma.fields.String(required=True)
    group_buy_id = Id(required=True)
    team_status = _one_of(TeamStatus)
    size = Quantity(required=True)
    seats_taken = WholeNumber(required=True)
    seats_left = WholeNumber(required=True)
    seats_filled = WholeNumber(
        required=True, metadata={"description": "到期自动成团时没有买家的席位"}
    )
    auto_completes = ma.fields.Boolean(
        required=True, metadata={"description": "到期人数未满时自动成团"}
    )
    opened_at = Moment(required=True, allow_none=True)
    ends_at = Moment(required=True, allow_none=True)
    is_opener = ma.fields.Boolean(required=True)
    seat_status = _one_of(SeatStatus)
    outcome = _one_of(Outcome, allow_none=True)
    late_reason = _one_of(Late, allow_none=True)
    refund_reason = _one_of(RefundReason, allow_none=True)
    first_team_no = ma.fields.String(
        required=True, allow_none=True, metadata={"description": "付款过晚而离开的团"}
    )
    message = ma.fields.String(required=True)


class OrderDetailOut(OrderOut):
    """All of an order. `quote` says why each line costs what it costs; its line_id is `seq`."""

    remark = ma.fields.String(required=True)
    address = _AddressOf(OrderAddressOut, required=True)
    shipments = ma.fields.List(ma.fields.Nested(ShipmentOut), required=True)
    quote = _QuoteOf(QuoteOut, required=True)
    team = _TeamOf(
        OrderTeamOut, required=True, allow_none=True, metadata={"description": "拼团订单的团"}
    )


class StaffOrderOut(OrderOut):
    """An order in a list: whom it goes to is only hinted at."""

    buyer_id = Id(required=True)
    staff_remark = ma.fields.String(required=True)
    receiver = ma.fields.Function(_receiver, metadata={"description": "王**"})
    phone = ma.fields.Function(_phone, metadata={"description": "138****5678"})


class StaffOrderDetailOut(OrderDetailOut):
    buyer_id = Id(required=True)
    staff_remark = ma.fields.String(required=True)
    transaction_id = ma.fields.String(required=True, allow_none=True)


class OrderCountsOut(ma.Schema):
    """How many orders of mine are in each status."""

    unpaid = ma.fields.Integer(required=True)
    closing = ma.fields.Integer(required=True)
    closed = ma.fields.Integer(required=True)
    paid = ma.fields.Integer(required=True)
    shipped = ma.fields.Integer(required=True)
    received = ma.fields.Integer(required=True)
    completed = ma.fields.Integer(required=True)
    refunded = ma.fields.Integer(required=True)


class OrderDraftLineOut(ma.Schema):
    seq = ma.fields.Integer(required=True)
    sku_id = Id(required=True)
    spu_id = Id(required=True)
    title = ma.fields.String(required=True)
    spec_text = ma.fields.String(required=True)
    image_url = ma.fields.String(required=True)
    unit_price_fen = Fen(required=True)
    quantity = Quantity(required=True)
    amount_fen = Fen(required=True)
    member_saves_fen = Fen(required=True)
    discount_fen = Fen(required=True)
    tender_fen = Fen(required=True)
    payable_fen = Fen(required=True)


class OrderDraftOut(OffersOut):
    """What an order would be. Without an address there is no freight in it yet."""

    lines = ma.fields.List(ma.fields.Nested(OrderDraftLineOut), required=True)
    address = ma.fields.Nested(OrderAddressOut, required=True, allow_none=True)
    quote = ma.fields.Nested(QuoteOut, required=True)


OrderPage = page_of(OrderOut)
StaffOrderPage = page_of(StaffOrderOut)


def shown_draft(draft: Draft) -> dict[str, Any]:
    """A draft as `OrderDraftOut` dumps it."""
    lines = [
        {
            **{name: getattr(line.sku, name) for name in OF_SKU},
            **line.amounts,
            "seq": line.seq,
        }
        for line in draft.lines
    ]
    return {"lines": lines, "address": draft.address, **quotes.shown(draft.priced)}


def shown_page(orders: Sequence[Order]) -> dict[str, Any]:
    """A page of one order more than it shows, which says that there is a next page."""
    items = list(orders[: queries.PAGE])
    has_more = len(orders) > len(items)
    return {"items": items, "next_cursor": paging.encode(items[-1].id) if has_more else None}


OF_SKU = ("sku_id", "spu_id", "title", "spec_text", "image_url")
