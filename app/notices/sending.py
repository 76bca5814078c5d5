"""
A notice on its way: taken out of the row before WeChat is called, and settled after.

Whoever dies in between leaves it `sending`, and it stays so: what nobody knows is never sent twice.
Only WeChat's word that it was busy and did nothing lets it be tried again.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app import wechat
from app.core import metrics, queue
from app.members import queries as members
from app.members.queries import MemberNotFound
from app.notices import credits
from app.notices.models import (
    TRANSITIONS,
    Event,
    Notice,
    NoticeStatus,
    NoticeTemplateStop,
)
from app.notices.service import TASK

log = structlog.get_logger(__name__)

NOT_ALLOWED = "not_allowed"
TEMPLATE_GONE = "40037"
"""WeChat knows no such template: it was deleted, or the settings are wrong."""
TRIES = 6
"""After so many times "busy" a notice is given up."""
PAUSE = timedelta(minutes=1)
"""Before it is tried again; twice as long each time."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A notice that is being sent: to whom, and what it says."""

    notice_id: int
    event: Event
    member_id: int
    template_id: str
    openid: str
    page: str
    values: dict[str, str]


def take(session: Session, notice_id: int, *, now: datetime) -> Letter | None:
    """
    Take a notice to send it; None if somebody else has, or it cannot be sent any more.

    Once this is committed it is never taken again, unless WeChat says that it did nothing.
    """
    notice = session.scalar(
        select(Notice)
        .where(Notice.id == notice_id, Notice.status == NoticeStatus.WAITING)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    if notice is None:
        return None
    template = wechat.template_of(notice.event)
    openid = _openid(session, notice.member_id)
    if template is None or openid is None or now >= notice.until_at:
        _drop(notice, _why_not(has_template=template is not None, is_here=openid is not None), now)
        return None
    notice.template_id = template.template_id
    if session.get(NoticeTemplateStop, template.template_id) is not None:
        _drop(notice, "template_stopped", now)
        return None
    notice.status = NoticeStatus.SENDING
    return Letter(
        notice.id,
        Event(notice.event),
        notice.member_id,
        template.template_id,
        openid,
        notice.page,
        dict(notice.shown),
    )


def settle(
    session: Session, letter: Letter, status: NoticeStatus, *, reason: str | None, now: datetime
) -> None:
    """
    Write down what became of a letter.

    `sending`: nobody knows, and it stays so; `waiting`: WeChat was busy, and it is tried again.
    """
    if status is NoticeStatus.SENDING:
        _move(session, letter, reason=reason)
    elif status is NoticeStatus.WAITING:
        _again(session, letter, now)
    else:
        assert status in TRANSITIONS[NoticeStatus.SENDING]
        _move(session, letter, status=status, reason=reason, settled_at=now)
    metrics.notices.labels(letter.event, reason or status.value).inc()
    if status is NoticeStatus.SENT:
        credits.used(session, letter.member_id, letter.template_id, now=now)
    elif reason == NOT_ALLOWED:
        credits.none_left(session, letter.member_id, letter.template_id, now=now)
    elif reason == TEMPLATE_GONE:
        _stop(session, letter, now)


def _again(session: Session, letter: Letter, now: datetime) -> None:
    notice = session.get_one(Notice, letter.notice_id, populate_existing=True)
    if notice.tries + 1 == TRIES:
        _move(session, letter, status=NoticeStatus.REFUSED, reason="busy", settled_at=now)
        return
    _move(session, letter, status=NoticeStatus.WAITING, tries=Notice.tries + 1)
    at = now + PAUSE * 2**notice.tries
    queue.defer(session, TASK, schedule_at=at, notice_id=letter.notice_id)


def _move(session: Session, letter: Letter, **values: object) -> None:
    session.execute(
        update(Notice)
        .where(Notice.id == letter.notice_id, Notice.status == NoticeStatus.SENDING)
        .values(**values),
        execution_options={"synchronize_session": False},
    )


def _stop(session: Session, letter: Letter, now: datetime) -> None:
    """Send nothing more with a template that WeChat does not know, and call a person."""
    log.error("notice_template_stopped", message_event=letter.event, template=letter.template_id)
    session.execute(
        insert(NoticeTemplateStop)
        .values(template_id=letter.template_id, reason=TEMPLATE_GONE, stopped_at=now)
        .on_conflict_do_nothing()
    )


def _openid(session: Session, member_id: int) -> str | None:
    try:
        return members.openid_of(session, member_id)
    except MemberNotFound:
        return None


def _why_not(*, has_template: bool, is_here: bool) -> str:
    if not has_template:
        return "not_configured"
    return "too_late" if is_here else "member_left"


def _drop(notice: Notice, reason: str, now: datetime) -> None:
    notice.status, notice.reason, notice.settled_at = NoticeStatus.DROPPED, reason, now
    metrics.notices.labels(notice.event, reason).inc()
