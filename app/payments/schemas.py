"""What payments answer."""

from enum import StrEnum

import marshmallow as ma

from app.core.fields import Fen, Moment, Query, Text
from app.core.http import page_of
from app.payments.models import FactKind, InboxStatus, PaymentStatus, RefundStatus
from app.payments.queries import BuyerState


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


class PaymentTimelineOut(ma.Schema):
    """Everything that happened to the money of one order."""

    payments = ma.fields.List(ma.fields.Nested(PaymentOut), required=True)
    refunds = ma.fields.List(ma.fields.Nested(PaymentRefundOut), required=True)
    facts = ma.fields.List(ma.fields.Nested(PaymentFactOut), required=True)


class QuarantineQuery(Query):
    """Which page."""

    cursor = Text(maximum=200)


QuarantinePage = page_of(PaymentFactOut)
