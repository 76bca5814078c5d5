"""The tables of payments: attempts to pay, what WeChat has told us, and refunds at WeChat."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, String, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, BigId, Fen


class PaymentStatus(StrEnum):
    """Where one attempt to pay is."""

    CREATED = "created"
    """Recorded, with the body to send; WeChat may or may not have seen it."""
    OPEN = "open"
    """WeChat has given a prepay_id; the buyer may pay."""
    CLOSED = "closed"
    """WeChat has confirmed that it is not paid and cannot be."""
    PAID = "paid"
    """Paid, and the order with it."""
    PAID_LATE = "paid_late"
    """Paid although the order was closed: the money goes back by itself."""
    PAID_DUPLICATE = "paid_duplicate"
    """Paid although the order was paid already: the money goes back by itself."""


_PAID = {PaymentStatus.PAID, PaymentStatus.PAID_LATE, PaymentStatus.PAID_DUPLICATE}

PAYMENT_TRANSITIONS = {
    PaymentStatus.CREATED: {PaymentStatus.OPEN, PaymentStatus.CLOSED, *_PAID},
    PaymentStatus.OPEN: {PaymentStatus.CLOSED, *_PAID},
    PaymentStatus.CLOSED: _PAID,
    PaymentStatus.PAID: set[PaymentStatus](),
    PaymentStatus.PAID_LATE: set[PaymentStatus](),
    PaymentStatus.PAID_DUPLICATE: set[PaymentStatus](),
}
"""The moves of an attempt. Only money overrules `closed`, and nothing overrules money."""

LIVE = (PaymentStatus.CREATED, PaymentStatus.OPEN)
"""An attempt the buyer may still pay."""


class InboxStatus(StrEnum):
    """What became of one thing WeChat told us."""

    RECEIVED = "received"
    """Verified and stored; not acted upon yet."""
    APPLIED = "applied"
    """What it says is true here now."""
    IGNORED = "ignored"
    """It says less than we knew, or is about something we do not do."""
    QUARANTINED = "quarantined"
    """It does not fit what we asked for: nothing was changed, a person decides."""
    RETURNED = "returned"
    """A person decided that the money it tells of goes back."""
    DISMISSED = "dismissed"
    """A person decided that nothing is to be done about it here."""


INBOX_TRANSITIONS = {
    InboxStatus.RECEIVED: {*InboxStatus} - {InboxStatus.RECEIVED},
    InboxStatus.APPLIED: set[InboxStatus](),
    InboxStatus.IGNORED: set[InboxStatus](),
    InboxStatus.QUARANTINED: {
        InboxStatus.APPLIED,
        InboxStatus.RETURNED,
        InboxStatus.DISMISSED,
    },
    InboxStatus.RETURNED: set[InboxStatus](),
    InboxStatus.DISMISSED: {InboxStatus.APPLIED, InboxStatus.RETURNED},
}
"""
The moves of a fact. One that tells again of money a person has decided about shares its end; what
was dismissed may be decided about once more.
"""


class FactKind(StrEnum):
    """What a fact is about."""

    TRADE = "trade"
    REFUND = "refund"
    PAYOUT = "payout"
    """Money to a distributor; the slice of withdrawals acts upon it."""
    OTHER = "other"


class RefundStatus(StrEnum):
    """Where one refund at WeChat is."""

    PENDING = "pending"
    """Intended; to be submitted, or to be submitted again with the same number."""
    PROCESSING = "processing"
    """WeChat has accepted it."""
    ABNORMAL = "abnormal"
    """The buyer's card and wallet are closed: a person must name another account."""
    CLOSED = "closed"
    """WeChat gave up; the money is still owed and a person decides."""
    REPLACED = "replaced"
    """WeChat gave up and staff had it asked again, under another number."""
    SUCCESS = "success"
    """The money is back."""


REFUND_TRANSITIONS = {
    RefundStatus.PENDING: {
        RefundStatus.PROCESSING,
        RefundStatus.ABNORMAL,
        RefundStatus.CLOSED,
        RefundStatus.SUCCESS,
    },
    RefundStatus.PROCESSING: {RefundStatus.ABNORMAL, RefundStatus.CLOSED, RefundStatus.SUCCESS},
    RefundStatus.ABNORMAL: {RefundStatus.CLOSED, RefundStatus.SUCCESS},
    RefundStatus.CLOSED: {RefundStatus.SUCCESS, RefundStatus.REPLACED},
    RefundStatus.REPLACED: set[RefundStatus](),
    RefundStatus.SUCCESS: set[RefundStatus](),
}
"""The moves of a refund. They only go up, so that late news changes nothing."""


STUCK = "status IN ('abnormal', 'closed') OR (status = 'pending' AND last_error IS NOT NULL)"
"""What a person should look at: WeChat refuses it, or cannot bring the money to the buyer."""


def _words(column: str, kind: type[StrEnum]) -> CheckConstraint:
    members = ", ".join(f"'{member}'" for member in kind)
    return CheckConstraint(f"{column} IN ({members})", name=column)


