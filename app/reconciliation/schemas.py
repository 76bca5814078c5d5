"""What reconciliation takes and answers."""

import marshmallow as ma

from app.core.fields import Day, Flag, Id, Moment, Quantity, Query, Schema, Text, WholeNumber
from app.core.http import page_of
from app.reconciliation.models import (
    BY_STAFF,
    BillStatus,
    Book,
    BreakStatus,
    LineKind,
    Resolution,
    Resolver,
    Verdict,
)
from app.wechat.billing import BillKind

PAGE_MAX = 100
DAYS_MAX = 92
REASON_MAX = 200


class DaysQuery(Query):
    cursor = Text(maximum=200)
    limit = Quantity(maximum=DAYS_MAX, load_default=31)


class StretchQuery(Query):
    first_day = Day(metadata={"description": "北京时间，含当天；默认为结束日期之前 30 天"})
    last_day = Day(metadata={"description": "北京时间，含当天；默认为今天"})


class BreaksQuery(Query):
    status = ma.fields.Enum(BreakStatus, by_value=True, load_default=BreakStatus.OPEN)
    verdict = ma.fields.Enum(Verdict, by_value=True)
    kind = ma.fields.Enum(LineKind, by_value=True)
    day = Day()
    owner_id = Id(metadata={"description": "只看这位员工负责的"})
    cursor = Text(maximum=200)
    limit = Quantity(maximum=PAGE_MAX, load_default=20)


class RunIn(Schema):
    """A day to compare: those of the last ninety that are over."""

    day = Day(required=True)
    is_anew = Flag(load_default=False, metadata={"description": "重新下载账单后再比对"})


class ResolutionIn(Schema):
    """What staff decided about a difference, and why. No money moves."""

    how = ma.fields.Enum(
        Resolution,
        by_value=True,
        required=True,
        validate=ma.validate.OneOf(BY_STAFF, error="须为 explained、corrected 或 written_off"),
    )
    reason = Text(maximum=REASON_MAX, required=True)


class WeChatBillOut(ma.Schema):
    bill = ma.fields.Enum(BillKind, by_value=True, required=True)
    bill_name = ma.fields.String(required=True)
    status = ma.fields.Enum(BillStatus, by_value=True, required=True)
    status_name = ma.fields.String(required=True)
    lines = WholeNumber(required=True)
    sha1 = ma.fields.String(required=True, allow_none=True)
    tries = WholeNumber(required=True, metadata={"description": "已向微信请求的次数"})
    asked_at = Moment(required=True, allow_none=True)
    last_error = ma.fields.String(required=True, allow_none=True)


class ReconciliationSumOut(ma.Schema):
    book = ma.fields.Enum(Book, by_value=True, required=True)
    book_name = ma.fields.String(required=True)
    kind = ma.fields.Enum(LineKind, by_value=True, required=True)
    kind_name = ma.fields.String(required=True)
    lines = WholeNumber(required=True)
    ours = WholeNumber(required=True, metadata={"description": "本店当日笔数"})
    matched = WholeNumber(required=True)
    bill_fen = ma.fields.Integer(required=True)
    local_fen = ma.fields.Integer(required=True)


class ReconciliationDayOut(ma.Schema):
    day = ma.fields.Date(required=True)
    matched_at = Moment(
        required=True, allow_none=True, metadata={"description": "null：账单尚未齐全"}
    )
    inputs_sha256 = ma.fields.String(
        required=True, allow_none=True, metadata={"description": "所比对账单的哈希"}
    )
    open_breaks = WholeNumber(required=True)
    resolved_breaks = WholeNumber(required=True)
    bills = ma.fields.List(ma.fields.Nested(WeChatBillOut), required=True)
    sums = ma.fields.List(ma.fields.Nested(ReconciliationSumOut), required=True)


class BreakOut(ma.Schema):
    id = Id(required=True)
    day = ma.fields.Date(required=True, attribute="bill_day")
    book = ma.fields.Enum(Book, by_value=True, required=True)
    book_name = ma.fields.String(required=True)
    kind = ma.fields.Enum(LineKind, by_value=True, required=True)
    kind_name = ma.fields.String(required=True)
    out_no = ma.fields.String(required=True, metadata={"description": "本店单号；没有时为微信单号"})
    wechat_no = ma.fields.String(required=True, allow_none=True)
    verdict = ma.fields.Enum(Verdict, by_value=True, required=True)
    verdict_name = ma.fields.String(required=True)
    status = ma.fields.Enum(BreakStatus, by_value=True, required=True)
    status_name = ma.fields.String(required=True)
    resolver = ma.fields.Enum(Resolver, by_value=True, required=True)
    resolver_name = ma.fields.String(required=True)
    owner_id = Id(required=True, allow_none=True)
    owner = ma.fields.String(required=True, allow_none=True)
    bill_fen = ma.fields.Integer(required=True, allow_none=True)
    local_fen = ma.fields.Integer(required=True, allow_none=True)
    ledger_fen = ma.fields.Integer(
        required=True, allow_none=True, metadata={"description": "佣金账记载的打款金额"}
    )
    difference_fen = ma.fields.Integer(
        required=True, metadata={"description": "使当日账单合计多于本店合计多少"}
    )
    bill_state = ma.fields.String(required=True, allow_none=True)
    local_state = ma.fields.String(required=True, allow_none=True)
    asked_at = Moment(required=True, allow_none=True)
    answer = ma.fields.String(
        required=True, allow_none=True, metadata={"description": "向微信查询得到的状态"}
    )
    how = ma.fields.Enum(Resolution, by_value=True, required=True, allow_none=True)
    how_name = ma.fields.String(required=True, allow_none=True)
    reason = ma.fields.String(required=True, allow_none=True)
    resolved_by = Id(required=True, allow_none=True)
    resolver_staff = ma.fields.String(
        required=True, allow_none=True, metadata={"description": "处理人的账号"}
    )
    found_at = Moment(required=True)
    resolved_at = Moment(required=True, allow_none=True)
    age_days = WholeNumber(required=True)


ReconciliationDayPage = page_of(ReconciliationDayOut)
BreakPage = page_of(BreakOut)
