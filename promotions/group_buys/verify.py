"""
The promises about teams and seats, recomputed over the live tables.
"""

from collections.abc import Iterator

from sqlalchemy import case, func, or_, select
from sqlalchemy.orm import Session, aliased

from promotions.group_buys.models import BuyingTeam, TeamSeat
from promotions.group_buys.queries import was_in_it
from promotions.group_buys.states import SeatStatus, TeamStatus
from promotions.pricing.kinds import Seats
from promotions.verify import Breach


def verify(session: Session) -> Iterator[Breach]:
    """Yield every breach of the promises about teams of buyers."""
    yield from _counts(session)
    yield from _sizes(session)
    yield from _paid_seats(session)
    yield from _openers(session)
    yield from _moves(session)


def _counts(session: Session) -> Iterator[Breach]:
    """What a team counts is what its seats are."""
    team, seat = BuyingTeam, TeamSeat
    taken = func.count(case((was_in_it(), 1)))
    held = func.count(case((seat.status == SeatStatus.HELD, 1)))
    found = session.execute(
        select(team.team_no, team.seats_taken, team.seats_held, taken, held)
        .join(seat, seat.team_id == team.id, isouter=True)
        .group_by(team.id)
        .having(or_(team.seats_taken != taken, team.seats_held != held))
        .order_by(team.id)
    )
    for number, *counted, now_taken, now_held in found:
        detail = f"counts {counted} taken and held, its seats are {[now_taken, now_held]}"
        yield Breach("group_buys.team_counts_its_seats", number, detail)


def _sizes(session: Session) -> Iterator[Breach]:
    """No team has more seats than its size, and a complete one has all of them."""
    team = BuyingTeam
    filled = team.seats_taken + team.seats_filled
    promised = team.seats_taken + case((team.places == Seats.HELD, team.seats_held), else_=0)
    is_wrong = or_(
        filled > team.size,
        promised > team.size,
        (team.status == TeamStatus.COMPLETE) != (filled == team.size),
    )
    found = session.execute(
        select(team.team_no, team.size, team.seats_taken, team.seats_filled, team.status)
        .where(is_wrong)
        .order_by(team.id)
    )
    for number, size, taken, nobody, status in found:
        detail = f"{status} with {taken} taken and {nobody} filled of {size}"
        yield Breach("group_buys.team_within_size", number, detail)


def _paid_seats(session: Session) -> Iterator[Breach]:
    """Who has paid is in a team that is open or complete, or gets the money back."""
    found = session.execute(
        select(TeamSeat.source, BuyingTeam.team_no, BuyingTeam.status)
        .join(BuyingTeam, BuyingTeam.id == TeamSeat.team_id)
        .where(
            TeamSeat.status == SeatStatus.TAKEN,
            BuyingTeam.status.in_([TeamStatus.OPENING, TeamStatus.FAILED]),
        )
        .order_by(TeamSeat.id)
    )
    for source, number, status in found:
        yield Breach("group_buys.paid_seat_has_one_end", source, f"taken in {number}, {status}")


def _openers(session: Session) -> Iterator[Breach]:
    """An open team is led by somebody who has a seat in it."""
    team, seat = BuyingTeam, TeamSeat
    leads = (seat.member_id == team.opener_id) & (seat.status == SeatStatus.TAKEN)
    found = session.execute(
        select(team.team_no, team.opener_id)
        .join(seat, (seat.team_id == team.id) & leads, isouter=True)
        .where(team.status == TeamStatus.OPEN, seat.id.is_(None))
        .order_by(team.id)
    )
    for number, opener_id in found:
        detail = f"member {opener_id} leads it and has no seat"
        yield Breach("group_buys.opener_is_in_the_team", number, detail)


def _moves(session: Session) -> Iterator[Breach]:
    """A late payment stays within its campaign."""
    held_in = aliased(BuyingTeam)
    found = session.execute(
        select(TeamSeat.source, held_in.promotion_id, BuyingTeam.promotion_id)
        .join(BuyingTeam, BuyingTeam.id == TeamSeat.team_id)
        .join(held_in, held_in.id == TeamSeat.held_team_id)
        .where(held_in.promotion_id != BuyingTeam.promotion_id)
        .order_by(TeamSeat.id)
    )
    for source, before, after in found:
        detail = f"held in promotion {before}, now in {after}"
        yield Breach("group_buys.moved_within_the_campaign", source, detail)
