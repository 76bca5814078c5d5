"""The tables of what people decided about money: append-only, by triggers of the migrations."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, BigId, Fen

REASON_MAX = 200


class Decision(StrEnum):
    """What staff decide about a fact that was set aside."""

    REFUND = "refund"
    """What was really paid goes back to who paid it."""
    APPLY = "apply"
    """It is ours after all: it counts as if it had fitted."""
    DISMISS = "dismiss"
    """Nothing is to be done here."""


class RefundVerb(StrEnum):
    """What staff do about a refund that is stuck."""

    RETRY = "retry"
    """WeChat is asked again at once, under the same number."""
    RESCUE = "rescue"
    """Abnormal money goes to an account that is named."""
    REPLACE = "replace"
    """WeChat closed it: it is asked again under another number."""
    BY_HAND = "by_hand"
    """WeChat will not: the money was given back outside of it."""


def _words(column: str, kind: type[StrEnum]) -> CheckConstraint:
    members = ", ".join(f"'{member}'" for member in kind)
    return CheckConstraint(f"{column} IN ({members})", name=column)


class QuarantineDecision(Base):
    """One decision about one fact: who, when, why, and about which money."""

    __tablename__ = "quarantine_decision"
    __table_args__ = (
        _words("decision", Decision),
        CheckConstraint(
            "num_nonnulls(transaction_id, out_trade_no, mchid, amount_fen) IN (0, 4)",
            name="money_is_whole",
        ),
        CheckConstraint(
            "decision <> 'refund' OR amount_fen > 0", name="what_goes_back_is_something"
        ),
        Index(
            "uq_quarantine_decision_refunded",
            "transaction_id",
            unique=True,
            postgresql_where=text("decision = 'refund'"),
        ),
        Index("ix_quarantine_decision_transaction_id", "transaction_id"),
        Index("ix_quarantine_decision_inbox_id", "inbox_id"),
    )

    id: Mapped[BigId]
    inbox_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("pay_inbox.id"))
    decision: Mapped[str] = mapped_column(String(20))
    reason: Mapped[str] = mapped_column(String(REASON_MAX))
    staff_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("staff.id"))
    decided_at: Mapped[datetime]
    transaction_id: Mapped[str | None] = mapped_column(String(32))
    """The money, as WeChat said when it was asked; NULL if WeChat knows of none."""
    out_trade_no: Mapped[str | None] = mapped_column(String(64))
    mchid: Mapped[str | None] = mapped_column(String(64))
    amount_fen: Mapped[Fen | None]


class RefundAction(Base):
    """One thing staff did about one refund."""

    __tablename__ = "refund_action"
    __table_args__ = (
        _words("verb", RefundVerb),
        Index("ix_refund_action_refund_id", "refund_id"),
    )

    id: Mapped[BigId]
    refund_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("refund.id"))
    verb: Mapped[str] = mapped_column(String(20))
    reason: Mapped[str] = mapped_column(String(REASON_MAX))
    detail: Mapped[str] = mapped_column(String(64))
    """Whose account, the new number, or the receipt; never an account's number."""
    staff_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("staff.id"))
    done_at: Mapped[datetime]
