"""
How many messages a member has allowed: what the mini-program told us, less what was sent.

It is a memory and never a gate. Whether a message may be sent only WeChat knows.
"""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import case, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.notices.models import NoticeCredit

MOST = 1000
"""More are not counted."""


def allowed(
    session: Session, member_id: int, template_ids: Iterable[str], *, now: datetime
) -> None:
    """Count a tap on "allow" for each of these templates."""
    for template_id in sorted(template_ids):
        more = func.least(NoticeCredit.credits + 1, MOST)
        _write(session, member_id, template_id, first=1, then=more, now=now)


def used(session: Session, member_id: int, template_id: str, *, now: datetime) -> None:
    """Count a message that was sent."""
    less = case((NoticeCredit.credits > 0, NoticeCredit.credits - 1), else_=0)
    _write(session, member_id, template_id, first=0, then=less, now=now)


def none_left(session: Session, member_id: int, template_id: str, *, now: datetime) -> None:
    """WeChat says that the member allows none."""
    _write(session, member_id, template_id, first=0, then=0, now=now)


def of_member(session: Session, member_id: int) -> dict[str, int]:
    """How many messages a member allows, by template; what is not in it is none."""
    rows = session.execute(
        select(NoticeCredit.template_id, NoticeCredit.credits).where(
            NoticeCredit.member_id == member_id
        )
    )
    return {row.template_id: row.credits for row in rows}


def _write(
    session: Session, member_id: int, template_id: str, *, first: int, then: object, now: datetime
) -> None:
    session.execute(
        insert(NoticeCredit)
        .values(member_id=member_id, template_id=template_id, credits=first, updated_at=now)
        .on_conflict_do_update(
            index_elements=[NoticeCredit.member_id, NoticeCredit.template_id],
            set_={"credits": then, "updated_at": now},
        )
    )
