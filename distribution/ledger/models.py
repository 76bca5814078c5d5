"""
Accounts, postings, entries, the blocks over them, and adjustments. What must never be false is a
CHECK here.

`posting`, `entry` and the blocks are append-only: triggers made by the migrations refuse
UPDATE, DELETE and TRUNCATE on them.
"""

from datetime import datetime

from sqlalchemy import (
    CheckConstraint,
    Computed,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from distribution.base import SOURCE, Base, words
from distribution.ledger.states import AccountKind, AdjustmentKind, AdjustmentState, PostingKind


class Account(Base):
    """
    What one member has of one kind, or one account of the shop itself (`member_id` NULL).

    A member's row is current after every posting. A row of the shop is never touched by postings:
    it sums the entries up to `rolled_to`, and the tail is added when somebody asks.
    """

    __tablename__ = "account"
    __table_args__ = (
        UniqueConstraint("member_id", "kind", postgresql_nulls_not_distinct=True),
        CheckConstraint("debited_fen >= 0 AND credited_fen >= 0", "volumes_not_negative"),
        CheckConstraint("member_id IS NULL OR balance_fen >= 0", "balance_not_negative"),
        CheckConstraint(
            "(kind IN ('expense', 'cash', 'fee', 'tax', 'adjustment')) = (member_id IS NULL)",
            "owner_fits_kind",
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    member_id: Mapped[int | None] = mapped_column(ForeignKey("distributor.member_id"))
    kind: Mapped[AccountKind] = mapped_column(words(AccountKind, "kind"))
    debited_fen: Mapped[int] = mapped_column(default=0)
    credited_fen: Mapped[int] = mapped_column(default=0)
    balance_fen: Mapped[int] = mapped_column(
        Computed(
            "CASE WHEN kind IN ('receivable', 'expense') THEN debited_fen - credited_fen"
            " ELSE credited_fen - debited_fen END",
            persisted=True,
        )
    )
    version: Mapped[int] = mapped_column(default=0)
    """How many entries have touched the account."""
    rolled_to: Mapped[int] = mapped_column(default=0)
    """Accounts of the shop: the last entry the row includes."""


class Posting(Base):
    """One business event, recorded once: `idem_key` is taken before anything moves. Append-only."""

    __tablename__ = "posting"
    __table_args__ = (CheckConstraint("payload_sha256 = sha256(payload)", "payload_is_hashed"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    idem_key: Mapped[str] = mapped_column(String(SOURCE + 20), unique=True)
    kind: Mapped[PostingKind] = mapped_column(words(PostingKind, "kind"))
    source: Mapped[str] = mapped_column(String(SOURCE))
    payload: Mapped[bytes] = mapped_column(LargeBinary)
    """What was asked for, as canonical JSON: the same key with another payload is refused."""
    payload_sha256: Mapped[bytes] = mapped_column(LargeBinary)
    effective_at: Mapped[datetime]
    recorded_at: Mapped[datetime]


class Entry(Base):
    """Money from one account to another: what one loses the other gains. Append-only."""

    __tablename__ = "entry"
    __table_args__ = (
        CheckConstraint("amount_fen > 0", "amount_positive"),
        CheckConstraint("debit_account_id <> credit_account_id", "two_accounts"),
        Index(
            "ix_entry_shop",
            "member_id",
            postgresql_where=text(
                "commission_id IS NULL"
                " AND (debit_balance_fen IS NULL OR credit_balance_fen IS NULL)"
            ),
        ),
        # Entries lie in the order of their postings, so a summary of each stretch is enough.
        Index(
            "ix_entry_posting",
            "posting_id",
            postgresql_using="brin",
            postgresql_with={"autosummarize": "true"},
        ),
        Index("ix_entry_member", "member_id", "id"),
        Index("ix_entry_accounts", "debit_account_id", "credit_account_id", "id"),
        Index(
            "ix_entry_commission",
            "commission_id",
            postgresql_where=text("commission_id IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    posting_id: Mapped[int] = mapped_column(ForeignKey("posting.id"))
    member_id: Mapped[int]
    """Whose statement shows the entry."""
    commission_id: Mapped[int | None] = mapped_column(ForeignKey("commission.id"))
    debit_account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    credit_account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    amount_fen: Mapped[int]
    debit_balance_fen: Mapped[int | None]
    """The debited account's balance after the entry; NULL for accounts of the shop."""
    credit_balance_fen: Mapped[int | None]


class Block(Base):
    """A hash over some postings and the block before them: see `chain`. Append-only."""

    __tablename__ = "ledger_block"
    __table_args__ = (
        CheckConstraint("first_posting_id <= last_posting_id", "first_before_last"),
        CheckConstraint("postings > 0", "not_empty"),
        CheckConstraint("length(sha256) = 32", "hash_is_whole"),
    )

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """1, 2, 3, without a gap."""
    first_posting_id: Mapped[int] = mapped_column(unique=True)
    """The id after the last one of the block before; there may be no such posting."""
    last_posting_id: Mapped[int] = mapped_column(unique=True)
    postings: Mapped[int]
    """How many there are from the first id to the last."""
    sha256: Mapped[bytes] = mapped_column(LargeBinary)
    made_at: Mapped[datetime]


class RecordBlock(Base):
    """A hash over some rows of another append-only table: see `records`. Append-only."""

    __tablename__ = "record_block"
    __table_args__ = (
        CheckConstraint("first_id <= last_id", "first_before_last"),
        CheckConstraint("records > 0", "not_empty"),
        CheckConstraint("length(sha256) = 32", "hash_is_whole"),
    )

    name: Mapped[str] = mapped_column(String(63), primary_key=True)
    """The table."""
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """1, 2, 3, without a gap, for each table."""
    first_id: Mapped[int]
    """The id after the last one of the block before; there may be no such row."""
    last_id: Mapped[int]
    records: Mapped[int]
    """How many rows there are from the first id to the last."""
    sha256: Mapped[bytes] = mapped_column(LargeBinary)
    made_at: Mapped[datetime]


class Adjustment(Base):
    """A distributor's money moved by hand: one person asks, another one decides, both say why."""

    __tablename__ = "ledger_adjustment"
    __table_args__ = (
        CheckConstraint("amount_fen > 0", "amount_positive"),
        CheckConstraint("reason ~ '\\S'", "reason_is_given"),
        CheckConstraint(
            "(state = 'requested') = (decided_by IS NULL)"
            " AND (decided_by IS NULL) = (decided_at IS NULL)",
            "decision_fits_state",
        ),
        CheckConstraint("state <> 'approved' OR decided_by <> requested_by", "two_people"),
        Index("ix_ledger_adjustment_state", "state", text("id DESC")),
        Index("ix_ledger_adjustment_member", "member_id", text("id DESC")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    no: Mapped[str] = mapped_column(String(32), unique=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("distributor.member_id"))
    kind: Mapped[AdjustmentKind] = mapped_column(words(AdjustmentKind, "kind"))
    amount_fen: Mapped[int]
    reason: Mapped[str] = mapped_column(String(200))
    """Why, in words that the distributor reads too."""
    state: Mapped[AdjustmentState] = mapped_column(words(AdjustmentState, "state"))
    requested_by: Mapped[str] = mapped_column(String(SOURCE))
    requested_at: Mapped[datetime]
    decided_by: Mapped[str | None] = mapped_column(String(SOURCE))
    decided_at: Mapped[datetime | None]
    answer: Mapped[str] = mapped_column(String(200), server_default="")
    """What whoever refused it said."""
