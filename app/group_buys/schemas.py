"""What is asked of group buys, and what shoppers are shown of them."""

from enum import StrEnum
from typing import Any

import marshmallow as ma

from app.carts.models import QUANTITY_MAX
from app.core.fields import Fen, Id, Moment, Pattern, Quantity, Query, Schema, Text, WholeNumber
from app.core.http import page_of
from app.group_buys.wording import REASONS
from app.marketing.quotes import COUPONS_MAX
from app.marketing.service import Choice
from app.orders.schemas import REMARK_MAX, OrderTeamOut, PlacedOrderOut
from promotions.group_buys import TeamStatus

TEAM_NO = "T[0-9A-Z]{26}"
TEAMS_MAX = 50


def _one_of(words: type[StrEnum], **kwargs: Any) -> ma.fields.String:
    members = ma.validate.OneOf([word.value for word in words])
    return ma.fields.String(required=True, validate=members, **kwargs)


class PreviewTeamOrder(Schema):
    """One SKU of the campaign, to open a team or to join one. The choice loads as `choice`."""

    sku_id = Id(required=True)
    quantity = Quantity(maximum=QUANTITY_MAX, load_default=1)
    team_no = Pattern(
        TEAM_NO,
        load_default=None,
        allow_none=True,
        error="团号格式不正确",
        metadata={"description": "要参加的团；不填则开新团"},
    )
    address_id = Id(
        load_default=None, allow_none=True, metadata={"description": "不填则不计算运费"}
    )
    coupon_ids = ma.fields.List(
        Id(),
        load_default=None,
        allow_none=True,
        validate=ma.validate.Length(max=COUPONS_MAX),
        metadata={"description": "活动允许用券时只用这些；空数组为不用券，null 为自动选最优"},
    )

    @ma.post_load
    def as_choice(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        coupon_ids = data.pop("coupon_ids")
        choice = Choice(coupon_ids=None if coupon_ids is None else tuple(coupon_ids))
        return {**data, "choice": choice}


class PlaceTeamOrder(PreviewTeamOrder):
    """An order as the buyer saw it."""

    address_id = Id(required=True)
    expected_payable_fen = Fen(
        required=True,
        metadata={"description": "用户看到的应付金额；与现价不符则 409 price_changed"},
    )
    remark = Text(maximum=REMARK_MAX, minimum=0, multiline=True, load_default="")


class TeamsQuery(Query):
    limit = Quantity(maximum=TEAMS_MAX, load_default=20)


class OwnTeamsQuery(Query):
    cursor = Text(maximum=200)
    limit = Quantity(maximum=TEAMS_MAX, load_default=20)


class GroupBuyGoodsOut(ma.Schema):
    sku_id = Id(required=True)
    spu_id = Id(required=True)
    title = ma.fields.String(required=True)
    spec_text = ma.fields.String(required=True)
    image_url = ma.fields.String(required=True)
    price_fen = Fen(required=True, metadata={"description": "拼团价"})
    opener_price_fen = Fen(required=True, metadata={"description": "团长价"})
    alone_price_fen = Fen(required=True, metadata={"description": "单独购买的现价"})
    left = WholeNumber(required=True, metadata={"description": "活动剩余件数"})


class GroupBuyOut(ma.Schema):
    """A campaign. `can_order` false: `reason` and `message` say why."""

    id = Id(required=True)
    title = ma.fields.String(required=True)
    can_order = ma.fields.Boolean(required=True)
    reason = ma.fields.String(
        required=True,
        allow_none=True,
        validate=ma.validate.OneOf([reason.value for reason in REASONS]),
    )
    message = ma.fields.String(required=True, allow_none=True)
    starts_at = Moment(required=True)
    ends_at = Moment(required=True, allow_none=True)
    server_time = Moment(required=True, metadata={"description": "倒计时以此为准"})
    team_size = Quantity(required=True)
    team_minutes = WholeNumber(required=True)
    pay_minutes = WholeNumber(required=True)
    newcomers_only = ma.fields.Boolean(required=True)
    auto_complete = ma.fields.Boolean(
        required=True, metadata={"description": "到期人数未满时自动成团；为 true 时须向用户展示"}
    )
    with_coupons = ma.fields.Boolean(required=True)
    max_units_per_order = Quantity(required=True, allow_none=True)
    teams_to_join = WholeNumber(required=True, metadata={"description": "可参加的团数"})
    goods = ma.fields.List(ma.fields.Nested(GroupBuyGoodsOut), required=True)


class GroupBuyListOut(ma.Schema):
    items = ma.fields.List(ma.fields.Nested(GroupBuyOut), required=True)
    server_time = Moment(required=True)


class BuyingTeamOut(ma.Schema):
    """A team as anybody may see it."""

    team_no = ma.fields.String(required=True)
    group_buy_id = Id(required=True)
    status = _one_of(TeamStatus)
    message = ma.fields.String(required=True)
    size = Quantity(required=True)
    seats_taken = WholeNumber(required=True)
    seats_filled = WholeNumber(
        required=True, metadata={"description": "到期自动成团时没有买家的席位"}
    )
    seats_left = WholeNumber(required=True, metadata={"description": "还可以下单的席位"})
    newcomers_only = ma.fields.Boolean(required=True)
    auto_completes = ma.fields.Boolean(required=True)
    opened_at = Moment(required=True, allow_none=True)
    ends_at = Moment(required=True, allow_none=True)
    settled_at = Moment(required=True, allow_none=True)


class JoinableTeamOut(BuyingTeamOut):
    opener = ma.fields.String(required=True, metadata={"description": "团长，脱敏"})


class JoinableTeamsOut(ma.Schema):
    items = ma.fields.List(ma.fields.Nested(JoinableTeamOut), required=True)
    server_time = Moment(required=True)


class GroupBuyDetailOut(GroupBuyOut):
    rules = ma.fields.List(ma.fields.String(), required=True)
    teams = ma.fields.List(ma.fields.Nested(JoinableTeamOut), required=True)


class TeamSeatOut(ma.Schema):
    name = ma.fields.String(required=True, metadata={"description": "王**"})
    is_opener = ma.fields.Boolean(required=True)
    paid_at = Moment(required=True)


class SharedTeamOut(JoinableTeamOut):
    """The page of a team that is shared."""

    can_join = ma.fields.Boolean(required=True)
    members = ma.fields.List(ma.fields.Nested(TeamSeatOut), required=True)
    group_buy = ma.fields.Nested(GroupBuyOut, required=True)
    rules = ma.fields.List(ma.fields.String(), required=True)
    server_time = Moment(required=True)


class OwnTeamOut(OrderTeamOut):
    """A team I have or had a seat in; `message` tells how it stands and what was done."""

    title = ma.fields.String(required=True)
    order_no = ma.fields.String(required=True)


OwnTeamPage = page_of(OwnTeamOut)


class PlacedTeamOrderOut(PlacedOrderOut):
    team = ma.fields.Nested(OrderTeamOut, required=True)
