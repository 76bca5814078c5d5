"""
Who earned most within a day, a week, a month or ever: by what orders brought and refunds left.

Never by how many people somebody brought. Ranks are those of the last roll-up, a minute old at
most; who earned the same has the same rank.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session, aliased

from distribution.figures.days import Unit, first_day
from distribution.figures.models import Period, RolledTo

MOST = 50
"""How many the top of a ranking shows."""


class Ranked(NamedTuple):
    """One distributor's place."""

    rank: int
    member_id: int
    orders: int
    net_fen: int


def top(session: Session, unit: Unit, *, today: date, limit: int = MOST) -> Sequence[Ranked]:
    """Who earned most in the period around today, the best first; nobody without earnings."""
    rows = session.execute(
        select(Period.member_id, Period.orders, Period.net_fen)
        .where(*_in_period(unit, today), Period.net_fen > 0)
        .order_by(Period.net_fen.desc(), Period.member_id)
        .limit(limit)
    ).all()
    found: list[Ranked] = []
    for place, row in enumerate(rows, 1):
        is_tied = bool(found) and found[-1].net_fen == row.net_fen
        found.append(Ranked(found[-1].rank if is_tied else place, *row))
    return found


def own(session: Session, unit: Unit, member_id: int, *, today: date) -> Ranked | None:
    """One distributor's place, however far down; None without earnings in the period."""
    better = aliased(Period)
    ahead = select(func.count()).where(
        better.unit == unit,
        better.starts_on == first_day(unit, today),
        better.net_fen > Period.net_fen,
    )
    row = session.execute(
        select(
            (ahead.scalar_subquery() + 1).label("rank"),
            Period.member_id, Period.orders, Period.net_fen,
        ).where(*_in_period(unit, today), Period.member_id == member_id, Period.net_fen > 0)
    ).one_or_none()  # fmt: skip
    return Ranked(*row) if row else None


def as_of(session: Session) -> datetime | None:
    """When the ranks were last brought up to date; None before the first time."""
    return session.scalar(select(RolledTo.rolled_at))


def _in_period(unit: Unit, today: date) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return (Period.unit == unit, Period.starts_on == first_day(unit, today))
