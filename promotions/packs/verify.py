"""
The promises of packs and points, recomputed over the live tables.
"""

from collections.abc import Iterator

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, aliased

from promotions import life
from promotions.coupons.models import Coupon
from promotions.member_models import PointsGrant
from promotions.packs import queries
from promotions.packs.models import Pack, PackClaim, PackClaimKey, PackCounter, PackVersion
from promotions.verify import Breach


def verify(session: Session) -> Iterator[Breach]:
    """Yield every breach of the promises about claims, limits, histories and points."""
    yield from _counters(session)
    yield from _keys(session)
    yield from _parts(session)
    yield from _histories(session)
    yield from _points(session)


def _counters(session: Session) -> Iterator[Breach]:
    """What is counted of a limited pack is the sum of its claims, and within the caps."""
    claims = func.count(PackClaim.id)
    found = session.execute(
        select(PackCounter, Pack.worth_fen, claims)
        .join(Pack, Pack.id == PackCounter.pack_id)
        .join(PackClaim, PackClaim.pack_id == PackCounter.pack_id, isouter=True)
        .group_by(PackCounter.pack_id, Pack.id)
        .order_by(PackCounter.pack_id)
    )
    for counter, worth_fen, count in found:
        subject = f"pack {counter.pack_id}"
        if (counter.claims, counter.spent_fen) != (count, count * worth_fen):
            detail = f"counted {counter.claims} and {counter.spent_fen} fen, claimed {count}"
            yield Breach("packs.counter_is_sum_of_claims", subject, detail)


def _keys(session: Session) -> Iterator[Breach]:
    """Every claim has a key, or its person would not be known again."""
    keyless = session.scalars(
        select(PackClaim.source)
        .join(PackClaimKey, PackClaimKey.claim_id == PackClaim.id, isouter=True)
        .where(PackClaimKey.key.is_(None))
        .order_by(PackClaim.id)
    )
    for source in keyless:
        yield Breach("packs.claim_has_keys", source, "no key")


def _parts(session: Session) -> Iterator[Breach]:
    """Every claim gave all parts of its pack and nothing else."""
    coupons = (
        select(func.count(Coupon.id)).where(Coupon.source == PackClaim.source).scalar_subquery()
    )
    granted = (
        select(func.coalesce(func.sum(PointsGrant.points), 0))
        .where(PointsGrant.source == PackClaim.source, PointsGrant.reverses_id.is_(None))
        .scalar_subquery()
    )
    for pack in session.scalars(select(Pack).order_by(Pack.id)):
        parts = queries.parts_of(pack)
        count = sum(part.count for part in parts if part.promotion_id is not None)
        points = sum(part.points for part in parts if part.points is not None)
        found = session.execute(
            select(PackClaim.source, coupons, granted)
            .where(PackClaim.pack_id == pack.id, or_(coupons != count, granted != points))
            .order_by(PackClaim.id)
        )
        for source, had_coupons, had_points in found:
            detail = f"{had_coupons} of {count} coupons, {had_points} of {points} points"
            yield Breach("packs.claim_gave_all_parts", source, detail)


def _histories(session: Session) -> Iterator[Breach]:
    """Every change and every move of a pack is on record."""
    for pack_id, detail in life.not_on_record(session, Pack, PackVersion, PackVersion.pack_id):
        yield Breach("packs.every_version_on_record", f"pack {pack_id}", detail)


def _points(session: Session) -> Iterator[Breach]:
    """What is taken back is no more than was granted, of the same member for the same source."""
    grant = aliased(PointsGrant)
    taken = func.sum(-PointsGrant.points)
    found = session.execute(
        select(grant.source, grant.points, taken)
        .join(grant, grant.id == PointsGrant.reverses_id)
        .group_by(grant.id)
        .having(
            or_(
                taken > grant.points,
                func.bool_or(grant.member_id != PointsGrant.member_id),
                func.bool_or(grant.source != PointsGrant.source),
            )
        )
        .order_by(grant.id)
    )
    for source, granted, took in found:
        yield Breach("points.taken_back_within_grant", source, f"granted {granted}, took {took}")
