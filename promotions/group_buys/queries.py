"""
What is asked about seats: by an order, and by whoever ships it.
"""

from collections.abc import Iterable

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from promotions.group_buys.models import BuyingTeam, TeamSeat
from promotions.group_buys.moves import AS_STORED
from promotions.group_buys.states import RefundReason, SeatStatus, TeamStatus


def seat_of(session: Session, source: str) -> TeamSeat | None:
    """Return the seat of an order, if it has one."""
    return session.scalar(
        select(TeamSeat).where(TeamSeat.source == source), execution_options=AS_STORED
    )


def is_for_newcomers(session: Session, team_no: str) -> bool:
    """Whether only who has never paid may join a team; of one that is not there nobody asks."""
    wanted = select(BuyingTeam.newcomers_only).where(BuyingTeam.team_no == team_no)
    return bool(session.scalar(wanted))


def may_ship(session: Session, source: str) -> bool:
    """Whether an order has no team to wait for. Once true it stays so."""
    return source not in awaiting(session, [source])


def awaiting(session: Session, sources: Iterable[str]) -> set[str]:
    """Return those among these orders that may not be shipped: not in a team that is complete."""
    found = session.scalars(
        select(TeamSeat.source)
        .join(BuyingTeam, BuyingTeam.id == TeamSeat.team_id)
        .where(
            TeamSeat.source.in_(list(sources)),
            (TeamSeat.status != SeatStatus.TAKEN) | (BuyingTeam.status != TeamStatus.COMPLETE),
        )
    )
    return set(found)


def was_in_it() -> ColumnElement[bool]:
    """Whether a paid seat is in its team or, if that failed, was when it failed."""
    lost = (RefundReason.EXPIRED, RefundReason.STOPPED)
    return (TeamSeat.status == SeatStatus.TAKEN) | TeamSeat.refund_reason.in_(lost)
