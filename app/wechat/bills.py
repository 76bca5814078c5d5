"""
The daily bills of WeChat Pay: CSV with a BOM, CRLF, a backtick before every cell, yuan in decimals.

Columns are read by name: which ones a bill has depends on its kind and on the merchant's age. A
bill is read line by line, however long it is.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

FEN_PER_YUAN = 100


class MalformedBill(Exception):
    """A bill that is not in the documented form; nothing of it may be used."""


class Bill(NamedTuple):
    """The rows of a bill and its last line, both by column name."""

    rows: list[dict[str, str]]
    summary: dict[str, str]


@dataclass
class Reader:
    """One bill, read once: iterate it, then look at its `summary`."""

    lines: Iterable[str]
    summary: dict[str, str] = field(default_factory=dict)

    def __iter__(self) -> Iterator[dict[str, str]]:
        """
        The rows, one after another.

        :raises MalformedBill: a line does not fit its header, or the summary is missing.
        """
        lines = (text for each in self.lines if (text := each.rstrip("\r\n")))
        header = next(lines, "").removeprefix("\ufeff").split(",")
        # The last two lines are the summary: nobody knows which they are before the end.
        waiting: list[str] = []
        for line in lines:
            waiting.append(line)
            if len(waiting) > 2:
                yield _named(header, waiting.pop(0))
        if len(waiting) < 2:
            raise MalformedBill("a bill has at least a header, a summary header and a summary")
        self.summary = _named(waiting[0].split(","), waiting[1])


def parse(text: str) -> Bill:
    """
    Read a whole bill.

    :raises MalformedBill: a line does not fit its header, or the summary is missing.
    """
    reader = Reader(text.splitlines())
    return Bill(rows=list(reader), summary=reader.summary)


def _named(header: list[str], line: str) -> dict[str, str]:
    # WeChat escapes commas inside cells, so every comma separates.
    cells = [cell.removeprefix("`").strip() for cell in line.split(",")]
    if len(cells) != len(header) or not line.startswith("`"):
        raise MalformedBill(f"{len(cells)} cells under {len(header)} columns")
    return dict(zip(header, cells, strict=True))


def fen(yuan: str) -> int:
    """
    Turn an amount of a bill into fen, exactly.

    :raises MalformedBill: it is not an amount, or not a whole number of fen.
    """
    try:
        amount = Decimal(yuan) * FEN_PER_YUAN
    except InvalidOperation as error:
        raise MalformedBill(f"not an amount: {yuan!r}") from error
    if not amount.is_finite() or amount != amount.to_integral_value():
        raise MalformedBill(f"not whole fen: {yuan!r}")
    return int(amount)
