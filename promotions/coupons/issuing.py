"""
Putting coupons into members' hands: by claim, by code, by staff, or as a gift.

Rows are written first, which makes a racing twin of the same source wait; then each limit is taken
by one guarded UPDATE, the member's before the template's. A refusal undoes all of it.
"""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from promotions import pricing
from promotions.coupons import queries, templates
from promotions.coupons.models import Coupon, CouponMemberCounter, CouponTemplate
from promotions.coupons.states import (
    LIMITED_BY_DAY,
    LIMITED_FOR_LIFE,
    ClaimState,
    CouponStatus,
    Way,
)
from promotions.coupons.templates import Refused, Template
from promotions.coupons.terms import china_day
from promotions.limits import SourceReused
from promotions.models import LIFETIME


class Pushed(NamedTuple):
    """What came of giving coupons to some members: who got them, who had all they may."""

    issued: int
    """Members who got theirs, now or when this was done before."""
    skipped: int
    """Members who have reached their limit."""


def claim(
    session: Session, *, promotion_id: int, member_id: int, buyer: pricing.Buyer, now: datetime
) -> int:
    """
    Give a member one coupon of a template that is open to claims; return its id.

    :raises NoSuchTemplate: there is none.
    :raises Refused: the member cannot have one (more) now; nothing is taken.
    """
    standing = queries.standing(session, promotion_id, member_id=member_id, now=now)
    claim_state = queries.claim_state(standing, buyer, now)
    if claim_state is not ClaimState.CLAIMABLE:
        raise Refused(promotion_id, claim_state)
    with session.begin_nested():
        (coupon_id,) = _put(session, standing.template, member_id, Way.CLAIM, None, 1, now)
    return coupon_id


def issue(
    session: Session,
    *,
    promotion_id: int,
    member_id: int,
    source: str,
    count: int = 1,
    now: datetime,
    way: Way = Way.GIFT,
) -> tuple[int, ...]:
    """
    Give a member `count` coupons for `source`; return their ids, the same when repeated.

    As a gift only the template's total limits it. A refusal leaves nothing behind, so the
    transaction may go on.

    :raises NoSuchTemplate: there is none.
    :raises Refused: it is not published, over or issued out; or, but for gifts, the member's limit.
    :raises SourceReused: the source has given this member another number of them.
    """
    template = templates.get(session, promotion_id)
    with session.begin_nested():
        return _put(session, template, member_id, way, source, count, now)


def push(
    session: Session,
    *,
    promotion_id: int,
    member_ids: Collection[int],
    source: str,
    count: int = 1,
    now: datetime,
) -> Pushed:
    """
    Give each of these members `count` coupons for `source`; who has had theirs gets no more.

    Members that have reached their limit are skipped. Of the others all get theirs, or none.

    :raises NoSuchTemplate: there is none.
    :raises Refused: it is not published, over, or there are too few left for all of them.
    """
    template = templates.get(session, promotion_id)
    had = set(
        session.scalars(
            select(Coupon.member_id)
            .distinct()
            .where(
                Coupon.source == source,
                Coupon.promotion_id == promotion_id,
                Coupon.member_id.in_(member_ids),
            )
        )
    )
    fresh = sorted(set(member_ids) - had)
    if not fresh:
        return Pushed(issued=len(had), skipped=0)
    _require_open(template, now)
    with session.begin_nested():
        lucky = sorted(_count_members(session, template, fresh, Way.PUSH, count, now))
        if lucky:
            _write(session, template, lucky, Way.PUSH, source, count, now)
            _count_total(session, template, count * len(lucky))
    return Pushed(issued=len(had) + len(lucky), skipped=len(fresh) - len(lucky))


def require_open(session: Session, promotion_id: int, *, now: datetime) -> None:
    """
    Refuse a template of which nothing may be issued now.

    :raises NoSuchTemplate: there is none.
    :raises Refused: it is not published, or over.
    """
    _require_open(templates.get(session, promotion_id), now)


def room(session: Session, promotion_id: int) -> int | None:
    """Return how many may still be issued of a template; None is no limit."""
    terms = templates.get(session, promotion_id).terms
    return None if terms.max_issued is None else terms.max_issued - terms.issued


