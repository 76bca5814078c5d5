"""
What is read of packs: their set-up, their history, who has claimed, and what came of it.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from promotions import life
from promotions.coupons.models import Coupon
from promotions.coupons.states import CouponStatus
from promotions.member_models import PointsGrant
from promotions.packs.models import Pack, PackClaim, PackCounter, PackVersion
from promotions.packs.setup import Part, Setup
from promotions.states import CampaignStatus


class NoSuchPack(LookupError):
    """No pack has this id."""


class Outcome(NamedTuple):
    """What came of a pack so far."""

    claims: int
    coupons: int
    """Issued to those who claimed."""
    coupons_used: int
    """On paid orders."""
    orders: int
    """Paid orders with at least one of its coupons."""
    points: int
    """Granted and not taken back."""


def get(session: Session, pack_id: int) -> Pack:
    """
    Return a pack.

    :raises NoSuchPack: there is none.
    """
    pack = session.get(Pack, pack_id)
    if pack is None:
        raise NoSuchPack(pack_id)
    return pack


def counter(session: Session, pack_id: int) -> PackCounter | None:
    """Return what is taken of a pack's limits, if it has any."""
    return session.get(PackCounter, pack_id)


def setup_of(session: Session, pack: Pack) -> Setup:
    """Return the set-up that is stored of a pack."""
    limits = counter(session, pack.id)
    return Setup(
        title=pack.title,
        eligibility=pack.eligibility,
        parts=parts_of(pack),
        starts_at=pack.starts_at,
        ends_at=pack.ends_at,
        claim_days=pack.claim_days,
        worth_fen=pack.worth_fen,
        max_claims=None if limits is None else limits.max_claims,
        budget_fen=None if limits is None else limits.budget_fen,
    )


def parts_of(pack: Pack) -> tuple[Part, ...]:
    """Return what one claim of the pack gives."""
    return tuple(Part.parse(part) for part in pack.parts)


def page(
    session: Session, *, status: CampaignStatus | None, before_id: int | None, limit: int
) -> list[tuple[Pack, PackCounter | None]]:
    """Return up to `limit` packs older than `before_id` and their counters, the latest first."""
    wanted = select(Pack, PackCounter).join(
        PackCounter, PackCounter.pack_id == Pack.id, isouter=True
    )
    wanted = life.latest(wanted, Pack, status=status, before_id=before_id, limit=limit)
    return [(pack, limits) for pack, limits in session.execute(wanted)]


def running(session: Session, *, now: datetime) -> Sequence[Pack]:
    """Return the packs that can be claimed now by whoever is eligible, the latest first."""
    return session.scalars(
        select(Pack)
        .where(
            Pack.status == CampaignStatus.PUBLISHED,
            Pack.starts_at <= now,
            or_(Pack.ends_at.is_(None), Pack.ends_at > now),
        )
        .order_by(Pack.id.desc())
    ).all()


def history(session: Session, pack_id: int) -> Sequence[PackVersion]:
    """Return every version of a pack, the first one first."""
    return session.scalars(
        select(PackVersion).where(PackVersion.pack_id == pack_id).order_by(PackVersion.version)
    ).all()


def claims_of(session: Session, member_id: int) -> list[tuple[PackClaim, Pack]]:
    """Return what a member has claimed, the latest first."""
    found = session.execute(
        select(PackClaim, Pack)
        .join(Pack, Pack.id == PackClaim.pack_id)
        .where(PackClaim.member_id == member_id)
        .order_by(PackClaim.id.desc())
    )
    return [(claim, pack) for claim, pack in found]


def coupons_of(session: Session, claim: PackClaim) -> Sequence[Coupon]:
    """Return the coupons a claim gave, by id."""
    return session.scalars(
        select(Coupon).where(Coupon.source == claim.source).order_by(Coupon.id)
    ).all()


def outcome(session: Session, pack_id: int) -> Outcome:
    """Return what came of a pack: claims, coupons, the orders they went into, points."""
    claims = session.scalar(select(func.count(PackClaim.id)).where(PackClaim.pack_id == pack_id))
    is_used = Coupon.status == CouponStatus.USED
    coupons = session.execute(
        select(
            func.count(Coupon.id),
            func.count(Coupon.id).filter(is_used),
            func.count(Coupon.held_by.distinct()).filter(is_used),
        )
        .join(PackClaim, PackClaim.source == Coupon.source)
        .where(PackClaim.pack_id == pack_id)
    ).one()
    granted = session.scalar(
        select(func.coalesce(func.sum(PointsGrant.points), 0))
        .join(PackClaim, PackClaim.source == PointsGrant.source)
        .where(PackClaim.pack_id == pack_id)
    )
    return Outcome(int(claims or 0), *coupons, int(granted or 0))
