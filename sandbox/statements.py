"""
The daily bills: which there are, when they are ready, and what is deliberately wrong in them.

A bill is made once, when it is first asked for, and never changes; only planting a difference (or
taking one away) has it made anew.
"""

from __future__ import annotations

import gzip
import hashlib
import itertools
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from sandbox.clock import CHINA
from sandbox.errors import PayRefusal, invalid_request
from sandbox.statement_lines import BASIC, OPERATION, Line, flow_lines, trade_lines
from sandbox.statement_text import flow_file, trade_file
from sandbox.world import Merchant, Store, World

TRADE = "trade"
FEES = "FEES"
TRADE_TYPES = ("ALL", "SUCCESS", "REFUND")
ACCOUNTS = (BASIC, OPERATION, FEES)
KINDS = ("drop", "amount", "state", "late", "double", "extra")
READY_AT = time(10)
KEPT_DAYS = 92
TOKEN_SECONDS = 300


@dataclass(frozen=True)
class Difference:
    """One line that is deliberately not what happened. `bill` is `trade` or an account."""

    id: int
    bill: str
    kind: str
    number: str
    by: int = 1
    value: str = ""
    day: date | None = None

    def as_json(self) -> dict[str, object]:
        return {
            "id": self.id, "bill": self.bill, "kind": self.kind, "number": self.number,
            "by": self.by, "value": self.value, "day": self.day and self.day.isoformat(),
        }  # fmt: skip


@dataclass(frozen=True)
class Download:
    """A made bill behind a token, for one merchant and five minutes."""

    mchid: str
    content: bytes
    until: float


@dataclass
class Shelf:
    """What a merchant's bills are made with, and those that are made."""

    written: dict[tuple[str, date], str] = field(default_factory=dict)
    """Bills whose text a test has given, word by word."""
    made: dict[tuple[str, str, date], str] = field(default_factory=dict)


class Statements(Store):
    """The bills of all merchants."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.differences: list[Difference] = []
        self._numbers = itertools.count(1)
        self._shelves: dict[str, Shelf] = {}
        self._downloads: dict[str, Download] = {}

    def plant(self, **values: Any) -> Difference:
        """Have a line be wrong from now on."""
        self.differences.append(Difference(next(self._numbers), **values))
        self._forget()
        return self.differences[-1]

    def clear(self, number: int | None = None) -> None:
        """Take one difference away, or all of them."""
        self.differences = [
            one for one in self.differences if number is not None and one.id != number
        ]
        self._forget()

    def write(self, merchant: Merchant, bill: str, day: date, text: str | None) -> None:
        """Give a bill's text word by word; None: it is made of what happened again."""
        written = self._shelf(merchant).written
        if text is None:
            written.pop((bill, day), None)
        else:
            written[bill, day] = text
        self._forget()

    def offer(
        self, merchant: Merchant, bill: str, kind: str, day: date, *, zipped: bool
    ) -> dict[str, str]:
        """
        Make a bill ready for its download; `hash_value` is that of the text, never of the gzip.

        :raises PayRefusal: it is too early or too late for it, or nothing happened on that day.
        """
        self._check_day(day)
        text = self.text(merchant, bill, kind, day)
        if text is None:
            raise PayRefusal(400, "NO_STATEMENT_EXIST", "账单文件不存在")
        raw = text.encode()
        token = secrets.token_urlsafe(32)
        content = gzip.compress(raw) if zipped else raw
        until = self.world.clock.passed() + TOKEN_SECONDS
        self._downloads[token] = Download(merchant.mchid, content, until)
        digest = hashlib.sha1(raw).hexdigest()  # noqa: S324  # WeChat's choice, not ours.
        return {"hash_type": "SHA1", "hash_value": digest, "token": token}

    def fetch(self, merchant: Merchant, token: str) -> bytes:
        """
        Hand a bill over.

        :raises PayRefusal: 400 the address is unknown or old; 403 it is another merchant's.
        """
        found = self._downloads.get(token)
        if found is None or found.until <= self.world.clock.passed():
            raise invalid_request("下载地址已失效, 请重新申请", "query")
        if found.mchid != merchant.mchid:
            raise PayRefusal(403, "NO_AUTH", "商户无权下载该账单")
        return found.content

    def text(self, merchant: Merchant, bill: str, kind: str, day: date) -> str | None:
        """A bill's text, made once; None if nothing happened."""
        shelf = self._shelf(merchant)
        if (bill, day) in shelf.written:
            return shelf.written[bill, day]
        place = (bill, kind, day)
        if place not in shelf.made and (text := self._make(merchant, bill, kind, day)):
            shelf.made[place] = text
        return shelf.made.get(place)

    def _make(self, merchant: Merchant, bill: str, kind: str, day: date) -> str | None:
        if bill == TRADE:
            told = list(self._told(TRADE, trade_lines(self.world, merchant)))
            lines = [line for line in told if line.day == day]
            wanted = {"SUCCESS": "trade", "REFUND": "refund"}.get(kind)
            if not any(wanted in (None, line.kind) for line in lines):
                return None
            return trade_file(merchant, lines, kind)
        moved = [line for line in flow_lines(self.world, merchant) if line.account == bill]
        told = list(self._told(bill, moved))
        lines = [line for line in told if line.day == day]
        return flow_file(merchant, lines, (o for o in told if o.day < day)) if lines else None

    def _told(self, bill: str, lines: Iterable[Line]) -> Iterator[Line]:
        planted = [one for one in self.differences if one.bill == bill]
        for line in lines:
            found = [line]
            for one in planted:
                if one.number == line.number and line.kind != "fee":
                    found = [made for each in found for made in _spoilt(each, one)]
            yield from found
        for one in planted:
            if one.kind == "extra" and one.day is not None:
                yield _invented(one, one.day)

    def _check_day(self, day: date) -> None:
        now = self.world.clock.now().astimezone(CHINA)
        if not now.date() - timedelta(days=KEPT_DAYS) <= day < now.date():
            raise invalid_request("账单日期须为三个月内且早于今天", "query")
        mode = self.world.settings.bills
        is_early = now < datetime.combine(day + timedelta(days=1), READY_AT, CHINA)
        if mode == "creating" or (mode == "automatic" and is_early):
            raise PayRefusal(400, "STATEMENT_CREATING", "账单生成中, 请稍后再试")

    def _shelf(self, merchant: Merchant) -> Shelf:
        return self._shelves.setdefault(merchant.mchid, Shelf())

    def _forget(self) -> None:
        for shelf in self._shelves.values():
            shelf.made.clear()


def _spoilt(line: Line, one: Difference) -> list[Line]:
    match one.kind:
        case "drop":
            return []
        case "amount":
            return [line.made(fen=line.fen + (one.by if line.fen >= 0 else -one.by))]
        case "state":
            return [line.made(state=one.value)]
        case "late":
            return [line.made(at=line.at + timedelta(days=1))]
        case "double":
            return [line, line]
    return [line]


def _invented(one: Difference, day: date) -> Line:
    """A line of something the merchant has never asked for."""
    kind = {"R": "refund", "W": "transfer"}.get(one.number[:1], "trade")
    is_expense = one.bill != TRADE and kind != "trade"
    return Line(
        kind,
        datetime.combine(day, time(12), CHINA),
        one.number,
        f"4200{one.id:024d}",
        -one.by if is_expense else one.by,
        one.value or "SUCCESS",
        account=one.bill,
        trade_number=one.number,
        transaction_id=f"4200{one.id:024d}",
        openid="o-nobody",
    )
