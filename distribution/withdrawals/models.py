"""
The rules, and every withdrawal ever asked for. `withdrawal_rules` is append-only, by triggers of
the migrations.
"""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, SmallInteger, String, text
from sqlalchemy.orm import Mapped, mapped_column

from distribution.base import SOURCE, Base, words
from distribution.withdrawals.states import Channel, Tax, WithdrawalState


class WithdrawalRulesRow(Base):
    """One version of the rules of withdrawals; the highest version is in force. Append-only."""

    __tablename__ = "withdrawal_rules"
    __table_args__ = (
        CheckConstraint("min_fen > 0 AND min_fen <= max_fen AND max_fen <= daily_fen", "amounts"),
        CheckConstraint("daily_count BETWEEN 1 AND 100", "daily_count"),
        CheckConstraint("fee_bp BETWEEN 0 AND 10000 AND fee_min_fen >= 0", "fee"),
        CheckConstraint(
            "review_over_fen >= 0 AND second_review_over_fen >= review_over_fen", "reviews"
        ),
        CheckConstraint("name_from_fen BETWEEN 0 AND 200000", "name_from"),
        CheckConstraint("has_wechat OR has_manual", "some_channel"),
    )

    version: Mapped[int] = mapped_column(primary_key=True)
    min_fen: Mapped[int]
    max_fen: Mapped[int]
    daily_count: Mapped[int] = mapped_column(Integer)
    daily_fen: Mapped[int]
    fee_bp: Mapped[int] = mapped_column(Integer)
    fee_min_fen: Mapped[int]
    tax: Mapped[Tax] = mapped_column(words(Tax, "tax"))
    review_over_fen: Mapped[int]
    second_review_over_fen: Mapped[int]
    name_from_fen: Mapped[int]
    has_wechat: Mapped[bool]
    has_manual: Mapped[bool]
    changed_by: Mapped[str] = mapped_column(String(SOURCE))
    changed_at: Mapped[datetime]


class Withdrawal(Base):
    """One request for available money, under one number for ever."""

    __tablename__ = "withdrawal"
    __table_args__ = (
        CheckConstraint("no ~ '^W[0-9A-Z]{26}$'", "no"),
        CheckConstraint("net_fen > 0 AND fee_fen >= 0 AND tax_fen >= 0", "parts_not_negative"),
        CheckConstraint("amount_fen = net_fen + fee_fen + tax_fen", "parts_make_the_whole"),
        CheckConstraint("reviews_needed BETWEEN 0 AND 2", "reviews_needed"),
        CheckConstraint(
            "state NOT IN ('paying', 'paid')"
            " OR num_nonnulls(first_by, second_by) >= reviews_needed",
            "paid_after_reviews",
        ),
        CheckConstraint("first_by IS NOT NULL OR second_by IS NULL", "first_before_second"),
        CheckConstraint("first_by <> second_by", "two_people"),
        CheckConstraint(
            "(state IN ('paid', 'returned')) = (ended_at IS NOT NULL)", "ended_fits_state"
        ),
        CheckConstraint("(state = 'returned') = (reason IS NOT NULL)", "returned_has_reason"),
        CheckConstraint(
            "(state = 'paid' AND channel = 'manual') = (receipt_no IS NOT NULL)",
            "paid_by_hand_has_receipt",
        ),
        Index("ix_withdrawal_member", "member_id", text("id DESC")),
        Index("ix_withdrawal_asked", "member_id", "requested_at"),
        Index("ix_withdrawal_state", "state", text("id DESC")),
        Index("ix_withdrawal_paid", "ended_at", postgresql_where=text("state = 'paid'")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    no: Mapped[str] = mapped_column(String(27), unique=True)
    """Also WeChat's `out_bill_no`."""
    member_id: Mapped[int] = mapped_column(ForeignKey("distributor.member_id"))
    channel: Mapped[Channel] = mapped_column(words(Channel, "channel"))
    amount_fen: Mapped[int]
    """What leaves the account: fee and tax included."""
    fee_fen: Mapped[int]
    tax_fen: Mapped[int]
    net_fen: Mapped[int]
    """What the distributor receives."""
    rules_version: Mapped[int]
    """Which version of the rules; 0 is the defaults."""
    reviews_needed: Mapped[int] = mapped_column(SmallInteger)
    state: Mapped[WithdrawalState] = mapped_column(words(WithdrawalState, "state"))
    first_by: Mapped[str | None] = mapped_column(String(SOURCE))
    """Who agreed first, such as `staff:3`."""
    second_by: Mapped[str | None] = mapped_column(String(SOURCE))
    ended_by: Mapped[str | None] = mapped_column(String(SOURCE))
    """Who ended it: staff, the distributor, or its carrier (`wechat`)."""
    receipt_no: Mapped[str | None] = mapped_column(String(64))
    """What proves a payment by hand."""
    reason: Mapped[str | None] = mapped_column(String(200))
    requested_at: Mapped[datetime]
    state_at: Mapped[datetime]
    """When the state was last changed."""
    ended_at: Mapped[datetime | None]
