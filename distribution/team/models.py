"""
Distributors, how one becomes one, who is bound to whom, by what click and by which rules.

`distributor_status_log`, `joining_rules`, `binding_log`, `share_click` and `binding_rules` are
append-only, by triggers of the migrations.
"""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, String, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from distribution.base import SOURCE, Base, words
from distribution.team.states import (
    Bindable,
    BindingKind,
    BindingMode,
    DistributorStatus,
    Joining,
    OnLeaving,
)


class Distributor(Base):
    """A member who shares and earns, or asks to. Nobody becomes one by paying for it."""

    __tablename__ = "distributor"
    __table_args__ = (
        CheckConstraint(
            "grade_review_at IS NULL OR grade_id IS NOT NULL AND NOT is_grade_locked",
            "review_has_grade",
        ),
        Index("ix_distributor_status", "status", "applied_at", "member_id"),
        Index("ix_distributor_grade", "grade_id", postgresql_where=text("grade_id IS NOT NULL")),
    )

    member_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    status: Mapped[DistributorStatus] = mapped_column(words(DistributorStatus, "status"))
    invite_code: Mapped[str] = mapped_column(String(8), unique=True)
    applied_at: Mapped[datetime]
    approved_at: Mapped[datetime | None]
    status_at: Mapped[datetime]
    """When the status was last changed."""
    status_reason: Mapped[str | None] = mapped_column(String(200))
    declared_at: Mapped[datetime | None]
    """When the member last declared to be of age and agreed; NULL: joined before it was asked."""
    grade_id: Mapped[int | None] = mapped_column(ForeignKey("distributor_grade.id"))
    """NULL: no grade, the shop's own rates."""
    graded_at: Mapped[datetime | None]
    """When the grade was last given or taken."""
    grade_review_at: Mapped[datetime | None]
    """When a grade that must be kept up is looked at next."""
    is_grade_locked: Mapped[bool] = mapped_column(server_default="false")
    """Given by hand, for good: conditions neither lift nor lower it."""


class StatusLog(Base):
    """Every change of a distributor's status: from what, to what, by whom and why. Append-only."""

    __tablename__ = "distributor_status_log"
    __table_args__ = (Index("ix_distributor_status_log_member", "member_id", text("id DESC")),)

    id: Mapped[int] = mapped_column(primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("distributor.member_id"))
    from_status: Mapped[DistributorStatus | None] = mapped_column(
        words(DistributorStatus, "from_status")
    )
    """NULL: the first one."""
    status: Mapped[DistributorStatus] = mapped_column(words(DistributorStatus, "status"))
    reason: Mapped[str | None] = mapped_column(String(200))
    actor: Mapped[str] = mapped_column(String(SOURCE))
    """`member`, `staff:7`, or `system` where conditions decided."""
    changed_at: Mapped[datetime]


class JoiningRulesVersion(Base):
    """One version of how one becomes a distributor; the highest is in force. Append-only."""

    __tablename__ = "joining_rules"
    __table_args__ = (
        CheckConstraint("(way = 'spending') = (spend_fen IS NOT NULL)", "spending_has_amount"),
        CheckConstraint("spend_fen > 0", "amount_positive"),
        CheckConstraint("(way = 'goods') = (cardinality(spu_ids) > 0)", "goods_are_chosen"),
        CheckConstraint("NOT in_one_order OR way = 'spending'", "one_order_is_spending"),
    )

    version: Mapped[int] = mapped_column(primary_key=True)
    way: Mapped[Joining] = mapped_column(words(Joining, "way"))
    spend_fen: Mapped[int | None]
    in_one_order: Mapped[bool]
    """The amount must be spent in one order, not in all together."""
    spu_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    counts_at_payment: Mapped[bool]
    """Orders count as soon as they are paid; otherwise when they are completed."""
    changed_by: Mapped[str] = mapped_column(String(SOURCE))
    changed_at: Mapped[datetime]


