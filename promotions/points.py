"""
Points as they are granted: so many for one source, listed, taken back whole, never spent yet.

The list is append-only: what is taken back is a row of its own, and the balance is the sum.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Select, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from promotions.limits import SourceReused
from promotions.member_models import PointsGrant


def grant(session: Session, *, member_id: int, points: int, source: str, now: datetime) -> bool:
    """
    Give a member points for `source`, once; return False if that was done before.

    :raises ValueError: `points` is not positive.
    :raises SourceReused: the source has granted before, and not the same.
    """
    if points <= 0:
        raise ValueError(f"{points} points are no grant")
    row = {"member_id": member_id, "points": points, "source": source, "granted_at": now}
    written = session.scalar(
        insert(PointsGrant)
        .values(row)
        .on_conflict_do_nothing(
            index_elements=[PointsGrant.source], index_where=PointsGrant.reverses_id.is_(None)
        )
        .returning(PointsGrant.id)
    )
    if written is not None:
        return True
    before = session.scalars(_granted_for(source)).one()
    if (before.member_id, before.points) != (member_id, points):
        raise SourceReused(source)
    return False


def revoke(session: Session, *, source: str, now: datetime) -> int:
    """Take back what `source` granted; return how many points, 0 if none or done before."""
    found = session.scalar(_granted_for(source))
    if found is None:
        return 0
    row = {
        "member_id": found.member_id,
        "points": -found.points,
        "source": source,
        "reverses_id": found.id,
        "granted_at": now,
    }
    written = insert(PointsGrant).values(row).on_conflict_do_nothing()
    taken = session.scalar(written.returning(PointsGrant.points))
    return 0 if taken is None else -taken


def balance(session: Session, member_id: int) -> int:
    """Return the points a member has."""
    total = func.coalesce(func.sum(PointsGrant.points), 0)
    return int(session.scalar(select(total).where(PointsGrant.member_id == member_id)) or 0)


def history(
    session: Session, *, member_id: int, before_id: int | None, limit: int
) -> Sequence[PointsGrant]:
    """Return up to `limit` of a member's rows older than `before_id`, the latest first."""
    wanted = select(PointsGrant).where(PointsGrant.member_id == member_id)
    if before_id is not None:
        wanted = wanted.where(PointsGrant.id < before_id)
    return session.scalars(wanted.order_by(PointsGrant.id.desc()).limit(limit)).all()


def _granted_for(source: str) -> Select[PointsGrant]:
    row = PointsGrant
    return select(row).where(row.source == source, row.reverses_id.is_(None))
