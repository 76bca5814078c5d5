"""
What is known of coupons: what a member holds, how a claim stands, and a template's figures.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, func, or_, select, tuple_
from sqlalchemy.orm import Session, aliased

from promotions import pricing
from promotions.coupons import templates
from promotions.coupons.models import Coupon, CouponMemberCounter, CouponTemplate
from promotions.coupons.states import ClaimState, CouponStatus
from promotions.coupons.templates import NoSuchTemplate, Template
from promotions.coupons.terms import china_day
from promotions.definitions import audience_of
from promotions.models import LIFETIME, Promotion
from promotions.states import CampaignStatus

HELD_MAX = 200
"""How many coupons a member may bring to one cart: those they chose, then those that end first."""


class Drawer(StrEnum):
    """How a member's coupons are sorted."""

    USABLE = "usable"
    UPCOMING = "upcoming"
    USED = "used"
    """Used, or set aside for an unpaid order."""
    EXPIRED = "expired"


class Standing(NamedTuple):
    """A template, and what one member has had of it."""

    template: Template
    had: int
    """For life; counted only if that is limited."""
    had_today: int


class Figures(NamedTuple):
    """What became of all coupons of a template."""

    issued: int
    """All that were ever issued."""
    unused: int
    held: int
    used: int
    expired: int
    revoked: int


def held_by_member(
    session: Session, member_id: int, now: datetime, *, chosen: Collection[int] = ()
) -> tuple[pricing.HeldCoupon, ...]:
    """
    Return the member's free coupons of published campaigns that are not over at `now`.

    200 at most: those of `chosen` first, then those that end first; what begins later is among
    them, so a quote can say so.
    """
    ends_first = (Coupon.ends_at, Coupon.id)
    found = session.execute(
        select(Coupon.id, Coupon.promotion_id, Coupon.starts_at, Coupon.ends_at)
        .join(Promotion, Promotion.id == Coupon.promotion_id)
        .where(
            Coupon.member_id == member_id,
            Coupon.status == CouponStatus.ISSUED,
            Coupon.ends_at > now,
            Promotion.status == CampaignStatus.PUBLISHED,
        )
        .order_by(*(Coupon.id.in_(chosen).desc(), *ends_first) if chosen else ends_first)
        .limit(HELD_MAX)
    )
    return tuple(
        pricing.HeldCoupon(
            coupon_id=coupon_id, promotion_id=promotion_id, starts_at=starts_at, ends_at=ends_at
        )
        for coupon_id, promotion_id, starts_at, ends_at in found
    )


def standing(session: Session, promotion_id: int, *, member_id: int, now: datetime) -> Standing:
    """
    Return a template and what the member has had of it.

    :raises NoSuchTemplate: there is none.
    """
    found = session.execute(
        _standings(member_id, now).where(Promotion.id == promotion_id)
    ).one_or_none()
    if found is None:
        raise NoSuchTemplate(promotion_id)
    return _standing(found)


def claimable(
    session: Session, *, member_id: int, before_id: int | None, limit: int, now: datetime
) -> list[Standing]:
    """Return up to `limit` published templates of the claim centre, the latest first."""
    wanted = (
        _standings(member_id, now)
        .where(
            Promotion.status == CampaignStatus.PUBLISHED,
            or_(Promotion.ends_at.is_(None), Promotion.ends_at > now),
            CouponTemplate.is_claimable,
        )
        .order_by(Promotion.id.desc())
        .limit(limit)
    )
    if before_id is not None:
        wanted = wanted.where(Promotion.id < before_id)
    return [_standing(row) for row in session.execute(wanted)]


def claim_state(standing: Standing, buyer: pricing.Buyer, now: datetime) -> ClaimState:
    """Return whether the member may claim one more now, or the first reason why not."""
    template = standing.template
    promotion, terms = template
    found = templates.state(template, now)
    if found is ClaimState.CLOSED or not terms.is_claimable:
        return ClaimState.CLOSED
    if found is ClaimState.OVER or (terms.claim_ends_at is not None and terms.claim_ends_at <= now):
        return ClaimState.OVER
    reasons = {
        ClaimState.NOT_YET: now < promotion.starts_at,
        ClaimState.NOT_FOR_YOU: not is_for(promotion, buyer),
        ClaimState.REACHED: _is_full(standing.had, terms.member_max),
        ClaimState.REACHED_TODAY: _is_full(standing.had_today, terms.member_day_max),
        ClaimState.CLAIMED_OUT: _is_full(terms.issued, terms.max_issued),
    }
    return next((state for state, holds in reasons.items() if holds), ClaimState.CLAIMABLE)


def is_for(promotion: Promotion, buyer: pricing.Buyer) -> bool:
    """Whether the campaign's audience admits the buyer."""
    return audience_of(promotion.definition["audience"]).admits(buyer)