class BindingRulesRow(Base):
    """One version of the rules of binding; the highest version is in force. Append-only."""

    __tablename__ = "binding_rules"
    __table_args__ = (
        CheckConstraint("protect_days BETWEEN 1 AND 3650", "protect_days"),
        CheckConstraint("extend_days BETWEEN 0 AND 3650", "extend_days"),
        CheckConstraint("new_minutes BETWEEN 1 AND 525600", "new_minutes"),
        CheckConstraint("click_days BETWEEN 1 AND 365", "click_days"),
    )

    version: Mapped[int] = mapped_column(primary_key=True)
    mode: Mapped[BindingMode] = mapped_column(words(BindingMode, "mode"))
    protect_days: Mapped[int] = mapped_column(Integer)
    extend_days: Mapped[int] = mapped_column(Integer)
    bindable: Mapped[Bindable] = mapped_column(words(Bindable, "bindable"))
    new_minutes: Mapped[int] = mapped_column(Integer)
    click_days: Mapped[int] = mapped_column(Integer)
    on_leaving: Mapped[OnLeaving] = mapped_column(words(OnLeaving, "on_leaving"))
    changed_by: Mapped[str] = mapped_column(String(SOURCE))
    changed_at: Mapped[datetime]


class ShareClick(Base):
    """Somebody followed what a distributor shared. Append-only; it pays nobody."""

    __tablename__ = "share_click"
    __table_args__ = (
        CheckConstraint("(member_id IS NULL) <> (visitor_key IS NULL)", "by_somebody"),
        CheckConstraint("member_id <> upline_member_id", "not_self"),
        CheckConstraint(
            "source IN ('link', 'code', 'invite_code', 'poster', 'coupon', 'channel')", "source"
        ),
        Index(
            "ix_share_click_member",
            "member_id",
            text("id DESC"),
            postgresql_where=text("member_id IS NOT NULL"),
        ),
        Index(
            "ix_share_click_visitor",
            "visitor_key",
            text("id DESC"),
            postgresql_where=text("visitor_key IS NOT NULL"),
        ),
        Index("ix_share_click_upline", "upline_member_id", text("id DESC")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    member_id: Mapped[int | None]
    visitor_key: Mapped[str | None] = mapped_column(String(64))
    """What stands for a visitor who has not signed in; opaque."""
    upline_member_id: Mapped[int] = mapped_column(ForeignKey("distributor.member_id"))
    """The distributor who shared."""
    source: Mapped[str] = mapped_column(String(20))
    scene: Mapped[str | None] = mapped_column(String(32))
    spu_id: Mapped[int | None]
    clicked_at: Mapped[datetime]


class BindingLog(Base):
    """Each change of a binding: who, to whom, instead of whom, when, by what. Append-only."""

    __tablename__ = "binding_log"
    __table_args__ = (
        CheckConstraint("member_id <> upline_member_id", "not_self"),
        CheckConstraint("(kind = 'unbind') = (upline_member_id IS NULL)", "unbound_has_no_upline"),
        CheckConstraint("(kind = 'bind') = (previous_upline_id IS NULL)", "replaced_is_named"),
        CheckConstraint(
            "origin <> 'staff' OR (actor IS NOT NULL AND reason IS NOT NULL)", "staff_say_why"
        ),
        Index("ix_binding_log_click", "click_id", postgresql_where=text("click_id IS NOT NULL")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[BindingKind] = mapped_column(words(BindingKind, "kind"))
    member_id: Mapped[int] = mapped_column(index=True)
    upline_member_id: Mapped[int | None]
    """Whose the member is from now on; NULL after `unbind`."""
    previous_upline_id: Mapped[int | None]
    """Whose the member was; NULL before `bind`."""
    origin: Mapped[str] = mapped_column(String(20))
    """What did it, a `Source`."""
    actor: Mapped[str | None] = mapped_column(String(SOURCE))
    """Who did it, such as `staff:1` or `order:O…`; NULL is the member."""
    reason: Mapped[str | None] = mapped_column(String(200))
    click_id: Mapped[int | None] = mapped_column(ForeignKey("share_click.id"))
    bound_at: Mapped[datetime]
    """Since when the member is the upline's; an extension repeats it, and so does the end."""
    protection_ends_at: Mapped[datetime | None]
    logged_at: Mapped[datetime]
    """When this happened."""


class Binding(Base):
    """Whose upline is whom now. One upline each; never oneself; never a circle."""

    __tablename__ = "binding"
    __table_args__ = (
        CheckConstraint("member_id <> upline_member_id", "not_self"),
        CheckConstraint("protection_ends_at > bound_at", "protected_after_bound"),
        Index("ix_binding_upline", "upline_member_id", "bound_at", "member_id"),
    )

    member_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    upline_member_id: Mapped[int] = mapped_column(ForeignKey("distributor.member_id"))
    log_id: Mapped[int] = mapped_column(ForeignKey("binding_log.id"), unique=True)
    """The latest row of the log about this member."""
    bound_at: Mapped[datetime]
    protection_ends_at: Mapped[datetime | None]
    """From then on the upline earns nothing and anybody may take over; NULL: never."""
