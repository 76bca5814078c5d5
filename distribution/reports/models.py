"""The trial balance of each day. Append-only, by triggers of the migrations."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from distribution.base import Base, words
from distribution.ledger.states import AccountKind


class TrialDay(Base):
    """
    One closed day: the postings recorded before `ends_at`, as far as `last_posting_id`.

    A posting that was recorded in time but committed after the day was closed is late: the next
    day counts it, and says so.
    """

    __tablename__ = "trial_day"
    __table_args__ = (
        CheckConstraint("postings >= late_postings AND late_postings >= 0", "late_among_postings"),
        CheckConstraint("entries >= 0 AND amount_fen >= 0", "volumes_not_negative"),
        CheckConstraint("open_posting_id <= last_posting_id + 1", "open_within_seen"),
        CheckConstraint("closed_at >= ends_at", "closed_after_its_end"),
    )

    day: Mapped[date] = mapped_column(primary_key=True)
    ends_at: Mapped[datetime]
    last_posting_id: Mapped[int]
    """Everything up to it was settled when the day was closed."""
    open_posting_id: Mapped[int]
    """Every posting before it is counted by this day or one before."""
    postings: Mapped[int]
    late_postings: Mapped[int]
    """How many of them belong to an earlier day, closed without them."""
    entries: Mapped[int]
    amount_fen: Mapped[int]
    """The sum of the entries: what all debits of the day come to, and all credits."""
    closed_at: Mapped[datetime]


class TrialBalance(Base):
    """All accounts of one kind at the end of one day, and what the day moved."""

    __tablename__ = "trial_balance"
    __table_args__ = (
        CheckConstraint(
            "0 <= day_debited_fen AND day_debited_fen <= debited_fen"
            " AND 0 <= day_credited_fen AND day_credited_fen <= credited_fen",
            "day_within_all",
        ),
    )

    day: Mapped[date] = mapped_column(ForeignKey("trial_day.day"), primary_key=True)
    kind: Mapped[AccountKind] = mapped_column(words(AccountKind, "kind"), primary_key=True)
    debited_fen: Mapped[int]
    """Since the first day."""
    credited_fen: Mapped[int]
    day_debited_fen: Mapped[int]
    day_credited_fen: Mapped[int]
