"""
The members of a segment, in the order of their ids, so that a push can go on where it was.

A new kind of segment, such as members with a tag, is a word in `SegmentKind` and a branch here.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from app.coupons.models import CouponPush, SegmentKind
from app.members import queries as members
from app.members.models import Member, MemberStatus
from promotions import buyers


class Batch(NamedTuple):
    """Some members of a segment; `reached_id` is the last that was looked at, None if no more."""

    member_ids: list[int]
    reached_id: int | None


def size(
    session: Session, *, segment: SegmentKind, member_ids: Sequence[int] | None, now: datetime
) -> int:
    """Return how many members there are to look at; who of them is new shows on the way."""
    counted = select(func.count()).where(*_looked_at(segment, member_ids, now))
    return int(session.scalar(counted) or 0)


def next_batch(session: Session, push: CouponPush, *, limit: int) -> Batch:
    """Return the next members of a push, `limit` looked at."""
    looked_at = session.scalars(
        select(Member)
        .where(
            *_looked_at(SegmentKind(push.segment), push.member_ids, push.created_at),
            Member.id > push.reached_id,
        )
        .order_by(Member.id)
        .limit(limit)
    ).all()
    if not looked_at:
        return Batch([], None)
    paid: set[int] = set()
    if push.segment == SegmentKind.NEW:
        paid = buyers.payers(session, members.people(session, looked_at))
    return Batch([one.id for one in looked_at if one.id not in paid], looked_at[-1].id)


def _looked_at(
    segment: SegmentKind, member_ids: Sequence[int] | None, began_at: datetime
) -> list[ColumnElement[bool]]:
    active = Member.status == MemberStatus.ACTIVE
    if segment is SegmentKind.MEMBERS:
        return [active, Member.id.in_(member_ids or ())]
    return [active, Member.created_at <= began_at]
