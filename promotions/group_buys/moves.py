"""
The moves of a team's row and the locks around them.

A seat that is held belongs to its order: it is locked before its team. A seat that is taken belongs
to its team: it is locked after it. Nobody locks the order of another member.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, func, or_, select, update
from sqlalchemy.orm import Session

from promotions.group_buys.models import BuyingTeam, TeamSeat
from promotions.group_buys.states import (
    LIVE,
    FailReason,
    RefundReason,
    SeatStatus,
    TeamStatus,
)
from promotions.group_buys.terms import TeamTerms
from promotions.pricing.kinds import Seats

AS_STORED = {"populate_existing": True}
MOVE = {"synchronize_session": False, **AS_STORED}


def locked_seat(session: Session, source: str) -> TeamSeat | None:
    """Lock and return the seat of an order, if it has one. Not for a taken one that is to move."""
    return session.scalar(
        select(TeamSeat).where(TeamSeat.source == source).with_for_update(key_share=True),
        execution_options=AS_STORED,
    )


def locked_team(session: Session, team_id: int) -> BuyingTeam:
    """Lock and return a team."""
    return session.scalars(
        select(BuyingTeam).where(BuyingTeam.id == team_id).with_for_update(key_share=True),
        execution_options=AS_STORED,
    ).one()


def hold_place(session: Session, team_no: str, now: datetime) -> BuyingTeam | None:
    """Count one more unpaid order of a team that may be joined; None if it may not."""
    row = BuyingTeam
    return _move(
        session,
        and_(row.team_no == team_no, is_joinable(now)),
        seats_held=row.seats_held + 1,
    )


def new_team(
    session: Session,
    team_no: str,
    promotion_id: int,
    member_id: int,
    chosen: TeamTerms,
    now: datetime,
) -> BuyingTeam:
    """Write down a team that waits for its opener's payment; the opener's seat is counted held."""
    team = BuyingTeam(
        team_no=team_no,
        promotion_id=promotion_id,
        status=TeamStatus.OPENING,
        opener_id=member_id,
        seats_taken=0,
        seats_held=1,
        seats_filled=0,
        created_at=now,
        **chosen.values(),
    )
    session.add(team)
    session.flush()
    return team


def take_held_place(session: Session, team: BuyingTeam, now: datetime) -> BuyingTeam | None:
    """
    Take a place that is held in a team, which may open or complete it; None if it is too late.

    Where the end of a team completes it, nobody is late for it while there is a place: neither
    before the end is noticed nor after, when the places are filled by nobody.
    """
    row = BuyingTeam
    is_opening = and_(row.status == TeamStatus.OPENING, row.closes_at > now)
    is_open = and_(row.status == TeamStatus.OPEN, or_(row.ends_at > now, row.auto_completes))
    is_filled = and_(row.status == TeamStatus.COMPLETE, row.seats_filled > 0)
    return _move(
        session,
        and_(row.id == team.id, or_(is_opening, is_open, is_filled)),
        **_one_more(now, minutes=team.team_minutes),
        seats_held=row.seats_held - 1,
        seats_filled=case((is_filled, row.seats_filled - 1), else_=row.seats_filled),
    )


def join(session: Session, team_id: int, member_id: int, now: datetime) -> BuyingTeam | None:
    """Take a free place in an open team the member is not in; None if that is not possible."""
    team = locked_team(session, team_id)
    return _move(
        session,
        and_(BuyingTeam.id == team_id, is_joinable(now), ~_is_in(member_id)),
        **_one_more(now, minutes=team.team_minutes),
    )


def oldest_to_join(
    session: Session, promotion_id: int, member_id: int, now: datetime
) -> int | None:
    """Return the team of a campaign that was opened first and has room for a member not in it."""
    row = BuyingTeam
    return session.scalar(
        select(row.id)
        .where(row.promotion_id == promotion_id, is_joinable(now), ~_is_in(member_id))
        .order_by(row.opened_at, row.id)
        .limit(1)
    )


def let_go(session: Session, team_id: int, now: datetime) -> None:
    """Count one unpaid order less; a team whose opener never paid fails with it."""
    row = BuyingTeam
    never = row.status == TeamStatus.OPENING
    _move(
        session,
        row.id == team_id,
        seats_held=row.seats_held - 1,
        status=case((never, TeamStatus.FAILED), else_=row.status),
        settled_at=case((never, now), else_=row.settled_at),
        fail_reason=case((never, FailReason.NEVER_OPENED), else_=row.fail_reason),
    )


def give_back_taken(
    session: Session, which: ColumnElement[bool], reason: RefundReason
) -> list[str]:
    """Let the money of taken seats go back, in one statement; return whose orders they are."""
    moved = session.scalars(
        update(TeamSeat)
        .where(which, TeamSeat.status == SeatStatus.TAKEN)
        .values(status=SeatStatus.REFUNDING, refund_reason=reason)
        .returning(TeamSeat.source),
        execution_options={"synchronize_session": False},
    )
    return sorted(moved)


def is_joinable(now: datetime) -> ColumnElement[bool]:
    """Whether a team is open, not over, and has a seat that nobody was promised."""
    row = BuyingTeam
    held = case((row.places == Seats.HELD, row.seats_held), else_=0)
    return and_(row.status == TeamStatus.OPEN, row.ends_at > now, row.seats_taken + held < row.size)


def _is_in(member_id: int) -> ColumnElement[bool]:
    return exists().where(
        TeamSeat.team_id == BuyingTeam.id,
        TeamSeat.member_id == member_id,
        TeamSeat.status.in_(LIVE),
    )


def _one_more(now: datetime, *, minutes: int) -> dict[str, Any]:
    """One more seat is taken: the first opens the team, the last completes it."""
    row = BuyingTeam
    is_last = row.seats_taken + 1 == row.size
    return {
        "seats_taken": row.seats_taken + 1,
        "status": case(
            (row.status == TeamStatus.COMPLETE, row.status),
            (is_last, TeamStatus.COMPLETE),
            else_=TeamStatus.OPEN,
        ),
        "opened_at": func.coalesce(row.opened_at, now),
        "ends_at": func.coalesce(
            row.ends_at, func.least(now + timedelta(minutes=minutes), row.closes_at)
        ),
        "settled_at": case((is_last, func.coalesce(row.settled_at, now)), else_=row.settled_at),
    }


def _move(session: Session, which: ColumnElement[bool], **values: Any) -> BuyingTeam | None:
    """Change one team in one guarded statement; None if it is not as it should be."""
    moved: BuyingTeam | None = session.scalar(
        update(BuyingTeam).where(which).values(**values).returning(BuyingTeam),
        execution_options=MOVE,
    )
    return moved