_SUMMARY: dict[str, Any] = {
    "postgresql_using": "brin",
    "postgresql_with": {"autosummarize": "true"},
}


class Payment(Base):
    """One attempt to pay one order, under a number of its own."""

    __tablename__ = "payment"
    __table_args__ = (
        _words("status", PaymentStatus),
        CheckConstraint("out_trade_no ~ '^P[0-9A-Z]{26}$'", name="out_trade_no"),
        CheckConstraint("amount_fen > 0", name="amount_positive"),
        CheckConstraint("refund_fen BETWEEN 0 AND amount_fen", name="refunds_within_amount"),
        CheckConstraint("polls >= 0", name="polls_not_negative"),
        CheckConstraint(
            "(paid_at IS NOT NULL) = (status IN ('paid', 'paid_late', 'paid_duplicate'))"
            " AND (transaction_id IS NOT NULL) = (paid_at IS NOT NULL)",
            name="money_fits_status",
        ),
        CheckConstraint(
            "(prepay_id IS NULL) = (prepay_expires_at IS NULL)"
            " AND (status <> 'open' OR prepay_id IS NOT NULL)",
            name="prepay_fits_status",
        ),
        CheckConstraint("refund_fen = 0 OR paid_at IS NOT NULL", name="only_money_goes_back"),
        Index(
            "uq_payment_live",
            "order_id",
            unique=True,
            postgresql_where=text("status IN ('created', 'open')"),
        ),
        Index("uq_payment_paid", "order_id", unique=True, postgresql_where=text("status = 'paid'")),
        Index("ix_payment_order_id", "order_id"),
        # Rows lie nearly in this order, so a summary of each stretch finds a day's.
        Index("ix_payment_paid_at", "paid_at", **_SUMMARY),
        Index(
            "ix_payment_next_poll_at",
            "next_poll_at",
            postgresql_where=text("next_poll_at IS NOT NULL"),
        ),
    )

    id: Mapped[BigId]
    out_trade_no: Mapped[str] = mapped_column(String(27), unique=True)
    order_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("shop_order.id"))
    status: Mapped[str] = mapped_column(String(20), default=PaymentStatus.CREATED)
    appid: Mapped[str] = mapped_column(String(32))
    mchid: Mapped[str] = mapped_column(String(32))
    """Whose money it is; a fact that names another merchant is quarantined."""
    amount_fen: Mapped[Fen]
    refund_fen: Mapped[Fen] = mapped_column(default=0)
    """Asked back so far, in every refund that was ever begun."""
    request_body: Mapped[bytes] = mapped_column(LargeBinary)
    """The exact bytes of the prepay request: the same number always carries the same bytes."""
    called_at: Mapped[datetime]
    """When the body was last sent; while an answer may be under way, WeChat's "no such number"
    proves nothing."""
    prepay_id: Mapped[str | None] = mapped_column(String(64))
    prepay_expires_at: Mapped[datetime | None]
    expires_at: Mapped[datetime]
    """When WeChat stops accepting money for it."""
    transaction_id: Mapped[str | None] = mapped_column(String(32), unique=True)
    paid_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    refund_sent_at: Mapped[datetime | None]
    """When a refund of it was last sent: WeChat wants a minute between two."""
    next_poll_at: Mapped[datetime | None]
    """When to ask WeChat if no notification has come; NULL when there is nothing left to ask."""
    polls: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]


class PayInbox(Base):
    """One thing WeChat told us, by notification or in answer to a question; kept for ever."""

    __tablename__ = "pay_inbox"
    __table_args__ = (
        _words("status", InboxStatus),
        _words("kind", FactKind),
        CheckConstraint(
            "(handled_at IS NULL) = (status = 'received')", name="handled_at_fits_status"
        ),
        CheckConstraint(
            "CASE WHEN status IN ('received', 'ignored') THEN reason IS NULL"
            " WHEN status = 'applied' THEN TRUE ELSE reason IS NOT NULL END",
            name="reason_fits_status",
        ),
        Index("ix_pay_inbox_out_no", "out_no"),
        Index("ix_pay_inbox_open", "id", postgresql_where=text("status = 'received'")),
        Index(
            "ix_pay_inbox_quarantined",
            text("id DESC"),
            postgresql_where=text("status = 'quarantined'"),
        ),
    )

    id: Mapped[BigId]
    event_id: Mapped[str] = mapped_column(String(128), unique=True)
    """WeChat's id of the notification, the same on every delivery; `answer:…` for an answer."""
    kind: Mapped[str] = mapped_column(String(20))
    event_type: Mapped[str] = mapped_column(String(64))
    out_no: Mapped[str] = mapped_column(String(64))
    """The number of ours it is about: of an attempt, a refund, a payout; empty if none."""
    headers: Mapped[dict[str, Any]]
    """The signature headers: with `raw`, the proof that WeChat said it."""
    raw: Mapped[bytes] = mapped_column(LargeBinary)
    fact: Mapped[dict[str, Any]]
    """The fields that are acted upon; nothing personal."""
    status: Mapped[str] = mapped_column(String(20), default=InboxStatus.RECEIVED)
    reason: Mapped[str | None] = mapped_column(String(40))
    received_at: Mapped[datetime]
    handled_at: Mapped[datetime | None]


