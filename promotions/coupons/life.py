"""
The life of an issued coupon: held by an order, used, released, given back, expired, revoked.

Every move is one guarded UPDATE, and repeatable: what has moved on is left alone. Rows are locked
in the order of their ids. Whose coupon it is stands in the WHERE, never in a check before it.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, case, null, select, update
from sqlalchemy.orm import Session

from promotions.coupons.models import Coupon, CouponTemplate
from promotions.coupons.states import CouponStatus, Way
from promotions.coupons.terms import extended_until
from promotions.models import Promotion
from promotions.states import CampaignStatus

MOVED_AT_A_TIME = 1000
HOLDING = (CouponStatus.HELD, CouponStatus.USED)


class NotUsable(Exception):
    """The member has no such coupon to use now: another order has it, it is over, or not theirs."""

    def __init__(self, coupon_id: int) -> None:
        super().__init__(f"coupon {coupon_id}")
        self.coupon_id = coupon_id


def hold(
    session: Session, *, source: str, coupon_ids: Collection[int], member_id: int, now: datetime
) -> None:
    """
    Set these coupons of the member aside for `source`, all or none; repeatable.

    After an exception the transaction must be rolled back: some may be held.

    :raises NotUsable: one is not the member's, not free, or outside its validity.
    """
    wanted = set(coupon_ids)
    if not wanted:
        return
    theirs = (Coupon.id.in_(wanted)) & (Coupon.member_id == member_id)
    held = _move(
        session,
        CouponStatus.HELD,
        theirs & (Coupon.starts_at <= now) & (Coupon.ends_at > now),
        when=CouponStatus.ISSUED,
        now=now,
        held_by=source,
    )
    missing = wanted - set(held)
    if missing:
        before = select(Coupon.id).where(
            theirs, Coupon.held_by == source, Coupon.status.in_(HOLDING)
        )
        missing -= set(session.scalars(before))
    if missing:
        raise NotUsable(min(missing))


def use(session: Session, *, source: str, now: datetime) -> tuple[int, ...]:
    """Use up what `source` holds: its order is paid. Return the ids, none if done before."""
    return _move(
        session,
        CouponStatus.USED,
        Coupon.held_by == source,
        when=CouponStatus.HELD,
        now=now,
        used_at=now,
    )


def release(session: Session, *, source: str, now: datetime) -> tuple[int, ...]:
    """
    Give back what `source` holds: its order closed unpaid. Return the ids, none if done before.

    What ended meanwhile is expired, not extended: else unpaid orders would keep a coupon for ever.
    What was forfeited meanwhile is revoked.
    """
    return _move(
        session,
        case(
            (Coupon.is_forfeited, CouponStatus.REVOKED.value),
            (Coupon.ends_at > now, CouponStatus.ISSUED.value),
            else_=CouponStatus.EXPIRED.value,
        ),
        Coupon.held_by == source,
        when=CouponStatus.HELD,
        now=now,
        held_by=null(),
    )


def give_back(session: Session, *, source: str, now: datetime) -> tuple[int, ...]:
    """
    Return what `source` used: its order was refunded as a whole. Return the ids of the valid ones.

    Still valid: as it was. Over: valid for `extend_days` more of its template, within the
    campaign's window; without them it is expired. Forfeited: revoked.
    """
    longest = (
        select(CouponTemplate.promotion_id, CouponTemplate.extend_days, Promotion.ends_at)
        .join(Promotion, Promotion.id == CouponTemplate.promotion_id)
        .join(Coupon, Coupon.promotion_id == Promotion.id)
        .where(Coupon.held_by == source, Coupon.status == CouponStatus.USED)
        .distinct()
        .order_by(CouponTemplate.promotion_id)
    )
    back: list[int] = []
    for promotion_id, extend_days, last_at in session.execute(longest).all():
        until = extended_until(extend_days=extend_days, now=now) if extend_days else now
        until = until if last_at is None else min(until, last_at)
        used = (Coupon.held_by == source) & (Coupon.promotion_id == promotion_id)
        gone: dict[str, Any] = {
            "when": CouponStatus.USED,
            "now": now,
            "held_by": null(),
            "used_at": null(),
        }
        _move(session, CouponStatus.REVOKED, used & Coupon.is_forfeited, **gone)
        back += _move(session, CouponStatus.ISSUED, used & (Coupon.ends_at > now), **gone)
        if until > now:
            back += _move(session, CouponStatus.ISSUED, used, **gone, ends_at=until)
        else:
            _move(session, CouponStatus.EXPIRED, used, **gone)
    return tuple(sorted(back))


def revoke(session: Session, *, coupon_ids: Collection[int], now: datetime) -> tuple[int, ...]:
    """Take back those of these coupons that are still unused; return their ids."""
    return _revoke(session, Coupon.id.in_(set(coupon_ids)), now)


def revoke_issued_for(
    session: Session, *, source: str, now: datetime, limit: int = MOVED_AT_A_TIME
) -> tuple[int, ...]:
    """
    Take back up to `limit` of what was issued for `source` and is still unused.

    Return the ids: fewer than `limit` means none is left but what others are moving now.
    """
    return _revoke(session, Coupon.source == source, now, limit=limit)


def revoke_granted(session: Session, *, source: str, now: datetime) -> tuple[int, ...]:
    """
    Take back the gifts of `source`, a refunded order; return the ids of those that were unused.

    One that is on an order is forfeited: if it comes back from there, it is revoked.
    """
    return _take_away(session, (Coupon.source == source) & (Coupon.way == Way.GIFT), 0, now)


def revoke_surplus(
    session: Session, *, source: str, promotion_id: int, earned: int, now: datetime
) -> tuple[int, ...]:
    """
    Take back so many gifts of `source` that no more than `earned` of a template remain.

    Unused ones first; of those on orders as many are forfeited as are still too many. Return the
    ids of what was unused; repeatable.
    """
    granted = (
        (Coupon.source == source) & (Coupon.way == Way.GIFT) & (Coupon.promotion_id == promotion_id)
    )
    return _take_away(session, granted, earned, now)


def expire(session: Session, *, now: datetime, limit: int = MOVED_AT_A_TIME) -> int:
    """
    Expire up to `limit` unused coupons whose validity, or whose campaign, has ended.

    Return how many: fewer than `limit` means none is left but what others are moving now.
    """
    ended = select(Promotion.id).where(Promotion.status == CampaignStatus.ENDED)
    found = 0
    for is_due in (Coupon.ends_at <= now, Coupon.promotion_id.in_(ended)):
        found += len(
            _move(
                session,
                CouponStatus.EXPIRED,
                is_due,
                when=CouponStatus.ISSUED,
                now=now,
                limit=limit - found,
            )
        )
    return found


def _take_away(
    session: Session, granted: ColumnElement[bool], earned: int, now: datetime
) -> tuple[int, ...]:
    """Revoke or forfeit these coupons until `earned` are left; lock them, whoever moves them."""
    there = granted & (Coupon.status != CouponStatus.REVOKED) & ~Coupon.is_forfeited
    wanted = select(Coupon.id).where(there).order_by(Coupon.id)
    surplus = len(session.scalars(wanted.with_for_update(key_share=True)).all()) - earned
    if surplus <= 0:
        return ()
    taken = _revoke(session, granted, now, limit=surplus)
    on_orders = wanted.where(Coupon.status.in_(HOLDING)).limit(surplus - len(taken))
    session.execute(
        update(Coupon)
        .where(Coupon.id.in_(session.scalars(on_orders).all()))
        .values(is_forfeited=True)
        .execution_options(synchronize_session=False)
    )
    return taken


def _revoke(
    session: Session, which: ColumnElement[bool], now: datetime, limit: int | None = None
) -> tuple[int, ...]:
    return _move(
        session, CouponStatus.REVOKED, which, when=CouponStatus.ISSUED, now=now, limit=limit
    )


def _move(
    session: Session,
    to: CouponStatus | ColumnElement[str],
    which: ColumnElement[bool],
    *,
    when: CouponStatus,
    now: datetime,
    limit: int | None = None,
    **values: Any,
) -> tuple[int, ...]:
    """Move the coupons that are in `when`; with a `limit` those that nobody is moving now."""
    locked = (  # A CTE, because PostgreSQL may run a subquery again, and lock beyond the limit.
        select(Coupon.id)
        .where(which, Coupon.status == when)
        .order_by(Coupon.id)
        .limit(limit)
        .with_for_update(key_share=True, skip_locked=limit is not None)
        .cte("locked")
    )
    moved = session.scalars(
        update(Coupon)
        .where(Coupon.id.in_(select(locked.c.id)), Coupon.status == when)
        .values(status=to, changed_at=now, **values)
        .returning(Coupon.id)
        .execution_options(synchronize_session=False)
    )
    return tuple(sorted(moved))
