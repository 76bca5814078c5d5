"""The table of reminders: who wants to be told before which session, and what became of it."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, BigId


class ReminderStatus(StrEnum):
    """What becomes of a reminder."""

    WAITING = "waiting"
    """It is not time yet; the member may take it back."""
    TOLD = "told"
    """The member is told by a notice, whatever becomes of that. Final."""
    DROPPED = "dropped"
    """There was nothing left to remind of, or nothing to do it with. Final."""


TRANSITIONS = {
    ReminderStatus.WAITING: {ReminderStatus.TOLD, ReminderStatus.DROPPED},
    ReminderStatus.TOLD: set[ReminderStatus](),
    ReminderStatus.DROPPED: set[ReminderStatus](),
}


class FlashReminder(Base):
    """One member, one session of one sale: the unique key is why nobody is told twice."""

    __tablename__ = "flash_reminder"
    __table_args__ = (
        CheckConstraint("status IN ('waiting', 'told', 'dropped')", name="status"),
        CheckConstraint("remind_at < starts_at", name="remind_before_start"),
        CheckConstraint("(settled_at IS NULL) = (status = 'waiting')", name="settled"),
        UniqueConstraint("promotion_id", "starts_at", "member_id"),
        Index("ix_flash_reminder_due", "remind_at", postgresql_where=text("status = 'waiting'")),
        Index("ix_flash_reminder_member_id", "member_id"),
    )

    id: Mapped[BigId]
    promotion_id: Mapped[int] = mapped_column(BigInteger)
    member_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("member.id"))
    starts_at: Mapped[datetime]
    """When the session begins, as it was when the member asked."""
    remind_at: Mapped[datetime]
    status: Mapped[str]
    reason: Mapped[str | None]
    """Why it was dropped."""
    created_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
