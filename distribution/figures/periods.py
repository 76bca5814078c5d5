"""The figures of one distributor at this moment: what is rolled up, and the entries after it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from datetime import date
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Date, bindparam, func, or_, select
from sqlalchemy.orm import Session

from distribution.figures import measures
from distribution.figures.days import Unit, first_day
from distribution.figures.measures import SUMMED
from distribution.figures.models import Period

NOW_UNITS = (Unit.DAY, Unit.MONTH, Unit.TOTAL)


@dataclass(frozen=True, slots=True)
class Figures:
    """What one period brought a distributor, in fen; the last four: by how much accounts grew."""

    orders: int = 0
    earned_fen: int = 0
    clawed_fen: int = 0
    matured_fen: int = 0
    withdrawn_fen: int = 0
    fee_fen: int = 0
    tax_fen: int = 0
    adjusted_fen: int = 0
    frozen_fen: int = 0
    available_fen: int = 0
    withdrawing_fen: int = 0
    receivable_fen: int = 0

    def __add__(self, other: "Figures") -> "Figures":
        """Both periods together."""
        names = (each.name for each in fields(self))
        return Figures(*(getattr(self, name) + getattr(other, name) for name in names))

    @property
    def net_fen(self) -> int:
        """By how much everything the distributor has, less debts, grew."""
        return self.frozen_fen + self.available_fen + self.withdrawing_fen - self.receivable_fen


@dataclass(frozen=True, slots=True)
class Bill:
    """One month of a distributor: what there was, what came and went, what is left."""

    month: date
    """Its first day."""
    opening: Figures
    """All that was before: its last four are the balances the month began with."""
    moved: Figures
    closing: Figures


def current(session: Session, member_id: int, *, today: date) -> dict[Unit, Figures]:
    """What a distributor earned today, this month and in all; exact, whatever is rolled up."""
    given = {"today": today, "month": first_day(Unit.MONTH, today)}
    rows = session.execute(_CURRENT, {**measures.of_member(session, member_id), **given})
    found = {row.unit: _figures(row) for row in rows}
    return {unit: found.get(unit, Figures()) for unit in NOW_UNITS}


def bills(session: Session, member_id: int) -> Sequence[Bill]:
    """
    Every month in which something happened, in their order, each going on where the last ended.

    It adds up a row a month, so ten years are 120.
    """
    made, opening = [], Figures()
    for row in session.execute(_MONTHLY, measures.of_member(session, member_id)):
        moved = _figures(row)
        made.append(Bill(row.starts_on, opening, moved, opening + moved))
        opening = made[-1].closing
    return made


def entry_range(
    session: Session, member_id: int, first: date, last: date
) -> tuple[int, int] | None:
    """
    Between which ids all entries of these days lie; None if there are none.

    Entries of other days may lie there too, but few: ids are given as time goes by.
    """
    given = {**measures.of_member(session, member_id), "first": first, "last": last}
    low, high = session.execute(_RANGE, given).one()
    return None if low is None else (low, high)


def _pieces(condition: Callable[[Any], ColumnElement[bool]]) -> Any:
    """The rows rolled up and those of the tail, of the periods that fulfil the condition."""
    names = ("unit", "starts_on", *SUMMED, "first_entry_id", "last_entry_id")
    tail = measures.by_period(measures.tail())
    kept = Period.__table__
    of_member = kept.c.member_id == bindparam("member_id", type_=BigInteger)
    return (
        select(*(kept.c[name] for name in names))
        .where(of_member, condition(kept))
        .union_all(select(*(tail.c[name] for name in names)).where(condition(tail)))
        .subquery()
    )


def _sums(rows: Any) -> list[Any]:
    return [func.sum(rows.c[name]).label(name) for name in SUMMED]


def _is(table: Any, unit: Unit, name: str) -> ColumnElement[bool]:
    found: ColumnElement[bool] = (table.c.unit == unit) & (
        table.c.starts_on == bindparam(name, type_=Date)
    )
    return found


def _figures(row: Any) -> Figures:
    return Figures(*(int(row._mapping[name]) for name in SUMMED))


_NOW = _pieces(
    lambda table: or_(
        table.c.unit == Unit.TOTAL, _is(table, Unit.DAY, "today"), _is(table, Unit.MONTH, "month")
    )
)
_CURRENT = select(_NOW.c.unit, *_sums(_NOW)).group_by(_NOW.c.unit)
_MONTHS = _pieces(lambda table: table.c.unit == Unit.MONTH)
_MONTHLY = (
    select(_MONTHS.c.starts_on, *_sums(_MONTHS))
    .group_by(_MONTHS.c.starts_on)
    .order_by(_MONTHS.c.starts_on)
)
_DAYS = _pieces(
    lambda table: (
        (table.c.unit == Unit.DAY)
        & table.c.starts_on.between(bindparam("first", type_=Date), bindparam("last", type_=Date))
    )
)
_RANGE = select(func.min(_DAYS.c.first_entry_id), func.max(_DAYS.c.last_entry_id))
