"""
The seat of a group-buy order, as its order goes: held, taken, given back, left, refunded.

Each step belongs to the transaction of the order's own, and comes before coupons and limits: the
team's row is locked before theirs. Only orders at a group buy have a seat.
"""

from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy.orm import Session

from app.core import metrics, numbers, queue
from app.core.errors import Conflict
from app.marketing import buyers
from promotions import group_buys
from promotions.group_buys import BuyingTeam, CannotJoin, Outcome
from promotions.pricing import Deal

log = structlog.get_logger(__name__)


class CannotJoinTeam(Conflict):
    """The team cannot be joined, for a `reason`: it is full, over, or not for this buyer."""

    code, title = "cannot_join_team", "暂时不能参加该团"


@dataclass(frozen=True, slots=True)
class Wish:
    """The seat that an order asks for."""

    promotion_id: int
    team_no: str
    as_opener: bool
    is_newcomer: bool
    """Asked only where it matters, and kept so until the transaction ends."""


def wish(
    session: Session, deal: Deal, *, team_no: str | None, member_id: int, now: datetime
) -> Wish:
    """
    Return the seat that a member asks for: in the team of this number, or, without one, in a new.

    Locks the person if the team is for newcomers only, so it comes before the order is written.

    :raises Unauthorized: the member has left.
    """
    if team_no is None:
        return Wish(deal.promotion_id, numbers.team_no(now), as_opener=True, is_newcomer=False)
    assert not deal.as_opener, "who joins a team does not pay what its opener does"
    is_newcomer = False
    if group_buys.is_for_newcomers(session, team_no):
        buyers.keep(session, member_id)
        is_newcomer = buyers.is_new(session, member_id)
    return Wish(deal.promotion_id, team_no, as_opener=False, is_newcomer=is_newcomer)


def hold(session: Session, wanted: Wish, *, source: str, member_id: int, now: datetime) -> None:
    """
    Hold the seat for `source`, an order that is being placed. Repeatable.

    :raises CannotJoinTeam: it cannot be had; roll the transaction back.
    """
    try:
        group_buys.hold_seat(
            session,
            source=source,
            promotion_id=wanted.promotion_id,
            member_id=member_id,
            team_no=wanted.team_no,
            as_opener=wanted.as_opener,
            is_newcomer=wanted.is_newcomer,
            now=now,
        )
    except CannotJoin as refused:
        raise CannotJoinTeam(
            promotion_id=wanted.promotion_id, reason=refused.refusal.value
        ) from refused


def take(session: Session, *, source: str, now: datetime) -> None:
    """
    Take the seat of an order that is paid, or do by the campaign's rule if it is too late.

    Never refuses. A team that opens has its end noticed; money that is too late goes back.
    """
    spare_no = numbers.team_no(now)
    taken = group_buys.take_seat(session, source=source, spare_no=spare_no, now=now)
    if taken is None or not taken.is_new:
        return
    metrics.team_seats.labels(taken.outcome.value).inc()
    if taken.outcome is Outcome.TO_REFUND:
        queue.defer(session, "group_buys.refund", source=source)
    elif taken.team.seats_taken == 1:
        _notice_end(session, taken.team)
    if taken.completes:
        log.info("team_complete", team_no=taken.team.team_no)


def release(session: Session, *, source: str, now: datetime) -> None:
    """Give the seat of an order back that closed unpaid. Repeatable."""
    group_buys.release_seat(session, source=source, now=now)


def leave(session: Session, *, source: str, now: datetime) -> None:
    """Take an order out of its team, if that is not complete: all its money is on its way back."""
    group_buys.leave(session, source=source, now=now)


def refunded(session: Session, *, source: str, now: datetime) -> None:
    """Record that the money of an order is back, as a whole. Repeatable."""
    group_buys.leave(session, source=source, now=now)
    group_buys.refunded(session, source=source, now=now)


def _notice_end(session: Session, team: BuyingTeam) -> None:
    queue.defer(
        session,
        "group_buys.expire",
        schedule_at=team.ends_at,
        queueing_lock=f"group_buys.expire:{team.id}",
        team_id=team.id,
    )