class Refund(Base):
    """One intent to give money back, under one number for ever."""

    __tablename__ = "refund"
    __table_args__ = (
        _words("status", RefundStatus),
        CheckConstraint("out_refund_no ~ '^R[0-9A-Z]{26}$'", name="out_refund_no"),
        CheckConstraint("amount_fen >= 0", name="amount_not_negative"),
        CheckConstraint(
            "(amount_fen = 0 OR decision_id IS NOT NULL) = (payment_id IS NULL)"
            " AND (amount_fen > 0 OR status = 'success')",
            name="nothing_to_give_back_needs_no_payment",
        ),
        CheckConstraint(
            "decision_id IS NULL OR (amount_fen > 0 AND line_amounts IS NULL)",
            name="stray_money_is_of_no_order",
        ),
        CheckConstraint("order_id IS NOT NULL OR decision_id IS NOT NULL", name="of_something"),
        CheckConstraint("receipt_no IS NULL OR status = 'success'", name="receipt_fits_status"),
        CheckConstraint(
            "(replaced_by_id IS NOT NULL) = (status = 'replaced')", name="replaced_by_another"
        ),
        CheckConstraint(
            "(submitted_at IS NULL) = (request_body IS NULL)"
            " AND (submitted_at IS NOT NULL OR amount_fen = 0 OR status = 'pending')",
            name="submitted_with_a_body",
        ),
        CheckConstraint("(settled_at IS NOT NULL) = (status = 'success')", name="settled_at"),
        CheckConstraint(
            "freight_fen >= 0 AND freight_fen <= amount_fen", name="freight_within_amount"
        ),
        CheckConstraint("polls >= 0", name="polls_not_negative"),
        Index("ix_refund_decision_id", "decision_id"),
        Index("ix_refund_stuck", "id", postgresql_where=text(STUCK)),
        Index("ix_refund_order_id", "order_id"),
        Index("ix_refund_payment_id", "payment_id"),
        Index("ix_refund_submitted_at", "submitted_at", **_SUMMARY),
        Index("ix_refund_settled_at", "settled_at", **_SUMMARY),
        Index(
            "ix_refund_next_poll_at",
            "next_poll_at",
            postgresql_where=text("next_poll_at IS NOT NULL"),
        ),
    )

    id: Mapped[BigId]
    out_refund_no: Mapped[str] = mapped_column(String(27), unique=True)
    payment_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("payment.id"))
    order_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("shop_order.id"))
    """NULL only for money nobody here knows an order for."""
    decision_id: Mapped[int | None] = mapped_column(
        BigInteger, ForeignKey("quarantine_decision.id")
    )
    """The decision that money set aside goes back; what it was is written there."""
    source: Mapped[str] = mapped_column(String(64), unique=True)
    """What it is for, once: `after_sale:A…`, `late:P…`, `duplicate:P…`, `quarantine:…`; of one that
    was replaced `replaced:R…`, for whatever it is for has another number now."""
    replaced_by_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("refund.id"))
    amount_fen: Mapped[Fen]
    """Freight included."""
    line_amounts: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """Fen by `order_line.id` (as text: it is JSON). NULL: money the order never counted as its
    own, late or paid twice."""
    freight_fen: Mapped[Fen] = mapped_column(default=0)
    reason: Mapped[str] = mapped_column(String(80))
    status: Mapped[str] = mapped_column(String(20), default=RefundStatus.PENDING)
    request_body: Mapped[bytes | None] = mapped_column(LargeBinary)
    """The exact bytes of the refund request, kept before the first try and the same on every."""
    refund_id: Mapped[str | None] = mapped_column(String(64))
    submitted_at: Mapped[datetime | None]
    """When it was first sent; from then on WeChat is asked before it is sent again."""
    settled_at: Mapped[datetime | None]
    next_poll_at: Mapped[datetime | None]
    polls: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str | None] = mapped_column(String(200))
    """Why WeChat refused the last try, such as `NOT_ENOUGH`."""
    rescue_body: Mapped[bytes | None] = mapped_column(LargeBinary)
    """The exact bytes that name another account for abnormal money, until WeChat has taken or
    refused them; what names a person is sealed for WeChat, and nobody here can open it."""
    rescue_serial: Mapped[str | None] = mapped_column(String(64))
    """The key they are sealed with."""
    receipt_no: Mapped[str | None] = mapped_column(String(64))
    """Of the money that staff gave back outside of WeChat, because WeChat would not."""
    rescued_at: Mapped[datetime | None]
    """When WeChat last took another account for it."""
    created_at: Mapped[datetime]