def _put(
    session: Session,
    template: Template,
    member_id: int,
    way: Way,
    source: str | None,
    count: int,
    now: datetime,
) -> tuple[int, ...]:
    if source is not None and (
        had := _had(session, template.promotion.id, member_id, source, count)
    ):
        return had
    _require_open(template, now)
    written = _write(session, template, [member_id], way, source, count, now)
    if source is not None and len(written) < count:  # A twin was first; it has committed by now.
        return _had(session, template.promotion.id, member_id, source, count - len(written))
    if not _count_members(session, template, [member_id], way, count, now):
        raise Refused(template.promotion.id, ClaimState.REACHED)
    _count_total(session, template, count)
    return written


def _had(
    session: Session, promotion_id: int, member_id: int, source: str, count: int
) -> tuple[int, ...]:
    """Return what the source has given this member before."""
    found = session.scalars(
        select(Coupon.id)
        .where(
            Coupon.source == source,
            Coupon.promotion_id == promotion_id,
            Coupon.member_id == member_id,
        )
        .order_by(Coupon.ordinal)
    ).all()
    if found and len(found) != count:
        raise SourceReused(source)
    return tuple(found)


def _require_open(template: Template, now: datetime) -> None:
    found = templates.state(template, now)
    if found is not ClaimState.CLAIMABLE:
        raise Refused(template.promotion.id, found)


def _write(
    session: Session,
    template: Template,
    member_ids: Sequence[int],
    way: Way,
    source: str | None,
    count: int,
    now: datetime,
) -> tuple[int, ...]:
    starts_at, ends_at = templates.window(template, now)
    common = {
        "promotion_id": template.promotion.id,
        "way": way,
        "status": CouponStatus.ISSUED,
        "source": source,
        "starts_at": starts_at,
        "ends_at": ends_at,
        "issued_at": now,
        "changed_at": now,
    }
    rows = [
        {**common, "member_id": member_id, "ordinal": ordinal}
        for member_id in member_ids
        for ordinal in range(1, count + 1)
    ]
    written = session.scalars(
        insert(Coupon).on_conflict_do_nothing().returning(Coupon.id),
        rows,
    )
    return tuple(sorted(written))


def _count_members(
    session: Session,
    template: Template,
    member_ids: Sequence[int],
    way: Way,
    count: int,
    now: datetime,
) -> set[int]:
    """Count `count` more for each member; return those whose limits have room for them."""
    left = set(member_ids)
    for day, most in _limits(template.terms, way, now):
        left &= _count_one(session, template.promotion.id, sorted(left), day, most, count)
    return left


def _limits(terms: CouponTemplate, way: Way, now: datetime) -> list[tuple[date, int]]:
    limits = []
    if terms.member_max is not None and way in LIMITED_FOR_LIFE:
        limits.append((LIFETIME, terms.member_max))
    if terms.member_day_max is not None and way in LIMITED_BY_DAY:
        limits.append((china_day(now), terms.member_day_max))
    return limits


def _count_one(
    session: Session, promotion_id: int, member_ids: Sequence[int], day: date, most: int, count: int
) -> set[int]:
    """Take `count` of one limit of each member, where all of it still fits."""
    if count > most or not member_ids:
        return set()
    counter = CouponMemberCounter
    new = insert(counter)
    counted = session.scalars(
        new.on_conflict_do_update(
            index_elements=[counter.promotion_id, counter.member_id, counter.day],
            set_={"issued": counter.issued + count},
            where=counter.issued + count <= counter.max_issued,
        ).returning(counter.member_id),
        [
            {
                "promotion_id": promotion_id,
                "member_id": member_id,
                "day": day,
                "issued": count,
                "max_issued": most,
            }
            for member_id in member_ids
        ],
    )
    return set(counted)


def _count_total(session: Session, template: Template, count: int) -> None:
    """Take `count` of the template's total, if it has one and all of it still fits."""
    if template.terms.max_issued is None:
        return
    counter = CouponTemplate
    taken = session.execute(
        update(counter)
        .where(
            counter.promotion_id == template.promotion.id,
            counter.issued + count <= counter.max_issued,
        )
        .values(issued=counter.issued + count)
        .returning(counter.issued)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if taken is None:
        raise Refused(template.promotion.id, ClaimState.CLAIMED_OUT)
