"""
The switches: what goes wrong, where, and how many times.

A fault names a surface (`on`: a call such as `prepay`, or a kind of notification such as
`notify_payment`) and is used up `times` times. `match` limits it to requests or notifications
whose text holds that string.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sandbox.errors import ControlRefusal
from sandbox.world import Store, World

CALLS: set[str] = set()
"""Names of the calls that exist; `exchange.call` adds to it."""
NOTIFICATIONS: set[str] = set()
"""Kinds of notification that exist; each surface that publishes one adds its own."""

SIGNATURE = {"bad_signature", "stale_timestamp", "signtest", "unknown_serial", "unsigned"}
CONTENT = {"wrong_amount", "wrong_appid", "wrong_mchid", "content", "unknown_fields"}
STOPPING = {
    "lost", "429", "500", "503", "error", "not_enough", "expired_token", "invalid_token",
    "accepted_429", "accepted_500",
}  # fmt: skip
CALL_KINDS = SIGNATURE | CONTENT | STOPPING | {"slow", "cut", "malformed_json"}
AT_CREATION = {"duplicate", "delayed", "lost", "out_of_order"}
AT_ATTEMPT = SIGNATURE | CONTENT | {"xml_body", "malformed_json", "wrong_key", "answer_lost"}


@dataclass
class Fault:
    """One switch that is on."""

    number: int
    on: str
    kind: str
    times: int
    args: dict[str, Any] = field(default_factory=dict)
    match: str | None = None

    def as_json(self) -> dict[str, object]:
        return {
            "id": self.number, "on": self.on, "kind": self.kind, "times": self.times,
            "args": self.args, "match": self.match,
        }  # fmt: skip


class Faults(Store):
    """The faults still to happen, oldest first."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._pending: list[Fault] = []
        self._numbers = itertools.count(1)

    def add(
        self, *, on: str, kind: str, times: int, args: dict[str, Any], match: str | None
    ) -> Fault:
        """
        Switch a fault on.

        :raises ControlRefusal: no such surface, or it cannot have that kind of fault.
        """
        if kind not in possible_kinds(on):
            raise ControlRefusal(422, f"kind on {on} must be one of {sorted(possible_kinds(on))}")
        fault = Fault(next(self._numbers), on, kind, times, args, match)
        self._pending.append(fault)
        return fault

    def pending(self) -> list[Fault]:
        return list(self._pending)

    def clear(self, number: int | None = None) -> None:
        self._pending = [f for f in self._pending if number is not None and f.number != number]

    def take(self, on: str, kinds: set[str], text: Callable[[], str]) -> list[Fault]:
        """Use up the first fault of each kind, and at most one that stops the call."""
        taken: list[Fault] = []
        for fault in self._pending:
            if fault.on not in (on, "*") or fault.kind not in kinds:
                continue
            if fault.match is not None and fault.match not in text():
                continue
            if not _is_crowded_out(fault, taken):
                taken.append(fault)
        for fault in taken:
            fault.times -= 1
        self._pending = [fault for fault in self._pending if fault.times > 0]
        return taken


def _is_crowded_out(fault: Fault, taken: Iterable[Fault]) -> bool:
    kinds = {one.kind for one in taken}
    return fault.kind in kinds or (fault.kind in STOPPING and bool(kinds & STOPPING))


def possible_kinds(on: str) -> set[str]:
    """
    Return the kinds of fault a surface can have.

    :raises ControlRefusal: no such surface.
    """
    if on in NOTIFICATIONS:
        return AT_CREATION | AT_ATTEMPT
    if on in CALLS or on == "*":
        return CALL_KINDS
    raise ControlRefusal(422, f"on must be one of {sorted(CALLS | NOTIFICATIONS)} or *")


def named(faults: Sequence[Fault], kind: str) -> Fault | None:
    """Return the fault of that kind among those taken, if there is one."""
    return next((fault for fault in faults if fault.kind == kind), None)


def falsify(document: dict[str, Any], faults: Sequence[Fault]) -> dict[str, Any]:
    """Return the document as the content faults make it; the original is left alone."""
    document = copy.deepcopy(document)
    for fault in faults:
        if fault.kind == "unknown_fields":
            document |= {"sandbox_extra": {"nested": [1, "二", {"deep": True}]}, "z_new": "NEW"}
        for path, value in _changes(document, fault).items():
            _set(document, path.split("."), value)
    return document


def cut_short(raw: bytes, faults: Sequence[Fault]) -> bytes:
    """Return the body, or its first half if it is to be malformed."""
    return raw[: len(raw) // 2] if named(faults, "malformed_json") else raw


def _changes(document: dict[str, Any], fault: Fault) -> dict[str, Any]:
    value = fault.args.get("value")
    match fault.kind:
        case "wrong_amount":
            return _amounts(document, fault.args.get("by", 1), value)
        case "wrong_appid":
            return {"appid": value or "wx0000000000000bad"}
        case "wrong_mchid":
            # Transfers spell it with an underscore.
            return {"mch_id" if "mch_id" in document else "mchid": value or "1999999999"}
        case "content":
            return dict(fault.args.get("set", {}))
    return {}


def _amounts(document: dict[str, Any], by: int, value: int | None) -> dict[str, Any]:
    if "transfer_amount" in document:
        fen = document["transfer_amount"]
        return {"transfer_amount": fen + by if value is None else value}
    amount = document.get("amount", {})
    names = ("refund", "payer_refund") if "refund" in amount else ("total", "payer_total")
    return {
        f"amount.{name}": amount[name] + by if value is None else value
        for name in names
        if name in amount
    }


def _set(document: dict[str, Any], path: list[str], value: object) -> None:
    for name in path[:-1]:
        document = document.setdefault(name, {})
    document[path[-1]] = value
