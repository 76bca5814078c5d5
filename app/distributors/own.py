"""What a distributor sees: figures, statement, orders, team, ranks and monthly bills."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from app.core import clock, paging
from app.distributors import explaining, views, wording
from app.distributors.views import Page
from app.members import queries as members
from app.orders import queries as orders
from app.orders.models import OrderLine, source
from distribution import queries
from distribution.commissions.states import CommissionState
from distribution.figures import days, periods, ranking
from distribution.figures.days import Unit
from distribution.figures.periods import Bill, Figures
from distribution.figures.ranking import Ranked
from distribution.ledger import adjusting
from distribution.queries import Explanation, LineState, Promoted, StatementLine, statements
from distribution.queries import orders as promoted
from distribution.team import people
from distribution.team.people import TeamOrder, TeamWanted

MONTHS = 12
"""How many bills a page shows."""


def overview(session: Session, member_id: int, *, now: datetime) -> dict[str, Any]:
    """
    What a distributor has and owes, earned today, this month and ever, and what matures when.

    :raises NotADistributor: the member never applied.
    """
    views.distributor(session, member_id)
    today = clock.china_day(now)
    figures = periods.current(session, member_id, today=today)
    coming = queries.maturing(session, member_id, today=today)
    return {
        **asdict(queries.summary(session, member_id)),
        "today": asdict(figures[Unit.DAY]),
        "month": asdict(figures[Unit.MONTH]),
        "total": asdict(figures[Unit.TOTAL]),
        "maturing": [each._asdict() for each in coming],
    }


def statement(
    session: Session,
    member_id: int,
    *,
    cursor: str | None,
    limit: int,
    order_no: str | None = None,
    **wanted: Any,
) -> Page:
    """A page of entries, the latest first, each with the balances it led to; as `Wanted` says."""
    views.distributor(session, member_id)
    lines = queries.statement(
        session,
        member_id,
        wanted=statements.Wanted(order_source=_source(order_no), **wanted),
        before=views.before(cursor),
        limit=limit + 1,
    )
    reasons = adjusting.reasons(session, {line.source for line in lines})
    items = [_entry(line, reasons.get(line.source)) for line in lines]
    return views.page(items, limit, "entry_id")


def orders_promoted(
    session: Session,
    member_id: int,
    *,
    cursor: str | None,
    limit: int,
    order_no: str | None = None,
    **wanted: Any,
) -> Page:
    """A page of orders, the latest paid first, each with what every line earned and why."""
    views.distributor(session, member_id)
    found = queries.promoted(
        session,
        member_id,
        wanted=promoted.Wanted(order_source=_source(order_no), **wanted),
        before=views.before(cursor),
        limit=limit + 1,
    )
    shown = found[:limit]
    next_cursor = paging.encode(shown[-1].posting_id) if len(found) > limit else None
    return {"items": _orders(session, member_id, shown), "next_cursor": next_cursor}


def team(
    session: Session,
    member_id: int,
    *,
    level: int,
    cursor: str | None,
    limit: int,
    sort: TeamOrder = TeamOrder.JOINED,
    first_day: date | None = None,
    last_day: date | None = None,
) -> Page:
    """How many people stand on both levels, and a page of one of them, masked."""
    views.distributor(session, member_id)
    wanted = TeamWanted(
        level,
        sort,
        joined_from=None if first_day is None else days.starts_at(first_day),
        joined_to=None if last_day is None else days.ends_at(last_day),
    )
    found = queries.team_page(
        session, member_id, wanted=wanted, before=views.before(cursor), limit=limit + 1
    )
    known = members.briefs(session, {each.member_id for each in found})
    items = [
        {**each._asdict(), "nickname": wording.name_of(known.get(each.member_id))} for each in found
    ]
    counts = people.team_counts(session, member_id)
    return {**views.page(items, limit, "member_id"), **counts._asdict()}


def ranks(session: Session, member_id: int, *, period: Unit, now: datetime) -> dict[str, Any]:
    """The distributors who earned most in a period, masked, and one's own place among all."""
    views.distributor(session, member_id)
    today = clock.china_day(now)
    found = ranking.top(session, period, today=today)
    own = ranking.own(session, period, member_id, today=today)
    known = members.briefs(session, {each.member_id for each in found})
    return {
        "period": period,
        "starts_on": None if period == Unit.TOTAL else days.first_day(period, today),
        "as_of": ranking.as_of(session),
        "own": None if own is None else _ranked(own),
        "items": [
            {
                **_ranked(each),
                "nickname": wording.name_of(known.get(each.member_id)),
                "is_me": each.member_id == member_id,
            }
            for each in found
        ],
    }


