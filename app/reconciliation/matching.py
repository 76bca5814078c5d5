"""
The comparison itself: bill against books, number by number, in a few statements of SQL.

One group at a time: a book (trade bill or fund flow) and a kind of money. Running it again on the
same rows changes nothing. Whatever is not the same on both sides becomes a break, whose difference
is part of an equation that `flask verify` proves: bill = books + differences, by group and day.

Locks: the day, so that it is compared by one at a time, then its breaks.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import CursorResult, select, text, update
from sqlalchemy.orm import Session

from app.core import days, metrics
from app.reconciliation import loading, statements
from app.reconciliation.models import (
    BILLS,
    RESOLVERS,
    Book,
    LineKind,
    ReconciliationDay,
    Verdict,
)
from app.reconciliation.ours import DIFFERING, OURS

log = structlog.get_logger(__name__)

GROUPS = tuple(OURS)
OTHERS = (
    (Book.TRADE, LineKind.OTHER),
    (Book.FUNDS, LineKind.FEE),
    (Book.FUNDS, LineKind.OTHER),
)
"""Kinds we keep no books of: they are summed, so that the whole bill is accounted for."""
LOOKBACK_DAYS = 31
"""A refund may have succeeded so long after the trade bill named it."""


def match(session: Session, *, day: date, now: datetime) -> None:
    """
    Compare a day whose bills are all there; its breaks are found, changed or gone afterwards.

    A row that no bill has becomes `missing_there` once the next day's bill is there too, and is
    only late once a later bill has it.
    """
    row = session.scalars(
        select(ReconciliationDay)
        .where(ReconciliationDay.bill_day == day)
        .with_for_update(key_share=True)
    ).one()
    given: dict[str, Any] = {
        "day": day,
        "since": days.start(day),
        "until": days.end(day),
        "now": now,
        "lookback": day - timedelta(days=LOOKBACK_DAYS),
    }
    for statement in statements.NAMING:
        session.execute(statements.typed(statement), given)
    for book, kind in GROUPS:
        is_last_word = loading.is_complete(session, day=day + days.ONE, book=book)
        _group(session, book, kind, {**given, "is_last_word": is_last_word})
    for book, kind in OTHERS:
        session.execute(statements.typed(statements.SUM_OTHER), {**given, **_place(book, kind)})
    row.matched_at, row.inputs_sha256 = now, loading.inputs_sha256(session, day=day)
    session.flush()


def resolve_by_word(session: Session, *, day: date, now: datetime) -> int:
    """Resolve the breaks of which WeChat, when it was asked, said what our books say."""
    done = session.execute(statements.typed(statements.NEWER_WORD), {"day": day, "now": now})
    assert isinstance(done, CursorResult)
    return done.rowcount


def is_matched(session: Session, *, day: date) -> bool:
    """Whether a day has been compared."""
    return (
        session.scalar(
            select(ReconciliationDay.matched_at).where(ReconciliationDay.bill_day == day)
        )
        is not None
    )


def forget(session: Session, *, day: date) -> None:
    """Count a day as not compared: its bills are fetched anew."""
    session.execute(
        update(ReconciliationDay)
        .where(ReconciliationDay.bill_day == day)
        .values(matched_at=None, inputs_sha256=None)
    )


def _place(book: Book, kind: LineKind) -> dict[str, Any]:
    return {"book": book.value, "kind": kind.value, "bills": [one.value for one in BILLS[book]]}


def _group(session: Session, book: Book, kind: LineKind, given: Mapping[str, Any]) -> None:
    """Compare one group; its pairs live in a table that is gone with the transaction."""
    wanted = {**given, **_place(book, kind)}
    ours, differing = OURS[book, kind], DIFFERING[book, kind]
    session.execute(text("DROP TABLE IF EXISTS compared"))
    session.execute(
        statements.typed(statements.COMPARED.format(ours=ours, differing=differing)), wanted
    )
    session.execute(statements.typed(statements.SUM), wanted)
    found = session.execute(statements.typed(statements.BREAKS), wanted)
    new = Counter(verdict for verdict, status, is_new in found if is_new and status == "open")
    session.execute(statements.typed(statements.GONE), wanted)
    resolver = RESOLVERS[Verdict.TIMING].value
    session.execute(statements.typed(statements.LATER_BILL), {**wanted, "resolver": resolver})
    for verdict, count in new.items():
        metrics.bill_breaks.labels(verdict).inc(count)
    if new:
        day = given["day"].isoformat()
        log.warning("bill_breaks_found", day=day, book=book.value, kind=kind.value, **new)
