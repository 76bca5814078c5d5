"""The table of pushes: to whom staff give a coupon, and how far that is."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, BigId


class PushStatus(StrEnum):
    """Where a push stands."""

    RUNNING = "running"
    """Members are being given theirs, batch by batch."""
    DONE = "done"
    """Everybody of the segment has theirs, or has had all they may."""
    STOPPED = "stopped"
    """It ended before its end: staff stopped it, or nothing more may be issued."""
    REVOKED = "revoked"
    """What it gave is being taken back, as far as it is unused."""


TRANSITIONS = {
    PushStatus.RUNNING: {PushStatus.DONE, PushStatus.STOPPED, PushStatus.REVOKED},
    PushStatus.DONE: {PushStatus.REVOKED},
    PushStatus.STOPPED: {PushStatus.REVOKED},
    PushStatus.REVOKED: set[PushStatus](),
}


class SegmentKind(StrEnum):
    """Whom a push is for. Members have no tags and no levels yet, so neither is offered."""

    ALL = "all"
    """Everybody who is a member when it begins."""
    NEW = "new"
    """Of those, who has never paid an order."""
    MEMBERS = "members"
    """Those staff name."""


class CouponPush(Base):
    """A template for everybody of a segment; its source in the engine is `push:` and its id."""

    __tablename__ = "coupon_push"
    __table_args__ = (
        CheckConstraint("status IN ('running', 'done', 'stopped', 'revoked')", name="status"),
        CheckConstraint("segment IN ('all', 'new', 'members')", name="segment"),
        CheckConstraint("(member_ids IS NOT NULL) = (segment = 'members')", name="member_ids"),
        CheckConstraint("(finished_at IS NULL) = (status = 'running')", name="finished_at"),
        CheckConstraint("per_member > 0", name="per_member_positive"),
        CheckConstraint("given >= 0 AND skipped >= 0 AND revoked >= 0", name="not_negative"),
        Index("ix_coupon_push_promotion_id", "promotion_id", "id"),
    )

    id: Mapped[BigId]
    promotion_id: Mapped[int] = mapped_column(BigInteger)
    segment: Mapped[str]
    member_ids: Mapped[list[int] | None] = mapped_column(ARRAY(BigInteger))
    """In order, for the segment that names its members."""
    per_member: Mapped[int]
    """How many coupons each member gets."""
    status: Mapped[str]
    stopped_by: Mapped[str | None]
    """Why it stopped before its end: the engine's reason, or `staff`."""
    members: Mapped[int] = mapped_column(BigInteger)
    """How many were meant when it began; whoever leaves meanwhile gets nothing."""
    reached_id: Mapped[int] = mapped_column(BigInteger)
    """The last member that was dealt with: they go by in the order of their ids."""
    given: Mapped[int] = mapped_column(BigInteger)
    """Members who got theirs."""
    skipped: Mapped[int] = mapped_column(BigInteger)
    """Members who had had all they may."""
    revoked: Mapped[int] = mapped_column(BigInteger)
    """Coupons that were taken back."""
    created_by: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
