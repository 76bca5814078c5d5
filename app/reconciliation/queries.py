"""What staff read: the days with their sums, and the breaks with their age."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.core import paging
from app.core.errors import Invalid
from app.reconciliation import wording
from app.reconciliation.models import (
    BillDownload,
    BillStatus,
    Book,
    Break,
    BreakStatus,
    LineKind,
    ReconciliationDay,
    ReconciliationSum,
    Resolution,
    Resolver,
    Verdict,
)
from app.staff.models import Staff
from app.wechat.billing import BillKind

ROWS = 500
"""Rows of a file that are read at a time."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which breaks: each None is no condition."""

    status: BreakStatus | None = None
    verdict: Verdict | None = None
    kind: LineKind | None = None
    day: date | None = None
    owner_id: int | None = None


def days(session: Session, *, cursor: str | None, limit: int) -> dict[str, Any]:
    """
    One page of the days that were begun, the latest first, each with its bills and sums.

    :raises Invalid: the cursor is not one of ours.
    """
    wanted = select(ReconciliationDay)
    if cursor:
        (text,) = paging.decode(cursor, str)
        wanted = wanted.where(ReconciliationDay.bill_day < _day(text))
    found = session.scalars(
        wanted.order_by(ReconciliationDay.bill_day.desc()).limit(limit + 1)
    ).all()
    shown = found[:limit]
    last = paging.encode(shown[-1].bill_day.isoformat()) if len(found) > limit else None
    return {"items": list(whole(session, shown)), "next_cursor": last}


def sums(session: Session, *, first: date, last: date) -> list[ReconciliationSum]:
    """The sums of some days, both included, by day, book and kind."""
    return list(
        session.scalars(
            select(ReconciliationSum)
            .where(ReconciliationSum.bill_day.between(first, last))
            .order_by(ReconciliationSum.bill_day, ReconciliationSum.book, ReconciliationSum.kind)
        )
    )


def breaks(
    session: Session, wanted: Wanted, *, cursor: str | None, limit: int, now: datetime
) -> dict[str, Any]:
    """
    One page of the breaks that fit, the latest first.

    :raises Invalid: the cursor is not one of ours.
    """
    query = select(Break).order_by(Break.id.desc()).limit(limit + 1)
    columns = {"day": Break.bill_day, **{name: getattr(Break, name) for name in _SAME}}
    for name, value in asdict(wanted).items():
        if value is not None:
            query = query.where(columns[name] == value)
    if cursor:
        (before_id,) = paging.decode(cursor, int)
        query = query.where(Break.id < before_id)
    found = session.scalars(query).all()
    shown = found[:limit]
    last = paging.encode(shown[-1].id) if len(found) > limit else None
    return {"items": list(described(session, shown, now=now)), "next_cursor": last}


def of_days(
    session: Session, *, first: date, last: date, now: datetime
) -> Iterator[dict[str, Any]]:
    """Every break of some days, both included, the oldest first; read some at a time."""
    query = (
        select(Break).where(Break.bill_day.between(first, last)).order_by(Break.bill_day, Break.id)
    )
    for batch in session.scalars(query.execution_options(yield_per=ROWS)).partitions():
        yield from described(session, batch, now=now)


def described(
    session: Session, found: Iterable[Break], *, now: datetime
) -> Iterator[dict[str, Any]]:
    """Breaks as staff read them: with words, the names of who has and who resolved them, an age."""
    rows = list(found)
    ids = {one for row in rows for one in (row.owner_id, row.resolved_by) if one}
    found_staff = session.execute(select(Staff.id, Staff.username).where(Staff.id.in_(ids)))
    names = {id_: username for id_, username in found_staff}  # noqa: C416  # Rows are no pairs to mypy.
    for row in rows:
        until = row.resolved_at or now
        yield {
            **{column.name: getattr(row, column.name) for column in Break.__table__.columns},
            "book": Book(row.book),
            "kind": LineKind(row.kind),
            "verdict": Verdict(row.verdict),
            "status": BreakStatus(row.status),
            "resolver": Resolver(row.resolver),
            "how": Resolution(row.how) if row.how else None,
            "book_name": wording.BOOKS[Book(row.book)],
            "kind_name": wording.KINDS[LineKind(row.kind)],
            "verdict_name": wording.VERDICTS[Verdict(row.verdict)],
            "status_name": wording.BREAK_STATES[BreakStatus(row.status)],
            "resolver_name": wording.RESOLVERS[Resolver(row.resolver)],
            "how_name": wording.RESOLUTIONS[Resolution(row.how)] if row.how else None,
            "owner": names.get(row.owner_id or 0),
            "resolver_staff": names.get(row.resolved_by or 0),
            "age_days": max(0, (until - row.found_at).days),
        }


_SAME = ("status", "verdict", "kind", "owner_id")


def whole(session: Session, found: Iterable[ReconciliationDay]) -> Iterator[dict[str, Any]]:
    """Days as staff read them: with the bills, sums and breaks of each."""
    rows = list(found)
    shown = [row.bill_day for row in rows]
    bills = session.scalars(select(BillDownload).where(BillDownload.bill_day.in_(shown))).all()
    counted = session.scalars(
        select(ReconciliationSum)
        .where(ReconciliationSum.bill_day.in_(shown))
        .order_by(ReconciliationSum.book, ReconciliationSum.kind)
    ).all()
    broken = session.execute(
        select(Break.bill_day, Break.status, func.count())
        .where(Break.bill_day.in_(shown))
        .group_by(Break.bill_day, Break.status)
    ).all()
    for row in rows:
        by_status = {status: count for day, status, count in broken if day == row.bill_day}
        yield {
            "day": row.bill_day,
            "matched_at": row.matched_at,
            "inputs_sha256": row.inputs_sha256,
            "open_breaks": by_status.get(BreakStatus.OPEN, 0),
            "resolved_breaks": by_status.get(BreakStatus.RESOLVED, 0),
            "bills": [_bill(one) for one in bills if one.bill_day == row.bill_day],
            "sums": [_sum(one) for one in counted if one.bill_day == row.bill_day],
        }


def _bill(one: BillDownload) -> dict[str, Any]:
    return {
        "bill": BillKind(one.bill),
        "bill_name": wording.BILLS[BillKind(one.bill)],
        "status": BillStatus(one.status),
        "status_name": wording.BILL_STATES[BillStatus(one.status)],
        "lines": one.lines,
        "sha1": one.sha1,
        "tries": one.tries,
        "asked_at": one.asked_at,
        "last_error": one.last_error,
    }


def _sum(one: ReconciliationSum) -> dict[str, Any]:
    return {
        "book": Book(one.book),
        "book_name": wording.BOOKS[Book(one.book)],
        "kind": LineKind(one.kind),
        "kind_name": wording.KINDS[LineKind(one.kind)],
        "lines": one.lines,
        "ours": one.ours,
        "matched": one.matched,
        "bill_fen": one.bill_fen,
        "local_fen": one.local_fen,
    }


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise Invalid(errors={"cursor": ["翻页标记无效，请从第一页开始"]}) from error
