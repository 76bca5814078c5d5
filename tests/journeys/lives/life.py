"""One order's life, drawn from a seed: what its buyer and the staff do, and what comes of it."""

import random
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import httpx

from demo.client import Client, Refused, wait_until
from tests.journeys.lives import cases
from tests.journeys.lives.model import Account, Line
from tests.journeys.lives.world import World

CLOSING_SECONDS = 20
PEOPLE = 3
"""So many lives have one buyer."""
CRASH = 500
OVER = {"closed", "refunded"}
SPOILT = (
    None, None, None, None, "lost", "lost", "duplicate", "delayed", "out_of_order", "wrong_amount",
    "bad_signature", "answer_lost", "malformed_json",
)  # fmt: skip
"""What becomes of WeChat's word, on its way to us."""
UNSURE = ("429", "500", "cut", "lost", "accepted_429", "accepted_500", "not_enough")
"""What becomes of the call that carries a refund."""
SEEN_CLOSED = {"set": {"trade_state": "CLOSED"}}

Verb = Callable[[], None]


class Unanswered(Exception):
    """A second try was refused: whether because of the first, nobody can tell."""


class Life:
    """An order, its buyer, and the plain account of its money."""

    def __init__(self, world: World, seed: int, run: str) -> None:
        self.world, self.seed, self.rng = world, seed, random.Random(f"{run}:{seed}")
        self.name = f"{run}-{seed}"
        self.openid = f"life-{run}-{seed // PEOPLE}"
        self.order: dict[str, Any] | None = None
        self.account = Account({}, 0)
        self.story = cases.Story(self)
        self.count = 0
        self.done: Counter[str] = Counter()
        self.lied: set[str] = set()
        """Attempts the mall was told were closed while they were not."""
        self.transactions: list[str] = []
        self.paid: set[str] = set()
        self.must_keep = False
        """Money came while the order waited for it: it counts."""

    # What the driver calls

    def step(self) -> None:
        """Do one thing that may be done now, and see what came of it."""
        if self.order is None:
            self._try(self.place)
            return
        verb = self.rng.choice(self._verbs())
        self._try(verb)
        self.see()

    def see(self) -> None:
        """Look at the order and its cases; whatever was agreed is reckoned with."""
        if self.order is not None:
            clerk = self.world.clerk(0)
            self.order = clerk.get(f"/orders/{self.order_no}")
            cases = clerk.get("/after-sales", order_no=self.order_no)["items"]
            self.story.see(cases[::-1])

    def finish(self) -> None:
        """Do what no deadline does: the new goods of an exchange leave."""
        if self.order is not None and "exchanging" in self.story.known.values():
            self.story.send_new()
        self.see()

    @property
    def is_over(self) -> bool:
        return self.order is not None and self.order["status"] in OVER

    @property
    def buyer(self) -> Client:
        return self.world.shopper(self.openid, **self.world.invited)

    @property
    def order_no(self) -> str:
        assert self.order is not None
        return str(self.order["order_no"])

    @property
    def status(self) -> str:
        assert self.order is not None
        return str(self.order["status"])

    def __repr__(self) -> str:
        return f"life {self.name} of {self.order and self.order_no}: {dict(self.done)}"

    def _verbs(self) -> list[Verb]:
        """What somebody may do, the likelier more often; some of it will be refused."""
        goods = self.story.verbs() * 2
        return {
            "unpaid": [*[self.pay] * 7, self.cancel, self.race, self.pay_late, self.pay_twice],
            "closing": [self.see],
            "paid": [*[self.ship] * 4, self.correct, *[self.story.ask] * 2, *goods],
            "shipped": [self.receive, self.correct, *[self.story.ask] * 4, *goods],
            "received": [*[self.story.ask] * 3, self.story.give_back, *goods],
        }.get(self.status, [self.story.give_back, *goods])

    def _try(self, verb: Verb) -> None:
        """Refusals and lost answers are a part of life; a crash of the mall is not."""
        try:
            verb()
        except Refused as refused:
            if refused.status == CRASH:
                raise
            self.done[f"{verb.__name__}: {refused.code}"] += 1
        except (Unanswered, httpx.TransportError):
            assert self.world.place.patience, "nobody was killed"
        else:
            self.done[verb.__name__] += 1

    # Buying

    def place(self) -> None:
        """Order one to three things, with whatever coupons there are."""
        if self.rng.random() < 0.4:
            with suppress(Refused):
                self.buyer.post(f"/coupon-centre/{self.world.coupon}/claim")
        chosen = self.rng.sample(self.world.skus, self.rng.randint(1, 3))
        wanted = {
            "lines": [{"sku_id": sku, "quantity": self.rng.randint(1, 4)} for sku in chosen],
            "address_id": self.world.address(self.buyer),
        }
        expected_fen = _given(self.buyer.post("/orders/preview", **wanted))["quote"]["payable_fen"]
        placed = self.buyer.post(
            "/orders", **wanted, expected_payable_fen=expected_fen, remark=self.name
        )
        placed = placed or self._found()
        if placed is None:
            return
        self.order = self.buyer.get(f"/orders/{placed['order_no']}")
        assert self.order["payable_fen"] == expected_fen
        goods = [
            Line(one["id"], one["quantity"], one["payable_fen"]) for one in self.order["lines"]
        ]
        self.account = Account({one.id: one for one in goods}, self.order["freight_fen"])
        assert self.account.payable_fen == expected_fen

    def _found(self) -> dict[str, Any] | None:
        """The order whose answer got lost, if it was placed."""
        for one in self.buyer.get("/orders")["items"]:
            if self.buyer.get(f"/orders/{one['order_no']}")["remark"] == self.name:
                return dict(one)
        return None

    def cancel(self) -> None:
        """Think better of it."""
        self.buyer.post(f"/orders/{self.order_no}/cancel")

    def receive(self) -> None:
        """Have the goods."""
        self.buyer.post(f"/orders/{self.order_no}/receive")

    # Paying

    def pay(self) -> None:
        """Pay as one does; WeChat's word may be lost, spoilt, late or said twice."""
        number, parameters = self._open()
        self._spoil(number)
        self._pay(number, parameters)

    def race(self) -> None:
        """Pay at the moment the order is cancelled: the money counts, or never moves."""
        number, parameters = self._open()
        self.cancel()
        self._pay(number, parameters)

    def pay_late(self) -> None:
        """Money comes for an order that the mall, by WeChat's own word, took for unpaid."""
        number, parameters = self._open()
        if number in self.paid:
            return
        with self._lie(number):
            self.cancel()
            self._until_closed()
        self._unheard(number, self.rng.random() < 0.6)
        self._pay(number, parameters)

    def pay_twice(self) -> None:
        """Two attempts are paid, because WeChat called the first one closed."""
        first, parameters = self._open()
        if first in self.paid:
            return
        with self._lie(first):
            self.buyer.get(f"/orders/{self.order_no}/payment")
        second, more = self._open()
        self._unheard(first, self.rng.random() < 0.5)
        if self.rng.random() < 0.5:
            self._pay(first, parameters)
        if second != first:
            self._spoil(second)
            self._pay(second, more)
        self._pay(first, parameters)

    def _open(self) -> tuple[str, dict[str, Any]]:
        parameters = _given(self.buyer.post(f"/orders/{self.order_no}/pay"))
        attempts = self.world.clerk(0).get(f"/orders/{self.order_no}/payments")["payments"]
        return str(attempts[-1]["out_trade_no"]), parameters

    def _pay(self, number: str, parameters: Mapping[str, Any]) -> None:
        try:
            paid = self.world.sandbox.pay(dict(parameters))
            self.transactions.append(paid["transaction_id"])
            self.paid.add(number)
        except httpx.HTTPStatusError:
            if number not in self.paid:
                self.world.unheard.discard(number)
            return
        if self.status == "unpaid" and number not in self.lied:
            self.must_keep = True

    def _spoil(self, number: str) -> None:
        kind = self.rng.choice(SPOILT)
        if kind:
            self._fault("notify_payment", kind, number)
        kind = self.rng.choice(SPOILT)
        if kind:
            self._fault("notify_refund", kind, number)

    def spoil_refund(self) -> None:
        """The next call that carries a refund of this order may go wrong."""
        for one in self.transactions if self.rng.random() < 0.3 else ():
            self._fault("refund", self.rng.choice(UNSURE), one)

    def _unheard(self, number: str, is_lost: bool) -> None:
        """WeChat's only word about an attempt the mall has given up is lost."""
        if is_lost and number in self.lied:
            self._fault("notify_payment", "lost", number)
            self.world.unheard.add(number)

    def _lie(self, number: str) -> "_Lie":
        self.lied.add(number)
        return _Lie(self.world, number)

    def _fault(self, on: str, kind: str, match: str) -> None:
        self.world.control("POST", "faults", on=on, kind=kind, match=match)

    def _until_closed(self) -> None:
        def is_closed() -> bool:
            self.world.place.run_due()
            return self.buyer.get(f"/orders/{self.order_no}")["status"] != "closing"

        with suppress(TimeoutError):
            seconds = CLOSING_SECONDS if self.world.place.patience else 0.1
            wait_until("the order is closed", is_closed, seconds=seconds)
        self.see()

    # Parcels

    def ship(self) -> None:
        """Some of what waits leaves, or all of it; by a company, or by somebody of the shop."""
        assert self.order is not None
        lines = self._some({one["id"]: one["waiting_quantity"] for one in self.order["lines"]})
        pieces = {"lines": lines} if lines and self.rng.random() < 0.6 else {}
        clerk = self.world.clerk(0)
        if self.rng.random() < 0.8:
            clerk.post(f"/orders/{self.order_no}/ship", **self.parcel(), **pieces)
        else:
            courier = {"courier_name": "老李", "courier_phone": "13900001111"}
            clerk.post(f"/orders/{self.order_no}/deliver", **courier, **pieces)

    def correct(self) -> None:
        """The number of a parcel was wrong."""
        assert self.order is not None
        for one in self.order["shipments"][:1]:
            path = f"/orders/{self.order_no}/shipments/{one['id']}"
            self.world.clerk(1).put(path, reason="单号抄错", **self.parcel())

    def parcel(self) -> dict[str, str]:
        """A parcel nobody has seen before."""
        self.count += 1
        number = f"SF{self.seed:08d}{self.count:04d}"
        return {"company_code": "SF", "company_name": "顺丰速运", "tracking_no": number}

    def _some(self, there: Mapping[int, int]) -> list[dict[str, int]]:
        """Some pieces of some lines."""
        some = {line_id: self.rng.randint(0, count) for line_id, count in there.items()}
        return [{"line_id": line_id, "quantity": count} for line_id, count in some.items() if count]


def _given(answer: Any) -> dict[str, Any]:
    if answer is None:
        raise Unanswered
    return dict(answer)


class _Lie:
    """While it lasts, WeChat calls an attempt closed that may still be paid, once."""

    def __init__(self, world: World, number: str) -> None:
        self.world, self.number, self.id = world, number, 0

    def __enter__(self) -> None:
        fault = {"on": "query", "kind": "content", "match": self.number, "args": SEEN_CLOSED}
        self.id = self.world.control("POST", "faults", **fault)["id"]

    def __exit__(self, *_: object) -> None:
        with suppress(httpx.HTTPStatusError):
            self.world.control("DELETE", f"faults/{self.id}")
