"""
Points as they are granted: so many for one source, listed, taken back in part or whole.

The list is append-only: what is taken back is a row of its own, and the balance is the sum. Points
are not spent yet, so there is always enough to take back.
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


def take_back(session: Session, *, source: str, left: int, now: datetime) -> int:
    """
    Take back what `source` granted beyond `left` points; return how many, 0 if none or done before.

    However often and in whatever steps it is done, as many stay as the lowest `left` said.
    """
    # The grant is locked first, so of two that race the later one sees what the other took.
    found = session.scalar(_granted_for(source).with_for_update(key_share=True))
    if found is None:
        return 0
    taken = select(func.coalesce(func.sum(-PointsGrant.points), 0)).where(
        PointsGrant.reverses_id == found.id
    )
    surplus = found.points - left - int(session.scalar(taken) or 0)
    if surplus <= 0:
        return 0
    session.execute(
        insert(PointsGrant).values(
            member_id=found.member_id,
            points=-surplus,
            source=source,
            reverses_id=found.id,
            granted_at=now,
        )
    )
    return surplus


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
