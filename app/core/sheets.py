"""
Tables for people who open them in a spreadsheet: CSV with a byte order mark, safe to open.

A cell whose text a spreadsheet would take for a formula gets an apostrophe in front. Numbers are
ours and stay numbers.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.core import clock

MARK = "\ufeff"
"""Tells spreadsheets that the file is UTF-8."""
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What a cell must not begin with: the last four are the wide ones of Chinese keyboards."""
BATCH = 200
"""Rows written at a time."""


@dataclass(frozen=True, slots=True)
class Yuan:
    """An amount of fen, shown in yuan."""

    fen: int


Cell = str | int | Yuan | datetime | None


def lines(head: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Iterator[str]:
    """The file piece by piece: its head, then the rows, some at a time."""
    file = io.StringIO()
    writer = csv.writer(file)
    file.write(MARK)
    writer.writerow(head)
    for number, row in enumerate(rows, 1):
        writer.writerow([_text(cell) for cell in row])
        if number % BATCH == 0:
            yield _taken(file)
    yield _taken(file)


def _taken(file: io.StringIO) -> str:
    """What was written so far; the file is empty afterwards."""
    written = file.getvalue()
    file.seek(0)
    file.truncate()
    return written


def _text(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, Yuan):
        return _yuan(cell.fen)
    if isinstance(cell, datetime):
        return cell.astimezone(clock.CHINA).strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(cell, int):
        return str(cell)
    return f"'{cell}" if cell.startswith(FORMULA) else cell


def _yuan(fen: int) -> str:
    """`-1234` → `-12.34`."""
    yuan, rest = divmod(abs(fen), 100)
    return f"{'-' if fen < 0 else ''}{yuan}.{rest:02d}"
