"""
The rules, and what each line earned whom. `commission_rules` and `sku_rate` are append-only, by
triggers of the migrations.
"""

from datetime import datetime

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from distribution.base import SOURCE, Base, words
from distribution.commissions.states import CommissionState, Unearned


class Rules(Base):
    """One version of the shop's commission rules; the highest version is in force. Append-only."""

    __tablename__ = "commission_rules"
    __table_args__ = (
        CheckConstraint("levels IN (1, 2)", "one_or_two_levels"),
        CheckConstraint("level1_bp >= 0 AND level2_bp >= 0", "rates_not_negative"),
        CheckConstraint("level1_bp + level2_bp <= cap_bp", "rates_within_cap"),
        CheckConstraint("cap_bp <= 10000", "cap_within_all"),
        CheckConstraint("mature_days BETWEEN 0 AND 365", "mature_days"),
    )

    version: Mapped[int] = mapped_column(primary_key=True)
    levels: Mapped[int] = mapped_column(SmallInteger)
    level1_bp: Mapped[int] = mapped_column(Integer)
    level2_bp: Mapped[int] = mapped_column(Integer)
    cap_bp: Mapped[int] = mapped_column(Integer)
    mature_days: Mapped[int] = mapped_column(Integer)
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
        CheckConstraint("claims >= 0", "claims_not_negative"),
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
        Index("ix_commission_accrued", "accrued_at", "posting_id"),
        Index(
            "ix_commission_due",
            "mature_at",
            "id",
            postgresql_where=text("state = 'frozen' AND mature_at IS NOT NULL AND claims = 0"),
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
    claims: Mapped[int] = mapped_column(Integer, server_default="0")
    """How many open claims the line has: it matures only without any."""
    matured_posting_id: Mapped[int | None] = mapped_column(ForeignKey("posting.id"))


class Claim(Base):
    """Somebody asks for money of a line back; once per source and line."""

    __tablename__ = "commission_claim"
    __table_args__ = (
        Index(
            "ix_commission_claim_open",
            "line_source",
            postgresql_where=text("settled_at IS NULL"),
        ),
    )

    source: Mapped[str] = mapped_column(String(SOURCE), primary_key=True)
    line_source: Mapped[str] = mapped_column(String(SOURCE), primary_key=True)
    claimed_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
    """NULL: the claim is open."""
