"""
The rules and rates, and what each line earned whom. `commission_rules` and `commission_rate` are
append-only, by triggers of the migrations.
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
from distribution.commissions.states import (
    BaseKind,
    CommissionState,
    RuleName,
    Scope,
    Unearned,
)


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
    base_kind: Mapped[BaseKind] = mapped_column(words(BaseKind, "base_kind"))
    pays_self_purchase: Mapped[bool]
    """A buyer who is a distributor earns level 1 on their own order."""
    changed_by: Mapped[str] = mapped_column(String(SOURCE))
    changed_at: Mapped[datetime]


class CommissionRate(Base):
    """
    What some goods pay from one moment on; the latest row of a target and grade counts.

    A level with neither a rate nor a fixed amount follows the next rule; a row that says nothing at
    all withdraws the ones before it. Append-only.
    """

    __tablename__ = "commission_rate"
    __table_args__ = (
        CheckConstraint("(scope = 'shop') = (target_id = 0)", "target_fits_scope"),
        CheckConstraint("target_id >= 0", "target_not_negative"),
        CheckConstraint("scope <> 'shop' OR grade_id IS NOT NULL", "shop_is_for_a_grade"),
        CheckConstraint(
            "scope = 'sku' OR (level1_fen IS NULL AND level2_fen IS NULL)", "fixed_for_skus_only"
        ),
        CheckConstraint(
            "num_nonnulls(level1_bp, level1_fen) <= 1 AND num_nonnulls(level2_bp, level2_fen) <= 1",
            "rate_or_fixed",
        ),
        CheckConstraint("level1_bp >= 0 AND level2_bp >= 0", "rates_not_negative"),
        CheckConstraint(
            "coalesce(level1_bp, 0) + coalesce(level2_bp, 0) <= 10000", "rates_within_all"
        ),
        CheckConstraint("level1_fen >= 0 AND level2_fen >= 0", "fixed_not_negative"),
        CheckConstraint(
            "NOT is_off OR (scope = 'spu' AND grade_id IS NULL)", "off_is_for_products"
        ),
        Index(
            "ix_commission_rate_latest",
            "scope",
            "target_id",
            text("coalesce(grade_id, 0)"),
            text("id DESC"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    scope: Mapped[Scope] = mapped_column(words(Scope, "scope"))
    target_id: Mapped[int]
    """The SKU, SPU or category; 0 for the shop."""
    grade_id: Mapped[int | None] = mapped_column(ForeignKey("distributor_grade.id"))
    """The grade of whoever earns; NULL: any grade, or none."""
    level1_bp: Mapped[int | None] = mapped_column(Integer)
    level2_bp: Mapped[int | None] = mapped_column(Integer)
    level1_fen: Mapped[int | None]
    """For each piece."""
    level2_fen: Mapped[int | None]
    is_off: Mapped[bool]
    """The product pays nobody anything, whatever else is set for it."""
    changed_by: Mapped[str] = mapped_column(String(SOURCE))
    changed_at: Mapped[datetime]


class Commission(Base):
    """What one line earns one upline on one level, and why. There is no third level."""

    __tablename__ = "commission"
    __table_args__ = (
        UniqueConstraint("line_source", "level"),
        CheckConstraint("level IN (1, 2)", "one_or_two_levels"),
        CheckConstraint("(beneficiary_id = buyer_id) = is_self_purchase", "never_to_the_buyer"),
        CheckConstraint("NOT is_self_purchase OR level = 1", "self_purchase_is_level_1"),
        CheckConstraint("(binding_log_id IS NULL) = is_self_purchase", "bound_unless_self"),
        CheckConstraint("quantity > 0", "quantity"),
        CheckConstraint(
            "base_fen >= 0 AND base_fen <= paid_fen AND (base_kind = 'profit'"
            " OR base_fen = paid_fen)",
            "base_within_paid",
        ),
        CheckConstraint("num_nonnulls(rate_bp, piece_fen) = 1", "rate_or_fixed"),
        CheckConstraint(
            "rate_bp BETWEEN 0 AND 10000 AND cap_bp BETWEEN 0 AND 10000", "rate_within_all"
        ),
        CheckConstraint("piece_fen >= 0", "fixed_not_negative"),
        CheckConstraint(
            "amount_fen <= coalesce(piece_fen * quantity, base_fen * rate_bp / 10000)",
            "amount_within_the_rule",
        ),
        CheckConstraint("amount_fen <= base_fen * cap_bp / 10000", "amount_within_cap"),
        CheckConstraint(
            "(rate_id IS NULL) = (rule = 'shop')"
            " AND (rule NOT IN ('sku_grade', 'spu_grade', 'category_grade', 'grade')"
            " OR grade_id IS NOT NULL)",
            "rule_fits_rate",
        ),
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
        Index("ix_commission_accrued", "accrued_at", "posting_id"),
        Index(
            "ix_commission_beneficiary",
            "beneficiary_id",
            "level",
            "state",
            "accrued_at",
            "posting_id",
        ),
        Index(
            "ix_commission_clawed",
            "beneficiary_id",
            "accrued_at",
            "posting_id",
            postgresql_where=text("clawed_fen > 0"),
        ),
        Index(
            "ix_commission_held",
            "beneficiary_id",
            "accrued_at",
            "posting_id",
            postgresql_where=text("claims > 0"),
        ),
        Index(
            "ix_commission_maturing",
            "beneficiary_id",
            "mature_at",
            postgresql_where=text("state = 'frozen' AND mature_at IS NOT NULL"),
        ),
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
    quantity: Mapped[int]
    """Pieces of the line."""
    paid_fen: Mapped[int]
    """What was really paid for the line, without freight: what refunds are a share of."""
    base_kind: Mapped[BaseKind] = mapped_column(words(BaseKind, "base_kind"))
    base_fen: Mapped[int]
    """What the rate is taken of: what was paid, or the profit in it; 0 if that is not known."""
    grade_id: Mapped[int | None] = mapped_column(ForeignKey("distributor_grade.id"))
    """The beneficiary's grade at the moment of payment."""
    rule: Mapped[RuleName] = mapped_column(words(RuleName, "rule"))
    rate_id: Mapped[int | None] = mapped_column(ForeignKey("commission_rate.id"))
    """The rate that decided; NULL: the rules did."""
    rate_bp: Mapped[int | None] = mapped_column(Integer)
    piece_fen: Mapped[int | None]
    """The fixed amount for each piece, where that is set instead of a rate."""
    cap_bp: Mapped[int] = mapped_column(Integer)
    """The cap of both levels together at the moment of payment."""
    amount_fen: Mapped[int]
    clawed_fen: Mapped[int] = mapped_column(default=0)
    state: Mapped[CommissionState] = mapped_column(words(CommissionState, "state"))
    reason: Mapped[Unearned | None] = mapped_column(words(Unearned, "reason"))
    rules_version: Mapped[int]
    """Which version of the rules; 0 is the defaults."""
    binding_log_id: Mapped[int | None] = mapped_column(ForeignKey("binding_log.id"))
    """The binding that made the beneficiary an upline; NULL on an own purchase."""
    is_self_purchase: Mapped[bool] = mapped_column(default=False)
    """The buyer is the beneficiary: the shop pays on own purchases, on level 1 only."""
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
