"""What campaigns have come to, counted when it is asked: teams, seats, orders, and fen."""

from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import ColumnElement, Row, case, func, select
from sqlalchemy.orm import Session

from app.orders.models import Order
from promotions.group_buys import BuyingTeam, Outcome, SeatStatus, TeamSeat, TeamStatus

NAMES = (
    "opened", "open", "complete", "failed", "filled",
    "held", "paid", "grouped", "moved", "opened_late", "refunding", "refunded",
    "orders", "orders_paid", "paid_fen", "refunding_fen", "refunded_fen",
)  # fmt: skip
"""Of teams, of seats, of orders."""

Counted = dict[int, dict[str, int]]


def of_campaigns(session: Session, group_buy_ids: Collection[int]) -> Counted:
    """The figures of each campaign; nothing but zeros for one without a team."""
    parts = [count(session, group_buy_ids) for count in (_of_teams, _of_seats, _of_orders)]
    zeros = dict.fromkeys(NAMES, 0)
    found = {}
    for each in group_buy_ids:
        counted = zeros | {
            name: number for part in parts for name, number in part.get(each, {}).items()
        }
        kept = counted["paid_fen"] - counted["refunding_fen"] - counted["refunded_fen"]
        found[each] = {**counted, "revenue_fen": kept}
    return found


def _of_teams(session: Session, group_buy_ids: Collection[int]) -> Counted:
    row = BuyingTeam
    was_open = row.opened_at.is_not(None)
    found = session.execute(
        select(
            row.promotion_id,
            _count(was_open).label("opened"),
            _count(row.status == TeamStatus.OPEN).label("open"),
            _count(row.status == TeamStatus.COMPLETE).label("complete"),
            _count((row.status == TeamStatus.FAILED) & was_open).label("failed"),
            func.sum(row.seats_filled).label("filled"),
        )
        .where(row.promotion_id.in_(group_buy_ids))
        .group_by(row.promotion_id)
    )
    return _by_campaign(found)


def _of_seats(session: Session, group_buy_ids: Collection[int]) -> Counted:
    team, seat = BuyingTeam, TeamSeat
    is_grouped = (seat.status == SeatStatus.TAKEN) & (team.status == TeamStatus.COMPLETE)
    found = session.execute(
        select(
            team.promotion_id,
            _count(seat.status == SeatStatus.HELD).label("held"),
            _count(seat.paid_at.is_not(None)).label("paid"),
            _count(is_grouped).label("grouped"),
            _count(seat.outcome == Outcome.MOVED).label("moved"),
            _count(seat.outcome == Outcome.OPENED).label("opened_late"),
            _count(seat.status == SeatStatus.REFUNDING).label("refunding"),
            _count(seat.status == SeatStatus.REFUNDED).label("refunded"),
        )
        .join(seat, seat.team_id == team.id)
        .where(team.promotion_id.in_(group_buy_ids))
        .group_by(team.promotion_id)
    )
    return _by_campaign(found)


def _of_orders(session: Session, group_buy_ids: Collection[int]) -> Counted:
    row = Order
    found = session.execute(
        select(
            row.deal_id.label("promotion_id"),
            func.count().label("orders"),
            func.count(row.paid_at).label("orders_paid"),
            func.sum(row.paid_fen).label("paid_fen"),
            func.sum(row.refunding_fen).label("refunding_fen"),
            func.sum(row.refunded_fen).label("refunded_fen"),
        )
        .where(row.deal_id.in_(group_buy_ids))
        .group_by(row.deal_id)
    )
    return _by_campaign(found)


def _count(which: ColumnElement[bool]) -> ColumnElement[int]:
    return func.count(case((which, 1)))


def _by_campaign(found: Iterable[Row[*tuple[Any, ...]]]) -> Counted:
    return {
        row.promotion_id: {
            name: int(value) for name, value in row._mapping.items() if name != "promotion_id"
        }
        for row in found
    }
