"""
Generated lives of a payment: what truly happened, and the disorder in which the mall hears of it.

A plan is made from a seed alone. What must come of it is said here, from the plan, and never
computed with the mall's own code.
"""

from dataclasses import dataclass, field
from random import Random
from typing import Any

LIVES = ("paid", "paid", "raced", "unpaid", "late", "duplicate")
"""`raced`: the buyer cancels while the money is on its way. `late`: it comes after the closing."""

UNSIGNED = ("forged", "tampered", "stale", "ahead", "probe", "xml", "serial")
"""Deliveries that prove nothing: refused, nothing stored."""
MISFITS = ("amount", "appid", "mchid", "currency", "unknown", "malformed")
"""Deliveries that WeChat signed and that fit nothing we asked for: kept for a person."""
LOWER = ("notpay", "closed")
"""Deliveries that say less than is known, when it is known."""


@dataclass(frozen=True)
class Message:
    """One delivery: about which attempt, with which event id, and what is wrong with it."""

    attempt: int
    event: str
    flaw: str | None = None


@dataclass
class Plan:
    """One life."""

    seed: int
    life: str
    messages: list[Message]
    is_returned: bool
    """The buyer gets a paid order's money back afterwards."""
    refund_messages: list[Message]
    rng: Random = field(repr=False)

    @property
    def attempts(self) -> int:
        return 2 if self.life == "duplicate" else 1

    @property
    def paid(self) -> list[int]:
        """The attempts that were truly paid."""
        return [] if self.life == "unpaid" else list(range(self.attempts))

    def count(self, flaws: tuple[str, ...]) -> int:
        """How many different events carry one of `flaws`."""
        told = self.messages + self.refund_messages
        return len({each.event for each in told if each.flaw in flaws})


def plan(seed: int) -> Plan:
    """The life of this seed."""
    rng = Random(seed)
    life = rng.choice(LIVES)
    made = Plan(seed, life, [], life in {"paid", "raced"} and rng.random() < 0.5, [], rng)
    for attempt in range(made.attempts):
        if attempt in made.paid:
            # An attempt that we consider over is no longer asked about: one word must come through.
            must_arrive = life == "late" or (life == "duplicate" and attempt == 0)
            made.messages += _genuine(rng, seed, attempt, at_least=int(must_arrive))
        for number in range(rng.choice((0, 0, 1, 2, 3))):
            flaws = UNSIGNED + MISFITS + (LOWER if attempt in made.paid else ())
            event = f"EV-{seed}-{attempt}-bad-{number}"
            made.messages.append(Message(attempt, event, rng.choice(flaws)))
    rng.shuffle(made.messages)
    if life in {"late", "duplicate"} or made.is_returned:
        made.refund_messages = _genuine(rng, seed, 0, at_least=0, word="RF")
        for number in range(rng.choice((0, 1, 2))):
            flaw = rng.choice((*UNSIGNED, "amount", "mchid", "unknown", "malformed", "abnormal"))
            made.refund_messages.append(Message(0, f"RF-{seed}-bad-{number}", flaw))
        rng.shuffle(made.refund_messages)
    return made


def _genuine(
    rng: Random, seed: int, attempt: int, *, at_least: int, word: str = "EV"
) -> list[Message]:
    """True words: none (lost), one, several events, each delivered once or more."""
    events = max(at_least, rng.choice((0, 1, 1, 2)))
    return [
        Message(attempt, f"{word}-{seed}-{attempt}-{number}")
        for number in range(events)
        for _ in range(rng.choice((1, 1, 2, 3)))
    ]


def spoiled(resource: dict[str, Any], flaw: str | None) -> dict[str, Any]:
    """What WeChat signs when it says something else than the truth."""
    amount = resource["amount"]
    changes: dict[str, dict[str, Any]] = {
        "amount": {"amount": {**amount, "total": amount["total"] + 1}},
        "appid": {"appid": "wx-somebody-else"},
        "mchid": {"mchid": "1900000999"},
        "currency": {"amount": {**amount, "currency": "USD"}},
        "unknown": {"out_trade_no": "P" + "0" * 26, "out_refund_no": "R" + "0" * 26},
        "malformed": {"amount": {**amount, "total": "a lot"}},
        "notpay": {"trade_state": "NOTPAY"},
        "closed": {"trade_state": "CLOSED"},
        "abnormal": {"refund_status": "ABNORMAL"},
    }
    return {**resource, **changes.get(flaw or "", {})}
