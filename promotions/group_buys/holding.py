"""
The seat of an unpaid order: held when it is placed, released when it closes.
"""

from datetime import datetime
from enum import StrEnum
from functools import partial

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from promotions.group_buys import moves, terms
from promotions.group_buys.models import BuyingTeam, TeamSeat
from promotions.group_buys.states import SeatStatus, TeamStatus


class Refusal(StrEnum):
    """Why somebody cannot join a team; the first that holds, in this order."""

    NO_SUCH_TEAM = "no_such_team"
    """There is none of this number in this campaign."""
    NOT_OPEN = "not_open"
    """Its opener has not paid yet."""
    COMPLETE = "complete"
    OVER = "over"
    """It has failed, or its time is over."""
    NEWCOMERS_ONLY = "newcomers_only"
    """Only who has never paid may join."""
    FULL = "full"
    """Every seat that is not taken is held by an unpaid order; one may come free."""
    ALREADY_IN = "already_in"
    """The member has a seat in it."""


class CannotJoin(Exception):
    """A seat cannot be had; `refusal` says why. Roll the transaction back."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal)
        self.refusal = refusal


def hold_seat(
    session: Session,
    *,
    source: str,
    promotion_id: int,
    member_id: int,
    team_no: str,
    as_opener: bool,
    is_newcomer: bool,
    now: datetime,
) -> BuyingTeam:
    """
    Hold a seat for `source`, an order that is placed, and return its team. Repeatable.

    An opener gives the number of the new team, which opens once they have paid; others that of a
    team. Whether the campaign runs is for its limits to say. The team's row is locked from here on.

    :raises CannotJoin: the team is not there, not open, over or full, the member is in it already,
        or it is for newcomers; roll the transaction back.
    :raises NoGroupBuy: the campaign is none.
    """
    if (seat := moves.locked_seat(session, source)) is not None:
        return session.get_one(BuyingTeam, seat.team_id)
    if as_opener:
        chosen = terms.of(session, promotion_id)
        team = moves.new_team(session, team_no, promotion_id, member_id, chosen, now)
    else:
        team = _joined(session, team_no, promotion_id, is_newcomer=is_newcomer, now=now)
    values = {
        "source": source,
        "member_id": member_id,
        "team_id": team.id,
        "held_team_id": team.id,
        "opens_team": as_opener,
        "status": SeatStatus.HELD,
        "held_at": now,
    }
    written = insert(TeamSeat).values(values).on_conflict_do_nothing().returning(TeamSeat.id)
    if session.scalar(written) is None:
        raise CannotJoin(Refusal.ALREADY_IN)
    return team


def release_seat(session: Session, *, source: str, now: datetime) -> bool:
    """
    Give the seat of an order that closed unpaid back; return False if it holds none. Repeatable.

    With its opener a team that was never open fails.
    """
    seat = moves.locked_seat(session, source)
    if seat is None or seat.status is not SeatStatus.HELD:
        return False
    seat.status = SeatStatus.RELEASED
    session.flush()
    moves.let_go(session, seat.team_id, now)
    return True


def refusal_of(
    session: Session, *, team_no: str, promotion_id: int, is_newcomer: bool, now: datetime
) -> Refusal | None:
    """Return why a team cannot be joined now, as far as the team itself says; None if it can."""
    team = session.scalar(
        select(BuyingTeam).where(
            BuyingTeam.team_no == team_no, BuyingTeam.promotion_id == promotion_id
        ),
        execution_options=moves.AS_STORED,
    )
    if team is None:
        return Refusal.NO_SUCH_TEAM
    if team.status is TeamStatus.OPENING:
        return Refusal.NOT_OPEN
    if team.status is TeamStatus.COMPLETE:
        return Refusal.COMPLETE
    if team.status is TeamStatus.FAILED or _is_over(team, now):
        return Refusal.OVER
    if team.newcomers_only and not is_newcomer:
        return Refusal.NEWCOMERS_ONLY
    return None if team.seats_left > 0 else Refusal.FULL


def _joined(
    session: Session, team_no: str, promotion_id: int, *, is_newcomer: bool, now: datetime
) -> BuyingTeam:
    """Count the order in its team, if that is one of this campaign and may be joined."""
    refusal_now = partial(
        refusal_of,
        session,
        team_no=team_no,
        promotion_id=promotion_id,
        is_newcomer=is_newcomer,
        now=now,
    )
    if refusal := refusal_now():
        raise CannotJoin(refusal)
    team = moves.hold_place(session, team_no, now)
    if team is None:  # Somebody was faster; the place may have come free again since.
        raise CannotJoin(refusal_now() or Refusal.FULL)
    return team


def _is_over(team: BuyingTeam, now: datetime) -> bool:
    return team.ends_at is not None and team.ends_at <= now
