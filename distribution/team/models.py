"""
Distributors and who is bound to whom. `binding_log` is append-only, by triggers of the migrations.
"""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from distribution.base import Base, words
from distribution.team.states import DistributorStatus


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
