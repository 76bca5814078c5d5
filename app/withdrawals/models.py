"""The tables of withdrawals: whom to pay by name, and what became of each payout at WeChat."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, BigId


class PayoutStatus(StrEnum):
    """Where one payout is. All but the first and the second are WeChat's own eight states."""

    NEW = "new"
    """Not to be sent: not approved yet, or paid by hand."""
    PENDING = "pending"
    """To be sent, or sent without a clear answer yet."""
    ACCEPTED = "accepted"
    PROCESSING = "processing"
    """WeChat is setting the merchant's money aside."""
    CONFIRMING = "confirming"
    """The distributor may confirm; for a day."""
    TRANSFERRING = "transferring"
    """Confirmed; the money is on its way."""
    CANCELLING = "cancelling"
    """A cancel has begun; only WeChat says how it ends."""
    SUCCESS = "success"
    FAILED = "failed"
    """Not paid and cannot be any more; `fail_reason` says why."""
    CANCELLED = "cancelled"


_ENDS = {PayoutStatus.SUCCESS, PayoutStatus.FAILED, PayoutStatus.CANCELLED}
_CLOSING = {PayoutStatus.TRANSFERRING, PayoutStatus.CANCELLING, *_ENDS}

PAYOUT_TRANSITIONS = {
    PayoutStatus.NEW: {PayoutStatus.PENDING},
    PayoutStatus.PENDING: {
        PayoutStatus.ACCEPTED,
        PayoutStatus.PROCESSING,
        PayoutStatus.CONFIRMING,
        *_CLOSING,
    },
    PayoutStatus.ACCEPTED: {PayoutStatus.PROCESSING, PayoutStatus.CONFIRMING, *_CLOSING},
    PayoutStatus.PROCESSING: {PayoutStatus.CONFIRMING, *_CLOSING},
    PayoutStatus.CONFIRMING: _CLOSING,
    PayoutStatus.TRANSFERRING: _ENDS,
    PayoutStatus.CANCELLING: _ENDS,
    PayoutStatus.SUCCESS: set[PayoutStatus](),
    PayoutStatus.FAILED: set[PayoutStatus](),
    PayoutStatus.CANCELLED: set[PayoutStatus](),
}
"""The moves of a payout. They only go up, so that late news changes nothing."""

UNSETTLED = (
    PayoutStatus.PENDING,
    PayoutStatus.ACCEPTED,
    PayoutStatus.PROCESSING,
    PayoutStatus.CONFIRMING,
    PayoutStatus.TRANSFERRING,
    PayoutStatus.CANCELLING,
)
"""WeChat may still pay it."""
STOPPABLE = (
    PayoutStatus.PENDING,
    PayoutStatus.ACCEPTED,
    PayoutStatus.PROCESSING,
    PayoutStatus.CONFIRMING,
)
"""Nobody has confirmed it, as far as we know."""


class Payee(Base):
    """
    Who receives a member's withdrawals, as the law and WeChat want to know it; the latest counts.

    Rows are added, never changed: what was paid points to the name it was paid to, and to the
    consent of that moment. They outlive the account, because tax files must.
    """

    __tablename__ = "payee"
    __table_args__ = (
        CheckConstraint("length(id_number_hash) = 64", name="hash_is_sha256"),
        Index("ix_payee_member", "member_id", text("id DESC")),
        Index("ix_payee_id_number_hash", "id_number_hash"),
    )

    id: Mapped[BigId]
    member_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("member.id"))
    real_name_sealed: Mapped[bytes]
    id_number_sealed: Mapped[bytes]
    id_number_hash: Mapped[str]
    """One person is one hash, however many accounts they have."""
    account_sealed: Mapped[bytes | None]
    """Where to pay by hand: a bank account, as the distributor wrote it."""
    consent: Mapped[str]
    """The words that were agreed to."""
    consented_at: Mapped[datetime]


class Payout(Base):
    """What became of one withdrawal at WeChat, under its one number for ever."""

    __tablename__ = "payout"
    __table_args__ = (
        CheckConstraint(
            f"status IN ({', '.join(repr(str(each)) for each in PayoutStatus)})", name="status"
        ),
        CheckConstraint("out_bill_no ~ '^W[0-9A-Z]{26}$'", name="out_bill_no"),
        CheckConstraint(
            "(request_body IS NULL) = (sent_at IS NULL) AND (sent_at IS NULL) = (called_at IS NULL)"
            " AND (sent_at IS NOT NULL OR status IN ('new', 'pending', 'cancelled'))",
            name="sent_with_a_body",
        ),
        CheckConstraint("(fail_reason IS NULL) OR status = 'failed'", name="fail_reason"),
        CheckConstraint(
            "(settled_at IS NOT NULL) = (status IN ('success', 'failed', 'cancelled'))",
            name="settled_at",
        ),
        CheckConstraint(
            "(next_poll_at IS NULL) = (status IN ('new', 'success', 'failed', 'cancelled'))",
            name="asked_until_settled",
        ),
        CheckConstraint(
            "(cancel_asked_at IS NULL) = (cancel_reason IS NULL)"
            " AND (cancel_asked_at IS NULL) = (cancel_by IS NULL)",
            name="cancel_is_whole",
        ),
        CheckConstraint("polls >= 0", name="polls_not_negative"),
        Index("ix_payout_payee_id", "payee_id"),
        Index(
            "ix_payout_next_poll_at",
            "next_poll_at",
            postgresql_where=text("next_poll_at IS NOT NULL"),
        ),
        Index(
            "ix_payout_parked",
            text("id DESC"),
            postgresql_where=text("last_error IS NOT NULL AND next_poll_at IS NOT NULL"),
        ),
    )

    id: Mapped[BigId]
    out_bill_no: Mapped[str] = mapped_column(String(27), unique=True)
    member_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("member.id"))
    payee_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("payee.id"))
    """The payee of that moment, where one must be named."""
    status: Mapped[str] = mapped_column(String(20), default=PayoutStatus.NEW)
    request_body: Mapped[bytes | None] = mapped_column(LargeBinary)
    """The exact bytes of the request, kept before the first try and the same on every."""
    serial: Mapped[str | None] = mapped_column(String(64))
    """The key the name in the body is sealed with; None if there is none in it."""
    transfer_bill_no: Mapped[str | None] = mapped_column(String(64))
    package_info: Mapped[str | None] = mapped_column(String(2000))
    """What the distributor confirms with; good for nobody else's WeChat."""
    fail_reason: Mapped[str | None] = mapped_column(String(64))
    last_error: Mapped[str | None] = mapped_column(String(200))
    """Why WeChat refused the last try, such as `NOT_ENOUGH`: staff see it as parked."""
    cancel_asked_at: Mapped[datetime | None]
    """From then on it is not sent again."""
    cancel_by: Mapped[str | None] = mapped_column(String(100))
    cancel_reason: Mapped[str | None] = mapped_column(String(200))
    sent_at: Mapped[datetime | None]
    """When it was first sent; from then on WeChat is asked before it is sent again."""
    called_at: Mapped[datetime | None]
    """When it was last sent: while an answer may be under way, "no such number" proves nothing."""
    next_poll_at: Mapped[datetime | None]
    polls: Mapped[int] = mapped_column(default=0)
    settled_at: Mapped[datetime | None]
    created_at: Mapped[datetime]
