"""What staff ask about group buys and are shown of them."""

from enum import StrEnum
from typing import Any

import marshmallow as ma

from app.core.fields import Fen, Id, Moment, Quantity, Query, Schema, Text, WholeNumber
from app.core.http import page_of
from app.group_buys.schemas import BuyingTeamOut
from app.orders.models import OrderStatus
from promotions.group_buys import (
    FailReason,
    Late,
    Outcome,
    RefundReason,
    SeatStatus,
    TeamStatus,
)
from promotions.states import Phase


def _one_of(words: type[StrEnum], **kwargs: Any) -> ma.fields.String:
    members = ma.validate.OneOf([word.value for word in words])
    return ma.fields.String(required=True, validate=members, **kwargs)


class BoardQuery(Query):
    cursor = Text(maximum=200)
    limit = Quantity(maximum=100, load_default=20)


class StaffTeamsQuery(BoardQuery):
    status = ma.fields.Enum(TeamStatus, by_value=True)
    member_id = Id()


class TeamFailure(Schema):
    reason = Text(maximum=40, required=True, metadata={"description": "随退款告知买家"})


class GroupBuyFiguresOut(ma.Schema):
    opened = WholeNumber(required=True, metadata={"description": "开团数：团长已付款"})
    open = WholeNumber(required=True, metadata={"description": "拼团中"})
    complete = WholeNumber(required=True, metadata={"description": "已成团"})
    failed = WholeNumber(required=True, metadata={"description": "开团后未成团"})
    filled = WholeNumber(required=True, metadata={"description": "自动成团时没有买家的席位"})
    held = WholeNumber(required=True, metadata={"description": "未付款占用的席位"})
    paid = WholeNumber(required=True, metadata={"description": "付过款的席位"})
    grouped = WholeNumber(required=True, metadata={"description": "已成团的席位"})
    moved = WholeNumber(required=True, metadata={"description": "付款晚而转入别团的席位"})
    opened_late = WholeNumber(required=True, metadata={"description": "付款晚而另开新团的席位"})
    refunding = WholeNumber(required=True, metadata={"description": "退款中的席位"})
    refunded = WholeNumber(required=True, metadata={"description": "已退款的席位"})
    orders = WholeNumber(required=True)
    orders_paid = WholeNumber(required=True)
    paid_fen = Fen(required=True, metadata={"description": "实付，含已退"})
    refunding_fen = Fen(required=True)
    refunded_fen = Fen(required=True)
    revenue_fen = Fen(required=True, metadata={"description": "实付减已退与在退"})


class BoardRowOut(ma.Schema):
    id = Id(required=True)
    title = ma.fields.String(required=True)
    phase = ma.fields.Enum(Phase, by_value=True, required=True)
    starts_at = Moment(required=True)
    ends_at = Moment(required=True, allow_none=True)
    figures = ma.fields.Nested(GroupBuyFiguresOut, required=True)


BoardPage = page_of(BoardRowOut)


class StaffTeamOut(BuyingTeamOut):
    opener_id = Id(required=True)
    seats_held = WholeNumber(required=True)
    when_late = ma.fields.String(required=True)
    places = ma.fields.String(required=True)
    fail_reason = _one_of(FailReason, allow_none=True)
    created_at = Moment(required=True)


StaffTeamPage = page_of(StaffTeamOut)


class StaffSeatOut(ma.Schema):
    order_no = ma.fields.String(required=True)
    order_status = _one_of(OrderStatus)
    member_id = Id(required=True)
    nickname = ma.fields.String(required=True)
    is_opener = ma.fields.Boolean(required=True)
    status = _one_of(SeatStatus)
    outcome = _one_of(Outcome, allow_none=True)
    late_reason = _one_of(Late, allow_none=True)
    refund_reason = _one_of(RefundReason, allow_none=True)
    first_team_no = ma.fields.String(required=True, allow_none=True)
    message = ma.fields.String(required=True)
    payable_fen = Fen(required=True)
    paid_fen = Fen(required=True)
    refunding_fen = Fen(required=True)
    refunded_fen = Fen(required=True)
    held_at = Moment(required=True)
    paid_at = Moment(required=True, allow_none=True)
    refunded_at = Moment(required=True, allow_none=True)


class StaffTeamDetailOut(StaffTeamOut):
    seats = ma.fields.List(ma.fields.Nested(StaffSeatOut), required=True)
