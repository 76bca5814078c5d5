"""
What a payment does to a seat: it is taken, or, if it comes too late, moved, or to be refunded.

It happens in the transaction that makes the order paid, so nothing here may refuse: money that is
here has exactly one place to be. Only this order's seat and rows of teams are locked.
"""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy.orm import Session

from promotions.group_buys import moves, terms
from promotions.group_buys.models import BuyingTeam, TeamSeat
from promotions.group_buys.states import (
    Late,
    Outcome,
    RefundReason,
    SeatStatus,
    TeamStatus,
)
from promotions.pricing.kinds import WhenLate


class Taken(NamedTuple):
    """What became of a payment, and the team its order belongs to."""

    outcome: Outcome
    team: BuyingTeam
    """Where it came in; of one that goes back, the team it came too late for."""
    is_new: bool
    """False if this was done before."""

    @property
    def completes(self) -> bool:
        """Whether this very payment completed its team."""
        return self.is_new and self.team.status is TeamStatus.COMPLETE


def take_seat(session: Session, *, source: str, spare_no: str, now: datetime) -> Taken | None:
    """
    Take the seat of an order that is paid; None if it has none. Repeatable; never refuses.

    `spare_no` is the number of the team that is opened if the payment comes too late and must open
    one. The rule for late payments is that of the team the seat was held in.
    """
    seat = moves.locked_seat(session, source)
    if seat is None:
        return None
    team = session.get_one(BuyingTeam, seat.team_id, populate_existing=True)
    if seat.outcome is not None:
        return Taken(seat.outcome, team, is_new=False)
    if seat.status is SeatStatus.HELD and (own := moves.take_held_place(session, team, now)):
        return _seated(session, seat, own, Outcome.TAKEN, now)
    return _late(session, seat, team, spare_no, now)


def _late(
    session: Session, seat: TeamSeat, team: BuyingTeam, spare_no: str, now: datetime
) -> Taken:
    """Do what the rule of the team says about money that comes too late for it."""
    was_held = seat.status is SeatStatus.HELD
    outcome, place = _elsewhere(session, seat, team, spare_no, now)
    session.refresh(team)
    late_reason = _why_late(team, was_held=was_held)
    if was_held:
        moves.let_go(session, team.id, now)
    seat.late_reason = late_reason
    if place is not None:
        return _seated(session, seat, place, outcome, now)
    seat.outcome, seat.paid_at = outcome, now
    seat.status, seat.refund_reason = SeatStatus.REFUNDING, RefundReason.LATE
    session.flush()
    return Taken(outcome, team, is_new=True)


def _elsewhere(
    session: Session, seat: TeamSeat, team: BuyingTeam, spare_no: str, now: datetime
) -> tuple[Outcome, BuyingTeam | None]:
    """Find another team for a payment that is late, by the rule; what it gave back is gone."""
    is_held = seat.status is SeatStatus.HELD
    # Who opens a team need not be new, so they can only open another that is for newcomers.
    may_join = not (team.newcomers_only and seat.opens_team)
    joins = is_held and team.when_late is WhenLate.JOIN and may_join
    if joins and (joined := _join(session, seat, team.promotion_id, now)):
        return Outcome.MOVED, joined
    if is_held and team.when_late is not WhenLate.REFUND:
        chosen = terms.while_running(session, team.promotion_id, now)
        if chosen is not None:
            return Outcome.OPENED, _open(session, seat, team, chosen, spare_no, now)
    return Outcome.TO_REFUND, None


def _join(session: Session, seat: TeamSeat, promotion_id: int, now: datetime) -> BuyingTeam | None:
    """Join the oldest team that has room, or the next if somebody was faster."""
    while candidate := moves.oldest_to_join(session, promotion_id, seat.member_id, now):
        if joined := moves.join(session, candidate, seat.member_id, now):
            return joined
    return None


def _open(
    session: Session,
    seat: TeamSeat,
    team: BuyingTeam,
    chosen: terms.TeamTerms,
    spare_no: str,
    now: datetime,
) -> BuyingTeam:
    opening = moves.new_team(session, spare_no, team.promotion_id, seat.member_id, chosen, now)
    opened = moves.take_held_place(session, opening, now)
    assert opened is not None, "a new team has a place for its opener"
    return opened


def _seated(
    session: Session, seat: TeamSeat, team: BuyingTeam, outcome: Outcome, now: datetime
) -> Taken:
    seat.team_id, seat.status = team.id, SeatStatus.TAKEN
    seat.outcome, seat.paid_at = outcome, now
    session.flush()
    return Taken(outcome, team, is_new=True)


def _why_late(team: BuyingTeam, *, was_held: bool) -> Late:
    if not was_held:
        return Late.RELEASED
    if team.status is TeamStatus.COMPLETE:
        return Late.FULL
    return Late.FAILED if team.status is TeamStatus.FAILED else Late.OVER
