"""
The daily bills of WeChat Pay: CSV with a BOM, CRLF, a backtick before every cell, yuan in decimals.

Columns are read by name: which ones a bill has depends on its kind and on the merchant's age.
"""

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

FEN_PER_YUAN = 100


class MalformedBill(Exception):
    """A bill that is not in the documented form; nothing of it may be used."""


class Bill(NamedTuple):
    """The rows of a bill and its last line, both by column name."""

    rows: list[dict[str, str]]
    summary: dict[str, str]


def parse(text: str) -> Bill:
    """
    Read a whole bill.

    :raises MalformedBill: a line does not fit its header, or the summary is missing.
    """
    lines = [line for line in text.removeprefix("\ufeff").splitlines() if line]
    if len(lines) < 3:
        raise MalformedBill("a bill has at least a header, a summary header and a summary")
    *table, summary_header, summary = lines
    return Bill(
        rows=list(_rows(table)),
        summary=_named(summary_header.split(","), summary),
    )


def _rows(table: list[str]) -> Iterator[dict[str, str]]:
    header = table[0].split(",")
    for line in table[1:]:
        yield _named(header, line)


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
