"""The tables of staff: accounts and the audit log."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, BigId


class Role(StrEnum):
    """What a staff account may do."""

    OWNER = "owner"
    """Everything, and who else may do anything."""
    MERCHANT = "merchant"
    """Runs the shop: goods, orders, promotions, after-sales."""
    ANALYST = "analyst"
    """Looks at everything and tries campaigns out; changes nothing but the own password."""


class Staff(Base):
    """One account. It is deactivated, never deleted: the audit log points to it."""

    __tablename__ = "staff"
    __table_args__ = (
        CheckConstraint("role IN ('owner', 'merchant', 'analyst')", name="role"),
        CheckConstraint("username = lower(username)", name="username_is_lower_case"),
        CheckConstraint("password_hash LIKE '$argon2id$%'", name="password_is_hashed"),
    )

    id: Mapped[BigId]
    username: Mapped[str] = mapped_column(unique=True)
    password_hash: Mapped[str]
    display_name: Mapped[str]
    role: Mapped[str]
    is_active: Mapped[bool]
    created_at: Mapped[datetime]
    password_changed_at: Mapped[datetime]


class AuditLog(Base):
    """
    One attempt of a staff account to change something.

    Written before the attempt and completed with its outcome, so that even a crash half-way leaves
    its trace. A trigger refuses every other change.
    """

    __tablename__ = "audit_log"
    __table_args__ = (Index("ix_audit_log_staff_id_id", "staff_id", "id"),)

    id: Mapped[BigId]
    staff_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("staff.id"))
    tried_at: Mapped[datetime]
    method: Mapped[str]
    endpoint: Mapped[str]
    """The route's name in the code, such as `mall.orders.ship`."""
    path: Mapped[str]
    body: Mapped[Any] = mapped_column(JSONB(none_as_null=True), nullable=True)
    """As sent, with secrets and phone numbers masked and very long parts cut."""
    request_id: Mapped[str]
    ip: Mapped[str]
    status: Mapped[int | None]
    """The answer's HTTP status. None: the process died before it answered."""
