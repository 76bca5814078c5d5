"""Who the distributors are, and who stands below one of them."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func, select, tuple_
from sqlalchemy.orm import Session, aliased

from distribution.team.models import Binding, Distributor


class TeamMember(NamedTuple):
    """Somebody who was brought, directly or by somebody who was."""

    member_id: int
    level: int
    bound_at: datetime


class TeamCounts(NamedTuple):
    """How many people stand on each level below a distributor. Nobody is paid for it."""

    level1_count: int
    level2_count: int


def team_counts(session: Session, member_id: int) -> TeamCounts:
    """How many people a distributor brought, and how many those brought."""
    below = aliased(Binding)
    level1 = select(func.count()).where(Binding.upline_member_id == member_id)
    level2 = (
        select(func.count())
        .select_from(Binding)
        .join(below, below.upline_member_id == Binding.member_id)
        .where(Binding.upline_member_id == member_id)
    )
    row = session.execute(select(level1.scalar_subquery(), level2.scalar_subquery())).one()
    return TeamCounts(*row)


def team_members(
    session: Session,
    member_id: int,
    *,
    level: int,
    before: int | None = None,
    limit: int = 20,
) -> Sequence[TeamMember]:
    """The people of one level, the latest first; `before` is the member id of the last one seen."""
    person = aliased(Binding)
    query = select(person.member_id, person.bound_at)
    if level == 1:
        query = query.where(person.upline_member_id == member_id)
    else:
        between = aliased(Binding)
        query = query.join(between, between.member_id == person.upline_member_id)
        query = query.where(between.upline_member_id == member_id)
    if before is not None:
        last = select(Binding.bound_at, Binding.member_id).where(Binding.member_id == before)
        query = query.where(tuple_(person.bound_at, person.member_id) < last.scalar_subquery())
    query = query.order_by(person.bound_at.desc(), person.member_id.desc()).limit(limit)
    return [TeamMember(row.member_id, level, row.bound_at) for row in session.execute(query)]


def distributors(
    session: Session, *, status: str | None = None, before: int | None = None, limit: int = 20
) -> Sequence[Distributor]:
    """Distributors by member id, highest first, of one status or all."""
    query = select(Distributor).order_by(Distributor.member_id.desc()).limit(limit)
    if status is not None:
        query = query.where(Distributor.status == status)
    if before is not None:
        query = query.where(Distributor.member_id < before)
    return session.scalars(query).all()
