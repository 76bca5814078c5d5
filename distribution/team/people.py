"""Who the distributors are, and who stands below one of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Select, bindparam, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from distribution.team.models import Distributor
from distribution.team.place_models import Place, TeamSize


class TeamOrder(StrEnum):
    """By what the people of a team are sorted, the latest or the most first."""

    JOINED = "joined"
    AMOUNT = "amount"


class TeamMember(NamedTuple):
    """Somebody who was brought, directly or by somebody who was, and what they brought."""

    member_id: int
    level: int
    bound_at: datetime
    orders: int
    earned_fen: int
    clawed_fen: int


class TeamCounts(NamedTuple):
    """How many people stand on each level below a distributor. Nobody is paid for it."""

    level1_count: int
    level2_count: int


def team_counts(session: Session, member_id: int) -> TeamCounts:
    """How many people a distributor brought, and how many those brought; kept, not counted."""
    row = session.execute(
        select(TeamSize.level1_count, TeamSize.level2_count).where(TeamSize.member_id == member_id)
    ).one_or_none()
    return TeamCounts(*row) if row else TeamCounts(0, 0)


@dataclass(frozen=True, slots=True)
class TeamWanted:
    """Whom of a team, and sorted by what; the latest of level 1 by default."""

    level: int = 1
    by: TeamOrder = TeamOrder.JOINED
    joined_from: datetime | None = None
    joined_to: datetime | None = None
    """Only who joined in `[joined_from, joined_to)`."""


def team_members(
    session: Session, member_id: int, *, level: int, before: int | None = None, limit: int = 20
) -> Sequence[TeamMember]:
    """
    The people of one level, the latest first; `before` is the member id of the last one seen.

    What they brought is as of the last roll-up.
    """
    query = team_query(member_id, TeamWanted(level), before=before, limit=limit)
    return [TeamMember(*row) for row in session.execute(query)]


def team_query(
    member_id: int, wanted: TeamWanted, *, before: int | None, limit: int
) -> Select[*tuple[Any, ...]]:
    """
    One page of a team: the columns of `TeamMember`; it costs the same for any team.

    Whose team it is stands in a sub-select and the length is written out: so the database plans it
    once a connection, and not for each team by its size.
    """
    key = _key(Place, wanted.by)
    whose = select(bindparam("whose", member_id, BigInteger)).scalar_subquery()
    query = (
        select(
            Place.member_id, Place.level, Place.bound_at,
            Place.orders, Place.earned_fen, Place.clawed_fen,
        )
        .where(Place.upline_id == whose, Place.level == wanted.level)
        .order_by(key.desc(), Place.member_id.desc())
        .limit(bindparam("page", limit, BigInteger, literal_execute=True))
    )  # fmt: skip
    if before is not None:
        seen = aliased(Place)
        last = select(_key(seen, wanted.by), seen.member_id)
        last = last.where(seen.upline_id == member_id, seen.member_id == before)
        query = query.where(tuple_(key, Place.member_id) < last.scalar_subquery())
    if wanted.joined_from is not None:
        query = query.where(Place.bound_at >= wanted.joined_from)
    if wanted.joined_to is not None:
        query = query.where(Place.bound_at < wanted.joined_to)
    return query


def _key(place: type[Place], by: TeamOrder) -> InstrumentedAttribute[Any]:
    return place.bound_at if by == TeamOrder.JOINED else place.net_fen


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
