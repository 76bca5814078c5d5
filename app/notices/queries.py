"""What was told to whom, as staff look at it, and the templates it is told with."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import wechat
from app.notices import credits
from app.notices.models import Event, Notice, NoticeTemplateStop

PAGE = 20


@dataclass(frozen=True, slots=True)
class Template:
    """An event and the template that tells of it, if there is one."""

    event: Event
    template_id: str | None
    keys: dict[str, str]
    """What is shown, and the template's key for it."""
    stopped_at: datetime | None
    stop_reason: str | None


@dataclass(frozen=True, slots=True)
class Permission:
    """What the mini-program may ask a member to allow, and how many they have."""

    event: Event
    template_id: str
    credits: int


def page(
    session: Session,
    *,
    member_id: int | None = None,
    event: Event | None = None,
    status: str | None = None,
    before_id: int | None = None,
) -> Sequence[Notice]:
    """One page of notices, the latest first, and one more."""
    wanted = select(Notice)
    if member_id is not None:
        wanted = wanted.where(Notice.member_id == member_id)
    if event is not None:
        wanted = wanted.where(Notice.event == event)
    if status is not None:
        wanted = wanted.where(Notice.status == status)
    if before_id is not None:
        wanted = wanted.where(Notice.id < before_id)
    return session.scalars(wanted.order_by(Notice.id.desc()).limit(PAGE + 1)).all()


def templates(session: Session) -> list[Template]:
    """Every event with its template; one without is told of to nobody."""
    stops = {stop.template_id: stop for stop in session.scalars(select(NoticeTemplateStop))}
    listed = []
    for event in Event:
        template = wechat.template_of(event)
        template_id = template.template_id if template else None
        stop = stops.get(template_id or "")
        listed.append(
            Template(
                event,
                template_id,
                dict(template.keys) if template else {},
                stop.stopped_at if stop else None,
                stop.reason if stop else None,
            )
        )
    return listed


def permissions(session: Session, member_id: int) -> list[Permission]:
    """What the mini-program may ask a member to allow now."""
    known = credits.of_member(session, member_id)
    return [
        Permission(each.event, each.template_id, known.get(each.template_id, 0))
        for each in templates(session)
        if each.template_id is not None and each.stopped_at is None
    ]