def bills(session: Session, member_id: int, *, cursor: str | None) -> Page:
    """A page of monthly bills, the latest first; months without an entry have none."""
    views.distributor(session, member_id)
    made = list(reversed(periods.bills(session, member_id)))
    if cursor is not None:
        (last,) = paging.decode(cursor, int)
        made = [bill for bill in made if bill.month.toordinal() < last]
    shown = made[:MONTHS]
    more = len(made) > MONTHS
    next_cursor = paging.encode(shown[-1].month.toordinal()) if more else None
    return {"items": [_bill(bill) for bill in shown], "next_cursor": next_cursor}


def _entry(line: StatementLine, reason: str | None) -> dict[str, Any]:
    moves = [
        {**move._asdict(), "account_name": wording.ACCOUNTS[move.account]} for move in line.moves
    ]
    title = wording.POSTINGS[line.kind] + (f"：{reason}" if reason else "")
    return {**asdict(line), "title": title, "moves": moves}


def _orders(session: Session, member_id: int, found: Sequence[Promoted]) -> list[dict[str, Any]]:
    earned = queries.earned_by(session, member_id, [each.order_source for each in found])
    sold = orders.sold_lines(session, [_order_no(each.order_source) for each in found])
    buyers = members.briefs(session, {each.buyer_id for each in earned})
    by_order: dict[str, list[Explanation]] = {}
    for each in earned:
        by_order.setdefault(each.order_source, []).append(each)
    return [
        {
            "order_no": _order_no(order.order_source),
            "paid_at": order.paid_at,
            "level": lines[0].level,
            "buyer": wording.name_of(buyers.get(lines[0].buyer_id)),
            "amount_fen": sum(line.amount_fen for line in lines),
            "clawed_fen": sum(line.clawed_fen for line in lines),
            "lines": [_line(line, sold) for line in lines],
        }
        for order in found
        for lines in [by_order[order.order_source]]
    ]


def _line(each: Explanation, sold: Mapping[str, OrderLine]) -> dict[str, Any]:
    line = sold.get(each.line_source)
    is_held = each.state == CommissionState.FROZEN and each.claims > 0
    state = LineState.HELD if is_held else LineState(each.state)
    return {
        "commission_id": each.commission_id,
        "line_source": each.line_source,
        "sku_id": each.sku_id,
        "title": line.title if line else "",
        "spec_text": line.spec_text if line else "",
        "image_url": line.image_url if line else "",
        "quantity": line.quantity if line else 0,
        "base_fen": each.base_fen,
        "rate_bp": each.rate_bp,
        "amount_fen": each.amount_fen,
        "clawed_fen": each.clawed_fen,
        "state": state,
        "state_name": wording.LINE_STATES[state],
        "why": explaining.why(each),
        "mature_at": each.mature_at,
    }


def _source(order_no: str | None) -> str | None:
    return None if order_no is None else source(order_no)


def _order_no(order_source: str) -> str:
    return order_source.removeprefix("order:")


def _ranked(each: Ranked) -> dict[str, Any]:
    return {"rank": each.rank, "orders": each.orders, "net_fen": each.net_fen}


def _bill(bill: Bill) -> dict[str, Any]:
    return {
        "month": _month(bill.month),
        "first_day": bill.month,
        "last_day": days.last_day(Unit.MONTH, bill.month),
        "opening_fen": bill.opening.net_fen,
        "closing_fen": bill.closing.net_fen,
        **{name: getattr(bill.moved, name) for name in _MOVED},
        "opening": _balances(bill.opening),
        "closing": _balances(bill.closing),
    }


_MOVED = (
    "orders", "earned_fen", "clawed_fen", "matured_fen", "withdrawn_fen", "fee_fen", "tax_fen",
    "adjusted_fen",
)  # fmt: skip


def _balances(figures: Figures) -> dict[str, int]:
    """What was in each account, from all that ever moved until then."""
    return {
        "frozen_fen": figures.frozen_fen,
        "available_fen": figures.available_fen,
        "withdrawing_fen": figures.withdrawing_fen,
        "receivable_fen": figures.receivable_fen,
    }


def _month(first: date) -> str:
    return f"{first:%Y-%m}"
