"""What becomes of an order's goods after they are paid for: cases of every kind, in every way."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tests.journeys.lives.model import CANCEL, COMPENSATE, EXCHANGE, RETURN, Account, Asking

if TYPE_CHECKING:
    from tests.journeys.lives.life import Life

UNDECIDED = {"applied", "appealed"}
BACK = {"refunding", "refunded"}
ENDED = {"cancelled", "rejected", "exchanged"}
WORDS = {
    CANCEL: "money_only",
    COMPENSATE: "money_only",
    RETURN: "return_refund",
    EXCHANGE: EXCHANGE,
}


@dataclass(frozen=True)
class Intent:
    """What was asked for, until the mall shows the case."""

    kind: str
    pieces: Mapping[int, int] | None
    amount_fen: int | None = None
    with_freight: bool = False


@dataclass(frozen=True)
class Terms:
    """On which terms staff said yes."""

    amount_fen: int | None = None
    freight_fen: int = 0


class Story:
    """The cases of one life, and their way into its account."""

    def __init__(self, life: "Life") -> None:
        self.life, self.rng = life, life.rng
        self.intents: dict[str, Intent] = {}
        self.terms: dict[str, Terms] = {}
        self.known: dict[str, str] = {}
        self.settled: dict[str, Asking] = {}
        """What each case came to last, also when it is over: it may be appealed."""

    @property
    def account(self) -> Account:
        return self.life.account

    # Doing

    def verbs(self) -> list[Callable[[], None]]:
        """What may be done about the cases there are."""
        of_status: dict[str, list[Callable[[], None]]] = {
            "applied": [*[self.approve] * 4, self.reject, self.withdraw],
            "appealed": [*[self.approve] * 4, self.reject, self.withdraw],
            "sending": [*[self.send] * 3, self.withdraw, self.take_in],
            "sent": [*[self.take_in] * 3, self.send],
            "exchanging": [self.send_new] * 3,
            "rejected": [self.appeal],
        }
        return [verb for status in self.known.values() for verb in of_status.get(status, [])]

    def ask(self) -> None:
        """Ask for money, a return or an exchange, of some pieces or all, at their price or less."""
        lines = self._lines()
        is_waiting = self.life.status == "paid"
        kind = self.rng.choice(
            [CANCEL, CANCEL, RETURN, EXCHANGE] if is_waiting else [COMPENSATE, RETURN, EXCHANGE]
        )
        there = {
            one["id"]: one["waiting_quantity"] if kind == CANCEL else one["shipped_quantity"]
            for one in lines
        }
        pieces = self._some(there)
        amount_fen = None
        if kind in {COMPENSATE, RETURN} and len(pieces) == 1 and self.rng.random() < 0.5:
            amount_fen = self.rng.randint(1, 4_000)
        is_all = self.rng.random() < 0.25 and amount_fen is None
        self._begin(Intent(kind, None if is_all else pieces or {lines[0]["id"]: 1}, amount_fen))

    def give_back(self) -> None:
        """Staff give money back of their own accord."""
        pieces = self._some({one["id"]: one["shipped_quantity"] for one in self._lines()})
        amount_fen = self.rng.choice([None, 1, 777]) if len(pieces) == 1 else None
        freight = self.rng.random() < 0.5
        self._begin(Intent(RETURN, pieces or None, amount_fen, freight), is_staffs=True)

    def _begin(self, intent: Intent, *, is_staffs: bool = False) -> None:
        reason = f"原因{self.life.name}-{len(self.intents)}"
        self.intents[reason] = intent
        body: dict[str, Any] = {"order_no": self.life.order_no, "reason": reason}
        if intent.pieces is not None:
            body["lines"] = _as_lines(intent.pieces)
        if intent.amount_fen is not None:
            body["amount_fen"] = intent.amount_fen
        if is_staffs:
            self._clerk().post("/after-sales", **body, with_freight=intent.with_freight)
        else:
            self.life.buyer.post("/after-sales", **body, kind=WORDS[intent.kind])

    def approve(self) -> None:
        """Staff say yes; sometimes to less, or with freight."""
        number = self._any(*UNDECIDED)
        asking, terms = self.account.open[number], Terms()
        if asking.kind in {COMPENSATE, RETURN} and len(asking.pieces) == 1:
            if self.rng.random() < 0.3 and asking.amount_fen:
                terms = Terms(self.rng.randint(1, asking.amount_fen))
            if self.rng.random() < 0.3:
                terms = replace(terms, freight_fen=self.rng.randint(0, 900))
        self.terms[number] = terms
        self.life.spoil_refund()
        body = {"amount_fen": terms.amount_fen, "freight_fen": terms.freight_fen}
        self._clerk().post(f"/after-sales/{number}/approve", **body, return_to="义乌仓库")

    def reject(self) -> None:
        """Staff say no."""
        self._clerk().post(f"/after-sales/{self._any(*UNDECIDED)}/reject", answer="超出范围")

    def withdraw(self) -> None:
        """The buyer takes it back."""
        number = self._any("applied", "appealed", "sending")
        self.life.buyer.post(f"/after-sales/{number}/cancel")

    def appeal(self) -> None:
        """The buyer asks for a second look."""
        self.life.buyer.post(f"/after-sales/{self._any('rejected')}/appeal", words="请再看看")

    def send(self) -> None:
        """The goods are on their way back."""
        number = self._any("sending", "sent")
        self.life.buyer.post(f"/after-sales/{number}/parcel", **self.life.parcel())

    def take_in(self) -> None:
        """Staff look at what came: all of it is accepted, some, or nothing."""
        number = self._any("sending", "sent")
        body: dict[str, Any] = {"is_sellable": self.rng.random() < 0.7, "answer": "有使用痕迹"}
        if self.rng.random() < 0.5:
            body["lines"] = _as_lines(self._some(self.account.open[number].pieces))
        self.life.spoil_refund()
        self._clerk().post(f"/after-sales/{number}/receive", **body)

    def send_new(self) -> None:
        """The new goods of an exchange leave."""
        number = self._any("exchanging")
        self._clerk().post(f"/after-sales/{number}/ship", **self.life.parcel())

    def _any(self, *statuses: str) -> str:
        return self.rng.choice([one for one, status in self.known.items() if status in statuses])

    def _clerk(self) -> Any:
        return self.life.world.clerk(self.rng.randint(0, 1))

    def _lines(self) -> list[dict[str, Any]]:
        assert self.life.order is not None
        found: list[dict[str, Any]] = self.life.order["lines"]
        return found

    def _some(self, there: Mapping[int, int]) -> dict[int, int]:
        """Some pieces of one or two lines."""
        chosen = self.rng.sample(sorted(there), min(len(there), self.rng.randint(1, 2)))
        some = {line_id: self.rng.randint(0, there[line_id]) for line_id in chosen}
        return {line_id: count for line_id, count in some.items() if count}

    # Seeing

    def see(self, cases: list[dict[str, Any]]) -> None:
        """Reckon with what has become of each case since it was seen last."""
        for case in cases:
            number, status = case["after_sale_no"], case["status"]
            if number not in self.known:
                self._opened(case)
            if self.known[number] != status:
                self._moved(case, self.known[number])
            self.known[number] = status
        undecided = {number for number, status in self.known.items() if status in UNDECIDED}
        for number in undecided & self.terms.keys():
            del self.terms[number]  # The mall refused them.

    def _opened(self, case: dict[str, Any]) -> None:
        number, intent = case["after_sale_no"], self.intents[case["reason"]]
        pieces = intent.pieces
        if pieces is None:
            told = case["breakdown"]["lines"]
            pieces = {one["line_id"]: one["quantity"] for one in told if one["quantity"]}
        asking = self.account.worth(
            intent.kind, pieces, intent.amount_fen, with_freight=intent.with_freight
        )
        if case["status"] == "applied":
            asking = asking.as_told(case)
        self.account.open[number] = self.settled[number] = asking
        self.known[number] = "applied"

    def _moved(self, case: dict[str, Any], before: str) -> None:
        number, status = case["after_sale_no"], case["status"]
        if status == "appealed":
            self.account.open[number] = self.settled[number]
            self._settle(case, self.account.again(number).as_told(case))
            return
        if before in UNDECIDED and status not in ENDED:
            self._agreed(number)
        if status in BACK and before not in BACK:
            self._given(case)
        elif status in {"sending", "sent"}:
            self._settle(case, self.account.open[number].as_told(case))
        elif status in ENDED:
            self.settled[number] = self.account.open.pop(number)

    def _agreed(self, number: str) -> None:
        """Staff, or a deadline, said yes."""
        terms, asking = self.terms.pop(number, Terms()), self.account.open[number]
        if asking.kind == CANCEL:
            asking = self.account.agreed_to_cancel(number)
        if terms.amount_fen is not None:
            asking = self.account.cut(asking, terms.amount_fen)
        freight_fen = asking.freight_fen + terms.freight_fen
        amount_fen = asking.amount_fen + terms.freight_fen
        self.account.open[number] = replace(asking, freight_fen=freight_fen, amount_fen=amount_fen)

    def _given(self, case: dict[str, Any]) -> None:
        number = case["after_sale_no"]
        asking = self.account.open[number]
        if case["accepted"] is not None:
            pieces = {int(line_id): count for line_id, count in case["accepted"].items()}
            asking = self.account.accepted(number, pieces)
        self.account.give(number, asking.as_told(case))

    def _settle(self, case: dict[str, Any], asking: Asking) -> None:
        number = case["after_sale_no"]
        self.account.open[number] = self.settled[number] = asking


def _as_lines(pieces: Mapping[int, int]) -> list[dict[str, int]]:
    return [{"line_id": line_id, "quantity": count} for line_id, count in pieces.items()]
