"""
Shipping by file: one row per parcel, or per line of a parcel; each parcel succeeds or fails alone.

A parcel that is recorded already is no error, so a file may be sent again after whatever happened.
"""

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from sqlalchemy.orm import Session

from app.core import sheets
from app.core.errors import AppError
from app.orders import express, leaving, queries

ROWS_MAX = 1_000
HEAD = ("订单号", "快递公司", "快递单号")
"""The columns a file must have, in any order."""
SEQ, PIECES = "行号", "件数"
"""The columns of a parcel with parts of an order: the line's `seq` and how many pieces of it."""
TRACKING = re.compile(r"[A-Za-z0-9-]{4,32}")
NUMBER = re.compile(r"[0-9]{1,5}")


class BadFile(AppError):
    """The file as a whole cannot be read; `reason` says why."""

    status, code, title = 422, "bad_file", "文件无法识别，请按模板填写"


class RowOutcome(StrEnum):
    """What became of a row."""

    SHIPPED = "shipped"
    """Its parcel is recorded now."""
    REPEATED = "repeated"
    """Its parcel was recorded before."""
    REFUSED = "refused"
    """Nothing was done; the message says why."""


@dataclass(slots=True)
class Row:
    """One row of the file, and what became of it."""

    number: int
    """As a spreadsheet numbers it: the head is 1."""
    order_no: str
    company: str
    tracking_no: str
    seq: str
    pieces: str
    outcome: RowOutcome = RowOutcome.REFUSED
    code: str | None = None
    message: str = ""

    def refuse(self, code: str, message: str) -> None:
        """Say why nothing was done."""
        self.outcome, self.code, self.message = RowOutcome.REFUSED, code, message


@dataclass(slots=True)
class _Parcel:
    """The rows that name the same parcel: they leave together or not at all."""

    rows: list[Row] = field(default_factory=list)

    def refuse(self, code: str, message: str) -> None:
        for row in self.rows:
            row.refuse(code, message)

    def done(self, outcome: RowOutcome) -> None:
        for row in self.rows:
            row.outcome = outcome


def read(text: str) -> list[Row]:
    """
    The rows of a file; empty ones are left out.

    :raises BadFile: a column is missing, or there are no rows, or more than `ROWS_MAX`.
    """
    reader = csv.DictReader(io.StringIO(text.removeprefix(sheets.MARK)), strict=True)
    rows: list[Row] = []
    try:
        missing = [name for name in HEAD if name not in (reader.fieldnames or ())]
        if missing:
            raise BadFile(reason=f"缺少列：{'、'.join(missing)}")
        for cells in reader:
            found = [(cells.get(name) or "").strip() for name in (*HEAD, SEQ, PIECES)]
            if any(found):
                order_no, company, tracking_no, seq, pieces = found
                number = reader.line_num
                rows.append(Row(number, order_no, company, tracking_no, seq, pieces))
            if len(rows) > ROWS_MAX:
                raise BadFile(reason=f"一次最多 {ROWS_MAX} 行")
    except csv.Error as broken:
        raise BadFile(reason="不是有效的 CSV 文件") from broken
    if not rows:
        raise BadFile(reason="文件没有数据行")
    return rows


def ship(
    rows: list[Row], *, opened: Callable[[], AbstractContextManager[Session]], now: datetime
) -> None:
    """
    Ship the parcels the rows name, and tell each row how it went.

    `opened` opens a transaction: each parcel has its own, so one refused refuses no other.
    """
    parcels: dict[tuple[str, str, str], _Parcel] = {}
    for row in rows:
        key = (row.order_no, row.company, row.tracking_no)
        parcels.setdefault(key, _Parcel()).rows.append(row)
    for parcel in parcels.values():
        _ship(parcel, opened, now)


def report(rows: list[Row]) -> Iterator[str]:
    """The file back, each row with what became of it."""
    words = {
        RowOutcome.SHIPPED: "已发货",
        RowOutcome.REPEATED: "此前已发货",
        RowOutcome.REFUSED: "未发货",
    }
    head = ("行", *HEAD, SEQ, PIECES, "结果", "原因")
    cells = (
        (
            row.number,
            row.order_no,
            row.company,
            row.tracking_no,
            row.seq,
            row.pieces,
            words[row.outcome],
            row.message,
        )
        for row in rows
    )
    yield from sheets.lines(head, cells)


def _ship(
    parcel: _Parcel, opened: Callable[[], AbstractContextManager[Session]], now: datetime
) -> None:
    first = parcel.rows[0]
    company = express.find(first.company)
    if company is None:
        return parcel.refuse("unknown_company", "快递公司不在列表中")
    if not TRACKING.fullmatch(first.tracking_no):
        return parcel.refuse("bad_tracking_no", "快递单号格式不正确")
    pieces = _pieces(parcel)
    if pieces is None:
        return parcel.refuse("bad_pieces", "行号与件数须同时填写正整数，且行号不能重复")
    try:
        with opened() as session:
            is_new = leaving.ship(
                session,
                order_no=first.order_no,
                company_code=company[0],
                company_name=company[1],
                tracking_no=first.tracking_no,
                quantities=_by_id(session, first.order_no, pieces) if pieces else None,
                now=now,
            )
    except AppError as refused:
        return parcel.refuse(refused.code, refused.title)
    return parcel.done(RowOutcome.SHIPPED if is_new else RowOutcome.REPEATED)


def _pieces(parcel: _Parcel) -> Mapping[int, int] | None:
    """Pieces by `seq`; empty if the parcel holds all that waits, None if that is unclear."""
    if len(parcel.rows) == 1 and not parcel.rows[0].seq and not parcel.rows[0].pieces:
        return {}
    pieces: dict[int, int] = {}
    for row in parcel.rows:
        if not (NUMBER.fullmatch(row.seq) and NUMBER.fullmatch(row.pieces)):
            return None
        if int(row.seq) in pieces or int(row.pieces) == 0:
            return None
        pieces[int(row.seq)] = int(row.pieces)
    return pieces


def _by_id(session: Session, order_no: str, pieces: Mapping[int, int]) -> dict[int, int]:
    """Pieces by `order_line.id`; a line the order does not have gets an id that is none."""
    order_id = queries.id_of(session, order_no=order_no)
    ids = {line.seq: line.id for line in queries.lines(session, order_id=order_id)}
    return {ids.get(seq, -seq): count for seq, count in pieces.items()}