def drawer(
    session: Session,
    *,
    member_id: int,
    which: Drawer,
    after: tuple[datetime, int] | None,
    limit: int,
    now: datetime,
) -> Sequence[Coupon]:
    """
    Return up to `limit` of a member's coupons: what is open by its end, what is closed the latest.

    `after` is the end and the id of the last one of the page before.
    """
    is_open = which in {Drawer.USABLE, Drawer.UPCOMING}
    place = tuple_(Coupon.ends_at, Coupon.id)
    order = (Coupon.ends_at, Coupon.id)
    wanted = (
        select(Coupon)
        .where(Coupon.member_id == member_id, _in_drawer(which, now))
        .order_by(*(order if is_open else (one.desc() for one in order)))
        .limit(limit)
    )
    if after is not None:
        wanted = wanted.where(place > after if is_open else place < after)
    return session.scalars(wanted).all()


def page(
    session: Session,
    *,
    promotion_id: int | None,
    member_id: int | None,
    status: CouponStatus | None,
    before_id: int | None,
    limit: int,
) -> Sequence[Coupon]:
    """Return up to `limit` coupons older than `before_id`, the latest first."""
    wanted = select(Coupon).order_by(Coupon.id.desc()).limit(limit)
    for column, value in (
        (Coupon.promotion_id, promotion_id),
        (Coupon.member_id, member_id),
        (Coupon.status, status),
    ):
        if value is not None:
            wanted = wanted.where(column == value)
    if before_id is not None:
        wanted = wanted.where(Coupon.id < before_id)
    return session.scalars(wanted).all()


def existing(session: Session, coupon_ids: Collection[int]) -> set[int]:
    """Return which of these coupons there are."""
    return set(session.scalars(select(Coupon.id).where(Coupon.id.in_(set(coupon_ids)))))


def template_page(session: Session, *, before_id: int | None, limit: int) -> Sequence[Template]:
    """Return up to `limit` templates older than `before_id`, the latest first."""
    wanted = (
        select(Promotion, CouponTemplate)
        .join(CouponTemplate, CouponTemplate.promotion_id == Promotion.id)
        .order_by(Promotion.id.desc())
        .limit(limit)
    )
    if before_id is not None:
        wanted = wanted.where(Promotion.id < before_id)
    return [Template(*row) for row in session.execute(wanted)]


def figures(session: Session, promotion_ids: Collection[int]) -> dict[int, Figures]:
    """Return what became of the coupons of each of these templates."""
    found = session.execute(
        select(Coupon.promotion_id, Coupon.status, func.count())
        .where(Coupon.promotion_id.in_(promotion_ids))
        .group_by(Coupon.promotion_id, Coupon.status)
    )
    counted: dict[int, Counter[CouponStatus]] = {each: Counter() for each in promotion_ids}
    for promotion_id, status, count in found:
        counted[promotion_id][status] = count
    return {promotion_id: _figures(by_status) for promotion_id, by_status in counted.items()}


def promotions_of(session: Session, promotion_ids: Collection[int]) -> Mapping[int, Promotion]:
    """Return these campaigns by id."""
    found = session.scalars(select(Promotion).where(Promotion.id.in_(promotion_ids)))
    return {promotion.id: promotion for promotion in found}


def _figures(by_status: Counter[CouponStatus]) -> Figures:
    return Figures(
        issued=by_status.total(),
        unused=by_status[CouponStatus.ISSUED],
        held=by_status[CouponStatus.HELD],
        used=by_status[CouponStatus.USED],
        expired=by_status[CouponStatus.EXPIRED],
        revoked=by_status[CouponStatus.REVOKED],
    )


def _in_drawer(which: Drawer, now: datetime) -> ColumnElement[bool]:
    is_free = Coupon.status == CouponStatus.ISSUED
    ended = Coupon.promotion_id.in_(
        select(Promotion.id).where(Promotion.status == CampaignStatus.ENDED)
    )
    is_open = is_free & (Coupon.ends_at > now) & ~ended
    return {
        Drawer.USABLE: is_open & (Coupon.starts_at <= now),
        Drawer.UPCOMING: is_open & (Coupon.starts_at > now),
        Drawer.USED: Coupon.status.in_((CouponStatus.HELD, CouponStatus.USED)),
        Drawer.EXPIRED: (Coupon.status == CouponStatus.EXPIRED)
        | is_free & ((Coupon.ends_at <= now) | ended),
    }[which]


def _standings(member_id: int, now: datetime) -> Select[Promotion, CouponTemplate, int, int]:
    life, today = aliased(CouponMemberCounter), aliased(CouponMemberCounter)
    wanted = select(
        Promotion, CouponTemplate, func.coalesce(life.issued, 0), func.coalesce(today.issued, 0)
    ).join(CouponTemplate, CouponTemplate.promotion_id == Promotion.id)
    for counter, day in ((life, LIFETIME), (today, china_day(now))):
        theirs = (
            (counter.promotion_id == Promotion.id)
            & (counter.member_id == member_id)
            & (counter.day == day)
        )
        wanted = wanted.join(counter, theirs, isouter=True)
    return wanted.execution_options(populate_existing=True)


def _standing(row: Any) -> Standing:
    promotion, terms, had, had_today = row
    return Standing(Template(promotion, terms), had, had_today)


def _is_full(taken: int, most: int | None) -> bool:
    return most is not None and taken >= most
