"""What payments answer."""

from enum import StrEnum

import marshmallow as ma

from app.core.fields import Fen, Moment, Pattern, PlainText, Query, Schema, Text
from app.core.http import page_of
from app.payments.decision_models import REASON_MAX, Decision
from app.payments.models import FactKind, InboxStatus, PaymentStatus, RefundStatus
from app.payments.queries import BuyerState
from app.payments.timeline import Happened


def _word_of(kind: type[StrEnum]) -> ma.fields.String:
    return ma.fields.String(required=True, validate=ma.validate.OneOf([*kind]))


RequestPaymentOut = ma.Schema.from_dict(
    {
        name: ma.fields.String(required=True)
        for name in ("timeStamp", "nonceStr", "package", "signType", "paySign")
    },
    name="RequestPayment",
)
"""The arguments of `wx.requestPayment`, to be passed on as they are."""


class PaymentStateOut(ma.Schema):
    """How the money for an order stands."""

    state = _word_of(BuyerState)
    payable_fen = Fen(required=True)
    paid_at = Moment(required=True, allow_none=True)


class PaymentOut(ma.Schema):
    """One attempt to pay."""

    out_trade_no = ma.fields.String(required=True)
    status = _word_of(PaymentStatus)
    amount_fen = Fen(required=True)
    refund_fen = Fen(required=True)
    transaction_id = ma.fields.String(required=True, allow_none=True)
    created_at = Moment(required=True)
    paid_at = Moment(required=True, allow_none=True)
    closed_at = Moment(required=True, allow_none=True)


class PaymentRefundOut(ma.Schema):
    """One refund at WeChat."""

    out_refund_no = ma.fields.String(required=True)
    source = ma.fields.String(required=True)
    status = _word_of(RefundStatus)
    amount_fen = Fen(required=True)
    reason = ma.fields.String(required=True)
    refund_id = ma.fields.String(required=True, allow_none=True)
    last_error = ma.fields.String(required=True, allow_none=True)
    created_at = Moment(required=True)
    submitted_at = Moment(required=True, allow_none=True)
    settled_at = Moment(required=True, allow_none=True)
    rescued_at = Moment(required=True, allow_none=True)
    receipt_no = ma.fields.String(
        required=True, allow_none=True, metadata={"description": "线下退款的凭证号"}
    )


class StuckRefundOut(ma.Schema):
    """One refund that a person must look at."""

    order_no = ma.fields.String(
        required=True, allow_none=True, metadata={"description": "找不到订单的款项为 null"}
    )
    refund = ma.fields.Nested(PaymentRefundOut, required=True)


class PaymentFactOut(ma.Schema):
    """One thing WeChat told us, and what became of it."""

    id = ma.fields.Integer(required=True)
    event_id = ma.fields.String(required=True)
    kind = _word_of(FactKind)
    event_type = ma.fields.String(required=True)
    out_no = ma.fields.String(required=True)
    fact = ma.fields.Dict(required=True)
    status = _word_of(InboxStatus)
    reason = ma.fields.String(required=True, allow_none=True)
    received_at = Moment(required=True)
    handled_at = Moment(required=True, allow_none=True)


class PaymentEventOut(ma.Schema):
    """One thing that happened to the money of an order."""

    at = Moment(required=True)
    what = _word_of(Happened)
    title = ma.fields.String(required=True)
    number = ma.fields.String(required=True)
    amount_fen = Fen(required=True, allow_none=True)
    status = ma.fields.String(required=True, allow_none=True)
    note = ma.fields.String(required=True, allow_none=True)
    staff_id = ma.fields.Integer(required=True, allow_none=True)


class PaymentTimelineOut(ma.Schema):
    """Everything that happened to the money of one order, by kind and as one story."""

    payments = ma.fields.List(ma.fields.Nested(PaymentOut), required=True)
    refunds = ma.fields.List(ma.fields.Nested(PaymentRefundOut), required=True)
    facts = ma.fields.List(ma.fields.Nested(PaymentFactOut), required=True)
    events = ma.fields.List(ma.fields.Nested(PaymentEventOut), required=True)


class QuarantineQuery(Query):
    """Which page."""

    cursor = Text(maximum=200)


QuarantinePage = page_of(PaymentFactOut)
StuckRefundPage = page_of(StuckRefundOut)


class DecisionIn(Schema):
    """What is decided about a fact that was set aside, and why."""

    decision = ma.fields.Enum(
        Decision,
        by_value=True,
        required=True,
        metadata={"description": "refund 原路退回实收款，apply 视为有效并入账，dismiss 忽略"},
    )
    reason = Text(maximum=REASON_MAX, required=True)


class ReasonIn(Schema):
    """Why staff do it."""

    reason = Text(maximum=REASON_MAX, required=True)


class ByHandIn(ReasonIn):
    """The receipt of money given back outside of WeChat, and why."""

    receipt_no = Pattern(
        "[0-9A-Za-z_-]{4,64}", required=True, error="凭证号为 4 到 64 位字母或数字"
    )


class BankAccountIn(Schema):
    """The bank account of who paid; it is sealed for WeChat and not kept."""

    bank_type = Pattern("[A-Z0-9_]{2,32}", required=True, error="银行代码形如 ICBC_DEBIT")
    account_number = Pattern("[0-9]{8,32}", required=True, error="银行卡号为 8 到 32 位数字")
    account_name = PlainText(maximum=30, minimum=2, required=True)


class RescueIn(ReasonIn):
    """Where abnormal money goes: to the buyer's account, or without one to the shop's own."""

    account = ma.fields.Nested(BankAccountIn, load_default=None, allow_none=True)
