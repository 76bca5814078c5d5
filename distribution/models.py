"""
The engine's tables. What must never be false is a CHECK, a UNIQUE or a trigger of the database.

`posting`, `entry`, `binding_log`, `commission_rules`, `sku_rate` and `ledger_block` are
append-only: triggers made by the migrations refuse UPDATE, DELETE and TRUNCATE on them.
"""

from datetime import datetime

from sqlalchemy import (
    CheckConstraint,
    Computed,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from distribution.base import Base, words
from distribution.states import (
    AccountKind,
    CommissionState,
    DistributorStatus,
    PostingKind,
    Unearned,
)

SOURCE = 100
"""The longest source or line source, in characters."""
APPEND_ONLY = ("posting", "entry", "binding_log", "commission_rules", "sku_rate", "ledger_block")


class Distributor(Base):
    """A member who shares and earns. Nobody becomes one by paying or buying."""

    __tablename__ = "distributor"
    __table_args__ = (Index("ix_distributor_status", "status", "applied_at", "member_id"),)

    member_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    status: Mapped[DistributorStatus] = mapped_column(words(DistributorStatus, "status"))
    invite_code: Mapped[str] = mapped_column(String(8), unique=True)
    applied_at: Mapped[datetime]
    approved_at: Mapped[datetime | None]
    status_at: Mapped[datetime]
    """When the status was last changed."""
    status_reason: Mapped[str | None] = mapped_column(String(200))


class BindingLog(Base):
    """Every binding ever made: who, to whom, instead of whom, when and by what. Append-only."""

    __tablename__ = "binding_log"
    __table_args__ = (CheckConstraint("member_id <> upline_member_id", "not_self"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    member_id: Mapped[int] = mapped_column(index=True)
    upline_member_id: Mapped[int]
    previous_upline_id: Mapped[int | None]
    origin: Mapped[str] = mapped_column(String(20))
    """What bound them, such as `scene` or `code`."""
    bound_at: Mapped[datetime]


class Binding(Base):
    """Whose upline is whom now. One upline each; never oneself; never a circle."""

    __tablename__ = "binding"
    __table_args__ = (
        CheckConstraint("member_id <> upline_member_id", "not_self"),
        Index("ix_binding_upline", "upline_member_id", "bound_at", "member_id"),
    )

    member_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    upline_member_id: Mapped[int] = mapped_column(ForeignKey("distributor.member_id"))
    log_id: Mapped[int] = mapped_column(ForeignKey("binding_log.id"), unique=True)
    bound_at: Mapped[datetime]


class Rules(Base):
    """One version of the shop's commission rules; the highest version is in force. Append-only."""

    __tablename__ = "commission_rules"
    __table_args__ = (
        CheckConstraint("levels IN (1, 2)", "one_or_two_levels"),
        CheckConstraint("level1_bp >= 0 AND level2_bp >= 0", "rates_not_negative"),
        CheckConstraint("level1_bp + level2_bp <= cap_bp", "rates_within_cap"),
        CheckConstraint("cap_bp <= 10000", "cap_within_all"),
        CheckConstraint("mature_days BETWEEN 0 AND 365", "mature_days"),
        CheckConstraint("joining IN ('open', 'approval')", "joining"),
    )

    version: Mapped[int] = mapped_column(primary_key=True)
    levels: Mapped[int] = mapped_column(SmallInteger)
    level1_bp: Mapped[int] = mapped_column(Integer)
    level2_bp: Mapped[int] = mapped_column(Integer)
    cap_bp: Mapped[int] = mapped_column(Integer)
    mature_days: Mapped[int] = mapped_column(Integer)
    joining: Mapped[str] = mapped_column(String(20))
    changed_by: Mapped[str] = mapped_column(String(SOURCE))
    changed_at: Mapped[datetime]


class SkuRate(Base):
    """The rates of one SKU from one moment on; the latest row counts. Append-only."""

    __tablename__ = "sku_rate"
    __table_args__ = (
        CheckConstraint("(level1_bp IS NULL) = (level2_bp IS NULL)", "both_or_default"),
        CheckConstraint("level1_bp >= 0 AND level2_bp >= 0", "rates_not_negative"),
        CheckConstraint("level1_bp + level2_bp <= 10000", "rates_within_all"),
        Index("ix_sku_rate_latest", "sku_id", text("id DESC")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    sku_id: Mapped[int]
    level1_bp: Mapped[int | None] = mapped_column(Integer)
    """NULL in both: the SKU follows the shop's rules again."""
    level2_bp: Mapped[int | None] = mapped_column(Integer)
    changed_by: Mapped[str] = mapped_column(String(SOURCE))
    changed_at: Mapped[datetime]


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
        CheckConstraint("(kind = 'expense') = (member_id IS NULL)", "owner_fits_kind"),
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


class Commission(Base):
    """What one line earns one upline on one level, and why. There is no third level."""

    __tablename__ = "commission"
    __table_args__ = (
        UniqueConstraint("line_source", "level"),
        CheckConstraint("level IN (1, 2)", "one_or_two_levels"),
        CheckConstraint("beneficiary_id <> buyer_id", "never_to_the_buyer"),
        CheckConstraint("base_fen >= 0", "base_not_negative"),
        CheckConstraint("rate_bp BETWEEN 0 AND cap_bp AND cap_bp <= 10000", "rate_within_cap"),
        CheckConstraint("amount_fen IN (0, base_fen * rate_bp / 10000)", "amount_is_the_share"),
        CheckConstraint("clawed_fen BETWEEN 0 AND amount_fen", "clawed_within_amount"),
        CheckConstraint(
            "CASE state WHEN 'frozen' THEN clawed_fen < amount_fen"
            " WHEN 'clawed' THEN clawed_fen = amount_fen AND amount_fen > 0"
            " WHEN 'unearned' THEN amount_fen = 0 ELSE amount_fen > 0 END",
            "state_fits_amounts",
        ),
        CheckConstraint("(state = 'unearned') = (reason IS NOT NULL)", "unearned_has_reason"),
        CheckConstraint(
            "(state = 'matured') = (matured_posting_id IS NOT NULL)", "matured_has_posting"
        ),
        CheckConstraint("state <> 'matured' OR mature_at IS NOT NULL", "matured_was_scheduled"),
        Index("ix_commission_order", "order_source", "line_source", "level"),
        Index("ix_commission_beneficiary", "beneficiary_id", "id"),
        Index(
            "ix_commission_due",
            "mature_at",
            "id",
            postgresql_where=text("state = 'frozen' AND mature_at IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    order_source: Mapped[str] = mapped_column(String(SOURCE))
    line_source: Mapped[str] = mapped_column(String(SOURCE))
    level: Mapped[int] = mapped_column(SmallInteger)
    beneficiary_id: Mapped[int] = mapped_column(ForeignKey("distributor.member_id"))
    buyer_id: Mapped[int]
    sku_id: Mapped[int]
    spu_id: Mapped[int]
    base_fen: Mapped[int]
    """What was really paid for the line, without freight."""
    rate_bp: Mapped[int] = mapped_column(Integer)
    cap_bp: Mapped[int] = mapped_column(Integer)
    """The cap of both levels together at the moment of payment."""
    amount_fen: Mapped[int]
    clawed_fen: Mapped[int] = mapped_column(default=0)
    state: Mapped[CommissionState] = mapped_column(words(CommissionState, "state"))
    reason: Mapped[Unearned | None] = mapped_column(words(Unearned, "reason"))
    rules_version: Mapped[int]
    """Which version of the rules; 0 is the defaults."""
    sku_rate_id: Mapped[int | None] = mapped_column(ForeignKey("sku_rate.id"))
    """The SKU's own rate, where it decided."""
    binding_log_id: Mapped[int] = mapped_column(ForeignKey("binding_log.id"))
    """The binding that made the beneficiary an upline."""
    posting_id: Mapped[int] = mapped_column(ForeignKey("posting.id"))
    accrued_at: Mapped[datetime]
    mature_at: Mapped[datetime | None]
    """Set when the goods are received, never at payment."""
    matured_posting_id: Mapped[int | None] = mapped_column(ForeignKey("posting.id"))


class Entry(Base):
    """Money from one account to another: what one loses the other gains. Append-only."""

    __tablename__ = "entry"
    __table_args__ = (
        CheckConstraint("amount_fen > 0", "amount_positive"),
        CheckConstraint("debit_account_id <> credit_account_id", "two_accounts"),
        Index("ix_entry_member", "member_id", text("id DESC")),
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
