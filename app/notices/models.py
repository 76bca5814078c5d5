"""The tables of notices: what members are told, what they allow, which templates are stopped."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, BigId

KEPT_FOR = timedelta(days=1)
"""After that long a notice that could not be sent says nothing new any more."""


class Event(StrEnum):
    """What a member can be told of; `app.settings.SHOWN_OF` says what each shows."""

    PAID = "paid"
    """An order is paid."""
    SHIPPED = "shipped"
    """A parcel has left."""
    SALE_STARTS = "sale_starts"
    """A session of a flash sale begins soon, and the member asked to be reminded."""


class NoticeStatus(StrEnum):
    """What becomes of a notice."""

    WAITING = "waiting"
    """To be sent."""
    SENDING = "sending"
    """WeChat is being asked, or was and nobody knows the answer: never sent a second time."""
    SENT = "sent"
    """WeChat took it. Final."""
    REFUSED = "refused"
    """WeChat did not: most often the member had allowed no message. Final."""
    DROPPED = "dropped"
    """It was too late, or there was nobody or nothing left to send it with. Final."""


TRANSITIONS = {
    NoticeStatus.WAITING: {NoticeStatus.SENDING, NoticeStatus.DROPPED},
    NoticeStatus.SENDING: {NoticeStatus.WAITING, NoticeStatus.SENT, NoticeStatus.REFUSED},
    NoticeStatus.SENT: set[NoticeStatus](),
    NoticeStatus.REFUSED: set[NoticeStatus](),
    NoticeStatus.DROPPED: set[NoticeStatus](),
}
"""From `sending` back to `waiting` only when WeChat said that it was busy and did nothing."""


def _words(column: str, kind: type[StrEnum]) -> CheckConstraint:
    members = ", ".join(f"'{member}'" for member in kind)
    return CheckConstraint(f"{column} IN ({members})", name=column)


class Notice(Base):
    """One event told to one member: the unique key is why nobody is told twice."""

    __tablename__ = "notice"
    __table_args__ = (
        _words("event", Event),
        _words("status", NoticeStatus),
        CheckConstraint("(settled_at IS NULL) = (status IN ('waiting', 'sending'))", "settled"),
        CheckConstraint("tries >= 0", "tries_not_negative"),
        UniqueConstraint("event", "member_id", "key"),
        Index("ix_notice_member_id", "member_id", text("id DESC")),
    )

    id: Mapped[BigId]
    event: Mapped[str] = mapped_column(String(30))
    member_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("member.id"))
    key: Mapped[str] = mapped_column(String(80))
    """Which of the member's events of that kind it is, such as the number of the order."""
    status: Mapped[str] = mapped_column(String(20), server_default=NoticeStatus.WAITING)
    template_id: Mapped[str] = mapped_column(String(64))
    """The template that told of the event when it happened, or that it was sent with."""
    shown: Mapped[dict[str, Any]]
    """What is shown, by the names of the settings; cut to WeChat's limits when it is sent."""
    page: Mapped[str] = mapped_column(String(200))
    """The page of the mini-program it opens."""
    reason: Mapped[str | None] = mapped_column(String(40))
    """Why it was refused or dropped, or is not known: WeChat's errcode, or a word of ours."""
    tries: Mapped[int] = mapped_column(server_default="0")
    """How often WeChat was too busy for it."""
    created_at: Mapped[datetime]
    until_at: Mapped[datetime]
    """From then on it is too late."""
    settled_at: Mapped[datetime | None]


class NoticeCredit(Base):
    """How many messages of a template a member has allowed and not got, as far as we were told."""

    __tablename__ = "notice_credit"
    __table_args__ = (CheckConstraint("credits BETWEEN 0 AND 1000", name="credits"),)

    member_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("member.id"), primary_key=True)
    template_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    credits: Mapped[int]
    """A memory, no gate: only WeChat knows, and its 43101 sets this to nothing."""
    updated_at: Mapped[datetime]


class NoticeTemplateStop(Base):
    """A template WeChat does not know: nothing is sent with it until staff resume it."""

    __tablename__ = "notice_template_stop"

    template_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    reason: Mapped[str] = mapped_column(String(40))
    stopped_at: Mapped[datetime]
