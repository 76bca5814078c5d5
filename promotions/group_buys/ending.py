"""
How a team ends that is not full, how a member leaves one, and how their money goes back.

Teams are marked, and then the seats of what is marked, in one transaction: a seat that was taken
just before is seen by the second statement, because its team was locked by the first.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import case, select, update
from sqlalchemy.orm import Session

from promotions.group_buys import moves
from promotions.group_buys.models import BuyingTeam, TeamSeat
from promotions.group_buys.states import (
    FailReason,
    RefundReason,
    SeatStatus,
    TeamStatus,
)


class Ended(NamedTuple):
    """What became of the teams whose time was over."""

    completed: int
    """By the rule of their campaign, with seats filled by nobody."""
    failed: int
    sources: Sequence[str]
    """The orders whose money is to go back."""


def expire_due(session: Session, *, now: datetime, limit: int) -> Ended:
    """
    End open teams whose time is over, the longest first, at most `limit`: failed, or complete.

    What somebody else is just changing waits for the next call. Doing it twice changes nothing.
    """
    row = BuyingTeam
    due = (
        select(row.id)
        .where(row.status == TeamStatus.OPEN, row.ends_at <= now)
        .order_by(row.ends_at, row.id)
        .limit(limit)
        .with_for_update(key_share=True, skip_locked=True)
        .cte("due")
    )
    ended = session.execute(
        update(row)
        .where(row.id.in_(select(due.c.id)), row.status == TeamStatus.OPEN)
        .values(
            status=case((row.auto_completes, TeamStatus.COMPLETE), else_=TeamStatus.FAILED),
            seats_filled=case((row.auto_completes, row.size - row.seats_taken), else_=0),
            fail_reason=case((~row.auto_completes, FailReason.EXPIRED)),
            settled_at=now,
        )
        .returning(row.id, row.status),
        execution_options={"synchronize_session": False},
    ).all()
    failed = [team_id for team_id, status in ended if status is TeamStatus.FAILED]
    which = TeamSeat.team_id.in_(failed)
    sources = moves.give_back_taken(session, which, RefundReason.EXPIRED)
    return Ended(len(ended) - len(failed), len(failed), sources)


def fail(session: Session, team_id: int, *, now: datetime) -> Sequence[str] | None:
    """
    End a team that is opening or open by the will of staff; return whose money is to go back.

    None if it is complete or has failed already.
    """
    team = moves.locked_team(session, team_id)
    if team.status not in {TeamStatus.OPENING, TeamStatus.OPEN}:
        return None
    _mark_failed(team, FailReason.STOPPED, now)
    session.flush()
    return moves.give_back_taken(session, TeamSeat.team_id == team_id, RefundReason.STOPPED)


def leave(session: Session, *, source: str, now: datetime) -> bool:
    """
    Take the seat of an order out of its open team: all its money is on its way back.

    Who took a seat next leads the team if its opener leaves; without anybody left it fails. A
    complete team stays complete: False, and nothing changes. Repeatable.
    """
    found = session.execute(
        select(TeamSeat.id, TeamSeat.team_id).where(
            TeamSeat.source == source, TeamSeat.status == SeatStatus.TAKEN
        )
    ).one_or_none()
    if found is None:
        return False
    team = moves.locked_team(session, found.team_id)
    seat = session.get_one(TeamSeat, found.id, populate_existing=True)
    if team.status is not TeamStatus.OPEN or seat.status is not SeatStatus.TAKEN:
        return False
    seat.status, seat.refund_reason = SeatStatus.REFUNDING, RefundReason.LEFT
    team.seats_taken -= 1
    session.flush()
    _succeed(session, team, now)
    return True


def refunded(session: Session, *, source: str, now: datetime) -> bool:
    """Record that the money of an order without a team is back; False if it was not awaited."""
    moved = session.scalar(
        update(TeamSeat)
        .where(TeamSeat.source == source, TeamSeat.status == SeatStatus.REFUNDING)
        .values(status=SeatStatus.REFUNDED, refunded_at=now)
        .returning(TeamSeat.id),
        execution_options=moves.MOVE,
    )
    return moved is not None


def _succeed(session: Session, team: BuyingTeam, now: datetime) -> None:
    """Give a team whose member has left a leader who is in it, or end it."""
    heirs = session.scalars(
        select(TeamSeat.member_id)
        .where(TeamSeat.team_id == team.id, TeamSeat.status == SeatStatus.TAKEN)
        .order_by(TeamSeat.paid_at, TeamSeat.id)
    ).all()
    if not heirs:
        _mark_failed(team, FailReason.DESERTED, now)
    elif team.opener_id not in heirs:
        team.opener_id = heirs[0]
    session.flush()


def _mark_failed(team: BuyingTeam, reason: FailReason, now: datetime) -> None:
    team.status, team.fail_reason, team.settled_at = TeamStatus.FAILED, reason, now
