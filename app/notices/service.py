"""
How the shop tells a member of an event: a row and a job in the caller's own transaction.

The unique key of the row is what makes it once. Without a template for the event, nothing is
written and nothing is asked of the database.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app import wechat
from app.core import queue
from app.notices import credits
from app.notices.models import KEPT_FOR, Event, Notice, NoticeTemplateStop
from app.settings import SHOWN_OF

TASK = "notices.send"


def is_told(event: Event) -> bool:
    """Whether the shop has a template for `event`: ask before looking up what it would show."""
    return wechat.template_of(event) is not None


def tell(
    session: Session,
    *,
    event: Event,
    member_id: int,
    key: str,
    values: Mapping[str, str],
    page: str,
    now: datetime,
    until_at: datetime | None = None,
) -> bool:
    """
    Have a member told of an event, once for each `key`; False if it was, or has no template.

    `values` are all that `app.settings.SHOWN_OF` names for the event, in any length; `page` is the
    page of the mini-program it opens. From `until_at` (a day from `now`) it is too late to send it.

    :raises ValueError: `values` are not those of the event.
    """
    if values.keys() != SHOWN_OF[event].keys():
        raise ValueError(f"{event} shows {', '.join(SHOWN_OF[event])}")
    template = wechat.template_of(event)
    if template is None:
        return False
    notice_id = session.scalar(
        insert(Notice)
        .values(
            event=event,
            member_id=member_id,
            key=key,
            template_id=template.template_id,
            shown=dict(values),
            page=page,
            created_at=now,
            until_at=until_at or now + KEPT_FOR,
        )
        .on_conflict_do_nothing(index_elements=[Notice.event, Notice.member_id, Notice.key])
        .returning(Notice.id)
    )
    if notice_id is not None:
        queue.defer(session, TASK, notice_id=notice_id)
    return notice_id is not None


def allowed(session: Session, *, member_id: int, taps: Iterable[str], now: datetime) -> None:
    """Count the templates a member has just tapped "allow" for, those we use."""
    ours = {template.template_id for event in Event if (template := wechat.template_of(event))}
    credits.allowed(session, member_id, ours.intersection(taps), now=now)


def resume(session: Session, event: Event) -> None:
    """Send with the template of an event again: what stopped it was put right."""
    template = wechat.template_of(event)
    if template is not None:
        stopped = NoticeTemplateStop.template_id == template.template_id
        session.execute(delete(NoticeTemplateStop).where(stopped))
