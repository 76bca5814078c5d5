"""The figures of distributors by period, and how far they are rolled up."""

from datetime import date, datetime

from sqlalchemy import (
    CheckConstraint,
    Computed,
    ForeignKey,
    Index,
    SmallInteger,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from distribution.base import Base, words
from distribution.figures.days import Unit


class Period(Base):
    """
    What the entries of one distributor brought within one period, up to the roll-up.

    The last four amounts are by how much each account grew. A period without an entry has no row.
    """

    __tablename__ = "distributor_period"
    __table_args__ = (
        CheckConstraint(
            "orders >= 0 AND earned_fen >= 0 AND clawed_fen >= 0 AND matured_fen >= 0"
            " AND withdrawn_fen >= 0 AND fee_fen >= 0 AND tax_fen >= 0",
            "not_negative",
        ),
        CheckConstraint("fee_fen + tax_fen <= withdrawn_fen", "kept_within_withdrawn"),
        CheckConstraint(
            "frozen_fen + available_fen + withdrawing_fen - receivable_fen"
            " = earned_fen - clawed_fen - withdrawn_fen + adjusted_fen",
            "accounts_grew_by_what_came",
        ),
        CheckConstraint(
            "CASE unit WHEN 'week' THEN extract(isodow FROM starts_on) = 1"
            " WHEN 'month' THEN extract(day FROM starts_on) = 1"
            " WHEN 'total' THEN starts_on = DATE '1970-01-01' ELSE true END",
            "starts_where_it_starts",
        ),
        Index("ix_distributor_period_rank", "unit", "starts_on", text("net_fen DESC"), "member_id"),
    )

    member_id: Mapped[int] = mapped_column(
        ForeignKey("distributor.member_id"), primary_key=True, autoincrement=False
    )
    unit: Mapped[Unit] = mapped_column(words(Unit, "unit"), primary_key=True)
    starts_on: Mapped[date] = mapped_column(primary_key=True)
    """The first day in China; 1970-01-01 for the total."""
    orders: Mapped[int]
    """Paid orders that earned something."""
    earned_fen: Mapped[int]
    clawed_fen: Mapped[int]
    matured_fen: Mapped[int]
    withdrawn_fen: Mapped[int]
    """What withdrawals took when they arrived, with fee and tax."""
    fee_fen: Mapped[int]
    tax_fen: Mapped[int]
    adjusted_fen: Mapped[int]
    """What was given by hand less what was taken by hand."""
    frozen_fen: Mapped[int]
    available_fen: Mapped[int]
    withdrawing_fen: Mapped[int]
    receivable_fen: Mapped[int]
    first_entry_id: Mapped[int]
    last_entry_id: Mapped[int]
    """Every entry of the period has an id between the two; others may have one, too."""
    net_fen: Mapped[int] = mapped_column(Computed("earned_fen - clawed_fen", persisted=True))
    """By this ranks are made."""


class RolledTo(Base):
    """How far the figures are rolled up. One row, or none before the first time."""

    __tablename__ = "period_rollup"
    __table_args__ = (CheckConstraint("id = 1", "one_row"),)

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    posting_id: Mapped[int]
    """The last posting the figures include, with all of its entries."""
    entry_id: Mapped[int]
    """Every entry of a later posting has a higher id."""
    rolled_at: Mapped[datetime]
