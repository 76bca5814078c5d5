"""
Grades, and what counts for them: the purchases the shop told, and the sums kept of them.

`distributor_grade_log` is append-only, by a trigger of the migrations.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    String,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from distribution.base import SOURCE, Base, words
from distribution.team.states import GradeCause


class DistributorGrade(Base):
    """A grade, what lifts a distributor to it, and for how long. Archived, never deleted."""

    __tablename__ = "distributor_grade"
    __table_args__ = (
        CheckConstraint("rank BETWEEN 1 AND 100", "rank"),
        CheckConstraint(
            "least(own_orders, own_spend_fen, level1_orders, level1_fen, direct_customers) > 0",
            "conditions_positive",
        ),
        CheckConstraint(
            "num_nonnulls(own_orders, own_spend_fen) = 0 OR (is_every AND"
            " num_nonnulls(level1_orders, level1_fen, direct_customers) > 0)",
            "buying_alone_lifts_nobody",
        ),
        CheckConstraint("keep_days BETWEEN 1 AND 3650", "keep_days"),
        CheckConstraint(
            "keep_days IS NULL OR num_nonnulls(level1_orders, level1_fen, direct_customers) > 0",
            "kept_by_conditions",
        ),
        Index(
            "uq_distributor_grade_rank", "rank", unique=True,
            postgresql_where=text("archived_at IS NULL"),
        ),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(20))
    rank: Mapped[int] = mapped_column(Integer)
    """The higher, the better; no two grades in use share one."""
    is_every: Mapped[bool]
    """All conditions that are set must be met; otherwise any one of them."""
    own_orders: Mapped[int | None]
    own_spend_fen: Mapped[int | None]
    level1_orders: Mapped[int | None]
    level1_fen: Mapped[int | None]
    direct_customers: Mapped[int | None]
    """People who bought; never the number of people recruited."""
    keep_days: Mapped[int | None] = mapped_column(Integer)
    """The conditions look back so many days and are looked at again after as many; NULL: ever."""
    created_at: Mapped[datetime]
    archived_at: Mapped[datetime | None]


class GradeLog(Base):
    """Every grade ever given or taken: from which, to which, why, on what facts. Append-only."""

    __tablename__ = "distributor_grade_log"
    __table_args__ = (
        CheckConstraint("(cause = 'staff') = (reason IS NOT NULL)", "staff_say_why"),
        Index("ix_distributor_grade_log_member", "member_id", text("id DESC")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("distributor.member_id"))
    from_grade_id: Mapped[int | None] = mapped_column(ForeignKey("distributor_grade.id"))
    grade_id: Mapped[int | None] = mapped_column(ForeignKey("distributor_grade.id"))
    cause: Mapped[GradeCause] = mapped_column(words(GradeCause, "cause"))
    is_locked: Mapped[bool]
    reason: Mapped[str | None] = mapped_column(String(200))
    facts: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    """What counted at that moment, where conditions decided."""
    actor: Mapped[str] = mapped_column(String(SOURCE))
    changed_at: Mapped[datetime]


class Purchase(Base):
    """What is left of one paid order: how much money, of which products, and who stood above."""

    __tablename__ = "purchase"
    __table_args__ = (
        CheckConstraint("kept_fen BETWEEN 0 AND paid_fen", "kept_within_paid"),
        CheckConstraint("upline_member_id <> buyer_id", "not_self"),
        Index("ix_purchase_buyer", "buyer_id", "completed_at"),
        Index(
            "ix_purchase_upline", "upline_member_id", "completed_at",
            postgresql_where=text("upline_member_id IS NOT NULL AND completed_at IS NOT NULL"),
        ),
    )  # fmt: skip

    order_source: Mapped[str] = mapped_column(String(SOURCE), primary_key=True)
    buyer_id: Mapped[int]
    upline_member_id: Mapped[int | None] = mapped_column(ForeignKey("distributor.member_id"))
    """The buyer's upline at the moment of payment."""
    paid_fen: Mapped[int]
    """For goods, without freight."""
    kept_fen: Mapped[int]
    """Less what went back."""
    spu_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    """The products of which something paid for was kept."""
    paid_at: Mapped[datetime]
    completed_at: Mapped[datetime | None]
    """When the days for returning it were over: from then on it counts for grades."""


class DirectCustomer(Base):
    """Somebody who bought below a distributor: how often, for how much. Completed, net."""

    __tablename__ = "direct_customer"
    __table_args__ = (CheckConstraint("orders >= 0 AND kept_fen >= 0", "not_negative"),)

    upline_member_id: Mapped[int] = mapped_column(
        ForeignKey("distributor.member_id"), primary_key=True, autoincrement=False
    )
    buyer_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    orders: Mapped[int]
    kept_fen: Mapped[int]


class MemberFacts(Base):
    """The sums of completed purchases, net: a member's own, and those of whom they brought."""

    __tablename__ = "member_facts"
    __table_args__ = (
        CheckConstraint(
            "least(own_orders, own_spend_fen, level1_orders, level1_fen, direct_customers) >= 0",
            "not_negative",
        ),
    )

    member_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    own_orders: Mapped[int] = mapped_column(server_default="0")
    own_spend_fen: Mapped[int] = mapped_column(server_default="0")
    level1_orders: Mapped[int] = mapped_column(server_default="0")
    level1_fen: Mapped[int] = mapped_column(server_default="0")
    direct_customers: Mapped[int] = mapped_column(server_default="0")
