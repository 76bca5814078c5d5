"""What must be true when all lives are lived: the money of each, and the bills of every day."""

import random
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

from app.core import clock
from tests.journeys.lives.life import Life
from tests.journeys.lives.world import World


class Found(NamedTuple):
    """One difference, as the comparison must list it."""

    book: str
    kind: str
    out_no: str
    verdict: str
    status: str
    how: str | None = None


class Books:
    """WeChat's own books, by our numbers."""

    def __init__(self, world: World) -> None:
        trades = world.control("GET", "trades")["trades"]
        self.paid = {
            one["out_trade_no"]: one["amount"]["total"] for one in trades if "transaction_id" in one
        }
        self.refunds = [
            one for one in world.control("GET", "refunds")["refunds"] if one["status"] == "SUCCESS"
        ]
        self.back: Counter[str] = Counter()
        for one in self.refunds:
            self.back[one["out_trade_no"]] += one["amount"]["refund"]


def check_money(world: World, lives: Iterable[Life]) -> None:
    """Of each order the mall, WeChat and the plain account say the same, but for the unheard."""
    books, by_hand = Books(world), _by_hand(world)
    ours: set[str] = set()
    for life in lives:
        life.see()
        if life.order is None:
            continue
        order, account = life.order, life.account
        attempts = world.clerk(0).get(f"/orders/{life.order_no}/payments")["payments"]
        numbers = [one["out_trade_no"] for one in attempts]
        ours.update(numbers)
        kept_fen = account.payable_fen if order["paid_at"] else 0
        heard = [number for number in numbers if number not in world.unheard]
        came_fen = sum(books.paid.get(number, 0) for number in heard)
        went_fen = sum(books.back[number] + by_hand[number] for number in numbers)
        assert came_fen - went_fen == kept_fen - account.back_fen, life
        assert order["paid_fen"] == kept_fen, life
        assert (order["refunded_fen"], order["refunding_fen"]) == (account.back_fen, 0), life
        assert bool(order["paid_at"]) or not life.must_keep, life
        assert not account.open, life
    for number in books.paid.keys() - ours - world.let_be - world.unheard:
        # Money nobody here asked for.
        assert books.paid[number] == books.back[number] + by_hand[number], number


def _by_hand(world: World) -> Counter[str]:
    """What was given back outside of WeChat, by the attempt it was paid with."""
    given: Counter[str] = Counter()
    found = world.look(
        "SELECT r.out_refund_no, coalesce(p.out_trade_no, d.out_trade_no), r.amount_fen"
        " FROM refund AS r LEFT JOIN payment AS p ON p.id = r.payment_id"
        " LEFT JOIN quarantine_decision AS d ON d.id = r.decision_id"
        " WHERE r.receipt_no IS NOT NULL"
    )
    assert {number for number, _, _ in found} <= world.by_hand.keys()
    for _, number, fen in found:
        given[number] += fen
    return given


class Bills:
    """The bills of the days lived, some lines of which are spoilt on purpose."""

    def __init__(self, world: World, first: date, rng: random.Random) -> None:
        self.world, self.first, self.rng = world, first, rng
        self.expected: set[Found] = set()

    def plant(self, each: int) -> None:
        """Spoil so many lines in each way there is, no line twice."""
        books = Books(self.world)
        taken = self.world.unheard | self.world.let_be
        payments = sorted(books.paid.keys() - taken)
        refunds = sorted(one["out_refund_no"] for one in books.refunds)
        self.rng.shuffle(payments)
        self.rng.shuffle(refunds)
        for _ in range(each):
            for kind, verdict in (("drop", "missing_there"), ("amount", "amount_differs")):
                for bill, book in (("trade", "trade"), ("BASIC", "funds")):
                    self._one(payments, "payment", kind, bill, book, verdict)
            self._one(payments, "payment", "double", "trade", "trade", "amount_differs")
            self._one(payments, "payment", "late", "trade", "trade", "timing", "other_day")
            self._one(refunds, "refund", "state", "trade", "trade", "state_differs", "newer_word")
            self._one(refunds, "refund", "drop", "trade", "trade", "missing_there")
            self._invent()
        for number in self.world.let_be & books.paid.keys():
            self._both(number, "open", None)
        for number in self.world.unheard & books.paid.keys():
            self._both(number, "resolved", "repaired")

    def _one(
        self,
        numbers: list[str],
        line: str,
        kind: str,
        bill: str,
        book: str,
        verdict: str,
        how: str | None = None,
    ) -> None:
        if not numbers:
            return
        number = numbers.pop()
        value = {"value": "FAIL"} if kind == "state" else {}
        by = {"by": self.rng.choice([-1, 1, 5])} if kind == "amount" else {}
        self.world.control(
            "POST", "bills/differences", kind=kind, number=number, bill=bill, **value, **by
        )
        status = "resolved" if how else "open"
        self.expected.add(Found(book, line, number, verdict, status, how))

    def _invent(self) -> None:
        number = f"P{''.join(self.rng.choice('0123456789') for _ in range(26))}"
        day = self.first.isoformat()
        self.world.control("POST", "bills/differences", kind="extra", number=number, day=day, by=77)
        self.expected.add(Found("trade", "payment", number, "missing_here", "open"))

    def _both(self, number: str, status: str, how: str | None) -> None:
        for book in ("trade", "funds"):
            self.expected.add(Found(book, "payment", number, "missing_here", status, how))

    def compare(self) -> None:
        """Have the days until yesterday compared that are not yet, by what staff press for it."""
        last = clock.china_day(datetime.now(UTC) + self.world.ahead) - timedelta(days=1)
        day, self.first = self.first, last
        while day <= last:
            self.world.merchant.post("/reconciliation/runs", day=day.isoformat(), is_anew=True)
            day += timedelta(days=1)
        self.world.tick()

    def found(self) -> set[Found]:
        """Every difference the mall lists, but money that is only on another day."""
        return {
            Found(*(one[name] for name in Found._fields))
            for status in ("open", "resolved")
            for one in self._listed(status)
        }

    def check(self) -> None:
        """Everything planted was found as what it is, and nothing else."""
        found = self.found()
        assert found >= self.expected, self.expected - found
        for one in found - self.expected:
            # A request just before midnight stands in the next day's bill.
            assert (one.verdict, one.how) == ("timing", "other_day"), one

    def write_off(self) -> None:
        """Staff end what is left."""
        for one in self._listed("open"):
            path = f"/reconciliation/breaks/{one['id']}/resolve"
            self.world.merchant.post(path, how="explained", reason="沙箱中的演练")
        assert self._listed("open") == []

    def _listed(self, status: str) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = []
        query: dict[str, Any] = {"status": status, "limit": 100}
        while True:
            page = self.world.merchant.get("/reconciliation/breaks", **query)
            items += page["items"]
            if page["next_cursor"] is None:
                return items
            query["cursor"] = page["next_cursor"]


def by_verb(lives: Iterable[Life]) -> dict[str, int]:
    """What was done in all lives, and how often; refusals by their code."""
    done: defaultdict[str, int] = defaultdict(int)
    for life in lives:
        for verb, count in life.done.items():
            done[verb] += count
    return dict(sorted(done.items()))
