"""What a distributor asks of their own figures, and is answered."""

from collections.abc import Mapping
from typing import Any

import marshmallow as ma

from app.core.fields import Day, Fen, Id, Moment, Pattern, Query, Text, WholeNumber
from app.core.http import page_of
from app.distributors.schemas import PageQuery, SummaryOut, TeamCountsOut
from distribution.figures.days import Unit
from distribution.ledger import MEMBER_KINDS
from distribution.ledger.states import AccountKind, PostingKind
from distribution.queries import LineState
from distribution.team.people import TeamOrder


class DaysQuery(PageQuery):
    """Days of China, both included."""

    first_day = Day()
    last_day = Day()

    @ma.validates_schema
    def are_in_order(self, data: Mapping[str, Any], **_: Any) -> None:
        """Refuse a last day before the first."""
        first, last = data.get("first_day"), data.get("last_day")
        if first is not None and last is not None and last < first:
            raise ma.ValidationError("不能早于 first_day", "last_day")


def order_no() -> Pattern:
    """The number of an order, as a filter."""
    return Pattern("O[0-9A-Z]{26}", error="订单号不正确")


class StatementQuery(DaysQuery):
    kind = ma.fields.Enum(PostingKind, by_value=True)
    account = ma.fields.Enum(
        AccountKind, by_value=True, validate=ma.validate.OneOf(MEMBER_KINDS, error="不是你的账户")
    )
    order_no = order_no()


class PromotedQuery(DaysQuery):
    state = ma.fields.Enum(LineState, by_value=True)
    level = WholeNumber(minimum=1, maximum=2)
    order_no = order_no()


class TeamQuery(DaysQuery):
    level = WholeNumber(minimum=1, maximum=2, load_default=1)
    sort = ma.fields.Enum(TeamOrder, by_value=True, load_default=TeamOrder.JOINED)


class RankingQuery(Query):
    period = ma.fields.Enum(Unit, by_value=True, load_default=Unit.MONTH)


class BillsQuery(Query):
    cursor = Text(maximum=200)


class MovedOut(ma.Schema):
    """What came and went within one period."""

    orders = WholeNumber(required=True, metadata={"description": "产生佣金的订单数"})
    earned_fen = Fen(required=True, metadata={"description": "计提"})
    clawed_fen = Fen(required=True, metadata={"description": "退款扣回"})
    matured_fen = Fen(required=True, metadata={"description": "结算"})
    withdrawn_fen = Fen(required=True, metadata={"description": "提现（含手续费与代扣税款）"})
    fee_fen = Fen(required=True, metadata={"description": "其中手续费"})
    tax_fen = Fen(required=True, metadata={"description": "其中代扣税款"})
    adjusted_fen = ma.fields.Integer(
        required=True, metadata={"description": "人工调整：增加为正，扣减为负"}
    )


class MaturingOut(ma.Schema):
    day = ma.fields.Date(required=True)
    amount_fen = Fen(required=True)
    commissions = WholeNumber(required=True)


class OverviewOut(SummaryOut):
    """A distributor's money at this moment."""

    today = ma.fields.Nested(MovedOut, required=True)
    month = ma.fields.Nested(MovedOut, required=True)
    total = ma.fields.Nested(MovedOut, required=True)
    maturing = ma.fields.List(
        ma.fields.Nested(MaturingOut),
        required=True,
        metadata={"description": "今起 7 天预计结算；退款与售后可能使其变化"},
    )


class MoveOut(ma.Schema):
    account = ma.fields.Enum(AccountKind, by_value=True, required=True)
    account_name = ma.fields.String(required=True)
    change_fen = ma.fields.Integer(required=True)
    balance_fen = Fen(required=True)


