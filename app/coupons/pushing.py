"""
Pushes: a coupon for everybody of a segment, batch by batch, once for each member.

Each batch and how far it got are one transaction, and the engine gives a member nothing twice for
one push, so a push may be interrupted anywhere and simply goes on.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.core import queue
from app.core.errors import Conflict, NotFound
from app.coupons import segments
from app.coupons.models import TRANSITIONS, CouponPush, PushStatus, SegmentKind
from app.coupons.service import translated
from promotions import coupons
from promotions.coupons import issuing
from promotions.coupons.states import ClaimState

BATCH = 500
BY_STAFF = "staff"


class CouponPushNotFound(NotFound):
    code, title = "coupon_push_not_found", "定向发放不存在"


class CouponPushOver(Conflict):
    """The status of the push, in `push_status`, does not allow the move."""

    code, title = "coupon_push_over", "定向发放当前状态不允许该操作"


def begin(
    session: Session,
    *,
    promotion_id: int,
    segment: SegmentKind,
    member_ids: Sequence[int] | None,
    per_member: int,
    staff_id: int,
    now: datetime,
) -> CouponPush:
    """
    Begin to give each member of a segment their coupons; a job does it.

    :raises CouponTemplateNotFound: there is no such template.
    :raises CouponRefused: nothing may be issued of it now.
    """
    with translated():
        issuing.require_open(session, promotion_id, now=now)
    named = None if member_ids is None else sorted(set(member_ids))
    push = CouponPush(
        promotion_id=promotion_id,
        segment=segment,
        member_ids=named,
        per_member=per_member,
        status=PushStatus.RUNNING,
        members=segments.size(session, segment=segment, member_ids=named, now=now),
        reached_id=0,
        given=0,
        skipped=0,
        revoked=0,
        created_by=staff_id,
        created_at=now,
    )
    session.add(push)
    session.flush()
    queue.defer(session, "coupons.push", push_id=push.id)
    return push


def advance(session: Session, *, push_id: int, now: datetime) -> bool:
    """Deal with the next members of a push; return whether there may be more to do."""
    push = _locked(session, push_id)
    if push.status != PushStatus.RUNNING:
        return False
    member_ids, reached_id = segments.next_batch(session, push, limit=BATCH)
    if reached_id is None:
        return _finish(session, push, PushStatus.DONE, now)
    left = issuing.room(session, push.promotion_id)
    if left is not None and left < len(member_ids) * push.per_member:
        member_ids = member_ids[: left // push.per_member]
        if not member_ids:
            return _finish(session, push, PushStatus.STOPPED, now, by=ClaimState.CLAIMED_OUT)
        reached_id = member_ids[-1]
    try:
        pushed = coupons.push(
            session,
            promotion_id=push.promotion_id,
            member_ids=member_ids,
            source=_source(push.id),
            count=push.per_member,
            now=now,
        )
    except coupons.Refused as refused:
        if refused.state is ClaimState.CLAIMED_OUT:
            return True  # Others took some of the last ones just now: look again.
        return _finish(session, push, PushStatus.STOPPED, now, by=refused.state)
    push.given += pushed.issued
    push.skipped += pushed.skipped
    push.reached_id = reached_id
    session.flush()
    return True


def stop(session: Session, *, push_id: int, now: datetime) -> CouponPush:
    """
    End a running push where it is; who has theirs keeps them.

    :raises CouponPushNotFound: there is none.
    :raises CouponPushOver: it is no longer running.
    """
    push = _locked(session, push_id)
    _require(push, PushStatus.STOPPED)
    _finish(session, push, PushStatus.STOPPED, now, by=BY_STAFF)
    return push


def revoke(session: Session, *, push_id: int, now: datetime) -> CouponPush:
    """
    End a push and take back what of it is unused; a job does it.

    :raises CouponPushNotFound: there is none.
    :raises CouponPushOver: that was done before.
    """
    push = _locked(session, push_id)
    _require(push, PushStatus.REVOKED)
    _finish(session, push, PushStatus.REVOKED, now)
    queue.defer(session, "coupons.revoke_push", push_id=push.id)
    return push


def take_back(session: Session, *, push_id: int, now: datetime) -> bool:
    """Take back some of what a revoked push gave; return whether there may be more."""
    moved = coupons.revoke_issued_for(session, source=_source(push_id), now=now)
    session.execute(
        update(CouponPush)
        .where(CouponPush.id == push_id)
        .values(revoked=CouponPush.revoked + len(moved))
    )
    return bool(moved)


def get(session: Session, push_id: int) -> CouponPush:
    """
    Return a push.

    :raises CouponPushNotFound: there is none.
    """
    push = session.get(CouponPush, push_id, populate_existing=True)
    if push is None:
        raise CouponPushNotFound
    return push


def page(
    session: Session, *, promotion_id: int, before_id: int | None, limit: int
) -> Sequence[CouponPush]:
    """Return up to `limit` pushes of a template older than `before_id`, the latest first."""
    wanted = select(CouponPush).where(CouponPush.promotion_id == promotion_id)
    if before_id is not None:
        wanted = wanted.where(CouponPush.id < before_id)
    return session.scalars(wanted.order_by(CouponPush.id.desc()).limit(limit)).all()


def _source(push_id: int) -> str:
    return f"push:{push_id}"


def _locked(session: Session, push_id: int) -> CouponPush:
    push = session.scalar(
        select(CouponPush)
        .where(CouponPush.id == push_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    if push is None:
        raise CouponPushNotFound
    return push


def _require(push: CouponPush, status: PushStatus) -> None:
    if status not in TRANSITIONS[PushStatus(push.status)]:
        raise CouponPushOver(push_status=push.status)


def _finish(
    session: Session, push: CouponPush, status: PushStatus, now: datetime, by: str | None = None
) -> bool:
    """End a push; always False: there is no more to do."""
    push.status, push.stopped_by, push.finished_at = status, by or push.stopped_by, now
    session.flush()
    return False
