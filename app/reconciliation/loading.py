"""
Bills on their way into the database: which are wanted, why they are not there yet, their lines.

A bill is copied line by line, so that its length costs no memory, and replaces what was there.
"""

import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import BinaryIO

import structlog
from psycopg import Connection
from sqlalchemy import Update, delete, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.reconciliation import reading
from app.reconciliation.models import (
    BILLS,
    BillDownload,
    BillLine,
    BillStatus,
    Book,
    ReconciliationDay,
)
from app.reconciliation.reading import Line
from app.wechat.billing import BillKind
from app.wechat.bills import MalformedBill, Reader

log = structlog.get_logger(__name__)

MUCH = 10_000
"""So many new lines change what the planner should know of the table."""
ERROR_MAX = 200
COPY = (
    "COPY bill_line"
    " (bill_day, bill, line_no, kind, out_no, wechat_no, amount_fen, state, moved_at) FROM STDIN"
)


def begin(session: Session, *, day: date, now: datetime) -> None:
    """Want the bills of a day; a day that was begun stays as it is."""
    session.execute(
        insert(ReconciliationDay)
        .values(bill_day=day, begun_at=now)
        .on_conflict_do_nothing(index_elements=["bill_day"])
    )
    session.execute(
        insert(BillDownload)
        .values([{"bill_day": day, "bill": bill, "lines": 0, "tries": 0} for bill in BillKind])
        .on_conflict_do_nothing(index_elements=["bill_day", "bill"])
    )


def want_again(session: Session, *, day: date) -> None:
    """Have all bills of a day fetched a second time; what is there is compared no more."""
    session.execute(
        update(BillDownload)
        .where(BillDownload.bill_day == day)
        .values(status=BillStatus.WANTED, sha1=None, lines=0, done_at=None)
    )
    session.execute(delete(BillLine).where(BillLine.bill_day == day))


def wanted(session: Session, *, day: date, now: datetime) -> list[BillKind]:
    """The bills of a day that are to be fetched; each counts as tried."""
    found = session.scalars(
        update(BillDownload)
        .where(BillDownload.bill_day == day, BillDownload.status == BillStatus.WANTED)
        .values(tries=BillDownload.tries + 1, asked_at=now)
        .returning(BillDownload.bill)
    ).all()
    return [kind for kind in BillKind if kind in found]


def put_off(session: Session, *, day: date, bill: BillKind, error: str) -> None:
    """Note why a bill is not there yet."""
    session.execute(
        _one(day, bill)
        .where(BillDownload.status == BillStatus.WANTED)
        .values(last_error=error[:ERROR_MAX])
    )


def none(session: Session, *, day: date, bill: BillKind, now: datetime) -> None:
    """Note that WeChat has no such bill, because nothing happened."""
    session.execute(
        _one(day, bill)
        .where(BillDownload.status == BillStatus.WANTED)
        .values(status=BillStatus.NONE, done_at=now, last_error=None)
    )


def load(
    session: Session,
    *,
    day: date,
    bill: BillKind,
    file: BinaryIO,
    sha1: str,
    appid: str,
    now: datetime,
) -> int:
    """
    Keep the lines of a bill, in place of those that were kept before, and return how many.

    :raises MalformedBill: the bill is not in the documented form; nothing of it may be kept.
    """
    session.execute(delete(BillLine).where(BillLine.bill_day == day, BillLine.bill == bill))
    driver = session.connection().connection.driver_connection
    assert isinstance(driver, Connection)
    lines = 0
    with driver.cursor() as cursor, cursor.copy(COPY) as copy:
        for lines, line in enumerate(read(file, bill=bill, appid=appid), 1):
            copy.write_row((day, bill.value, lines, *line))
    session.execute(
        _one(day, bill).values(
            status=BillStatus.LOADED, sha1=sha1, lines=lines, done_at=now, last_error=None
        )
    )
    if lines > MUCH:
        session.execute(text("ANALYZE bill_line"))
    log.info("bill_loaded", day=day.isoformat(), bill=bill.value, lines=lines)
    return lines


def read(file: BinaryIO, *, bill: BillKind, appid: str) -> Iterator[Line]:
    """
    The lines of a bill, one after another.

    :raises MalformedBill: it is not in the documented form.
    """
    with _as_text(file) as lines:
        try:
            for row in Reader(lines):
                is_trade = bill is BillKind.TRADE
                yield reading.trade_line(row, appid=appid) if is_trade else reading.flow_line(row)
        except UnicodeDecodeError as error:
            raise MalformedBill("not UTF-8") from error


def is_complete(session: Session, *, day: date, book: Book | None = None) -> bool:
    """Whether every bill of a day (or of one of its books) is there, or does not exist."""
    bills = BILLS[book] if book else tuple(BillKind)
    states = session.scalars(
        select(BillDownload.status).where(
            BillDownload.bill_day == day, BillDownload.bill.in_(bills)
        )
    ).all()
    return len(states) == len(bills) and BillStatus.WANTED not in states


def inputs_sha256(session: Session, *, day: date) -> str:
    """One hash over all bills of a day: the same hash is the same input."""
    found = session.execute(
        select(BillDownload.bill, BillDownload.sha1)
        .where(BillDownload.bill_day == day)
        .order_by(BillDownload.bill)
    )
    told = "".join(f"{bill}:{sha1 or BillStatus.NONE}\n" for bill, sha1 in found)
    return hashlib.sha256(told.encode()).hexdigest()


def _one(day: date, bill: BillKind) -> Update:
    return update(BillDownload).where(BillDownload.bill_day == day, BillDownload.bill == bill)


@contextmanager
def _as_text(file: BinaryIO) -> Iterator[io.TextIOWrapper]:
    wrapper = io.TextIOWrapper(file, encoding="utf-8", newline="\n")
    try:
        yield wrapper
    finally:
        wrapper.detach()