class EntryOut(ma.Schema):
    entry_id = Id(required=True)
    kind = ma.fields.Enum(PostingKind, by_value=True, required=True)
    title = ma.fields.String(required=True)
    source = ma.fields.String(required=True)
    line_source = ma.fields.String(required=True, allow_none=True)
    level = WholeNumber(required=True, allow_none=True)
    effective_at = Moment(required=True)
    moves = ma.fields.List(ma.fields.Nested(MoveOut), required=True)


class PromotedLineOut(ma.Schema):
    commission_id = Id(required=True)
    line_source = ma.fields.String(required=True)
    sku_id = Id(required=True)
    title = ma.fields.String(required=True)
    spec_text = ma.fields.String(required=True)
    image_url = ma.fields.String(required=True)
    quantity = WholeNumber(required=True)
    base_fen = Fen(required=True)
    rate_bp = WholeNumber(required=True, allow_none=True)
    amount_fen = Fen(required=True)
    clawed_fen = Fen(required=True)
    state = ma.fields.Enum(LineState, by_value=True, required=True)
    state_name = ma.fields.String(required=True)
    why = ma.fields.String(required=True, metadata={"description": "为什么是这个数"})
    mature_at = Moment(required=True, allow_none=True)


class PromotedOut(ma.Schema):
    order_no = ma.fields.String(required=True)
    paid_at = Moment(required=True)
    level = WholeNumber(required=True)
    buyer = ma.fields.String(required=True, metadata={"description": "脱敏昵称"})
    amount_fen = Fen(required=True)
    clawed_fen = Fen(required=True)
    lines = ma.fields.List(ma.fields.Nested(PromotedLineOut), required=True)


class TeamMemberOut(ma.Schema):
    member_id = Id(required=True)
    nickname = ma.fields.String(required=True, metadata={"description": "脱敏昵称"})
    level = WholeNumber(required=True)
    bound_at = Moment(required=True)
    orders = WholeNumber(required=True)
    earned_fen = Fen(required=True, metadata={"description": "为我带来的佣金"})
    clawed_fen = Fen(required=True, metadata={"description": "其中退款扣回"})


class TeamPage(TeamCountsOut):
    items = ma.fields.List(ma.fields.Nested(TeamMemberOut), required=True)
    next_cursor = ma.fields.String(required=True, allow_none=True)


class OwnRankOut(ma.Schema):
    rank = WholeNumber(required=True)
    orders = WholeNumber(required=True)
    net_fen = ma.fields.Integer(required=True, metadata={"description": "佣金减退款扣回"})


class RankOut(OwnRankOut):
    nickname = ma.fields.String(required=True, metadata={"description": "脱敏昵称"})
    is_me = ma.fields.Boolean(required=True)


class RankingOut(ma.Schema):
    period = ma.fields.Enum(Unit, by_value=True, required=True)
    starts_on = ma.fields.Date(required=True, allow_none=True)
    as_of = Moment(required=True, allow_none=True)
    own = ma.fields.Nested(OwnRankOut, required=True, allow_none=True)
    items = ma.fields.List(ma.fields.Nested(RankOut), required=True)


class BalancesOut(ma.Schema):
    frozen_fen = Fen(required=True)
    available_fen = Fen(required=True)
    withdrawing_fen = Fen(required=True)
    receivable_fen = Fen(required=True)


class BillOut(MovedOut):
    month = ma.fields.String(required=True, metadata={"description": "如 2026-11"})
    first_day = ma.fields.Date(required=True)
    last_day = ma.fields.Date(required=True)
    opening_fen = ma.fields.Integer(
        required=True, metadata={"description": "月初：待结算＋可提现＋提现中－待扣回"}
    )
    closing_fen = ma.fields.Integer(
        required=True, metadata={"description": "月末＝月初＋计提－扣回－提现＋调整"}
    )
    opening = ma.fields.Nested(BalancesOut, required=True)
    closing = ma.fields.Nested(BalancesOut, required=True)


EntryPage = page_of(EntryOut)
PromotedPage = page_of(PromotedOut)
BillPage = page_of(BillOut)
