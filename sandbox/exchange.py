"""
One API call from end to end: admitted, disturbed, answered, remembered.

The protocol (Pay v3 or mini-program) is a `Gate`; the faults in the way are the same for both.
"""

from __future__ import annotations

import collections
import functools
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Concatenate, ParamSpec, Protocol, cast

from flask import Response, request

from sandbox import faults as switches
from sandbox.clock import rfc3339
from sandbox.errors import Refusal
from sandbox.faults import Fault, Faults, named
from sandbox.world import Merchant, Store, World, current

P = ParamSpec("P")
REMEMBERED = 2000


@dataclass(frozen=True)
class Answer:
    """A success: 200 with a document, a picture or a file, or 204 with none of them."""

    document: dict[str, object] | None = None
    picture: bytes | None = None
    """A PNG; only the mini-program API answers with one."""
    file: bytes | None = None
    """A bill."""

    @property
    def status(self) -> int:
        contents = (self.document, self.picture, self.file)
        return 204 if contents == (None, None, None) else 200


class Gate(Protocol):
    """What differs between WeChat's two protocols."""

    def admit(self, world: World, /) -> Merchant: ...
    def succeed(self, world: World, answer: Answer, faults: Sequence[Fault], /) -> Response: ...
    def refuse(self, refusal: Refusal, /) -> Response: ...
    def fault(self, world: World, merchant: Merchant, fault: Fault, /) -> Refusal: ...


class Calls(Store):
    """The last API calls, for tests that ask what the merchant really sent."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.recent: collections.deque[dict[str, object]] = collections.deque(maxlen=REMEMBERED)


View = Callable[Concatenate[World, Merchant, P], Answer]


def call(gate: Gate, name: str) -> Callable[[View[P]], Callable[P, Response]]:
    """Make a view an API call of that name: admission, the lock, faults and the record."""
    switches.CALLS.add(name)

    def decorate(view: View[P]) -> Callable[P, Response]:
        @functools.wraps(view)
        def endpoint(*args: P.args, **kwargs: P.kwargs) -> Response:
            def act(world: World, merchant: Merchant) -> Answer:
                return view(world, merchant, *args, **kwargs)

            return _exchange(gate, name, act)

        return endpoint

    return decorate


def _exchange(gate: Gate, name: str, act: Callable[[World, Merchant], Answer]) -> Response:
    world = current()
    planned: list[Fault] = []
    code = ""
    try:
        merchant = gate.admit(world)
        with world.lock:
            planned = world.store(Faults).take(name, switches.CALL_KINDS, _text)
        stop = next((fault for fault in planned if fault.kind in switches.STOPPING), None)
        if stop and not stop.kind.startswith("accepted_"):
            raise gate.fault(world, merchant, stop)
        with world.lock:
            answer = act(world, merchant)
        if stop:
            raise gate.fault(world, merchant, stop)
        response = gate.succeed(world, answer, planned)
    except Refusal as refusal:
        code = refusal.code
        response = gate.refuse(refusal)
    _remember(world, name, response, code, planned)
    _disturb_line(planned)
    return response


def _text() -> str:
    return request.full_path + request.get_data(as_text=True)


def _remember(
    world: World, name: str, response: Response, code: str, planned: Sequence[Fault]
) -> None:
    entry: dict[str, object] = {
        "call": name,
        "at": rfc3339(world.clock.now()),
        "method": request.method,
        "target": request.environ.get("REQUEST_URI", request.full_path),
        "headers": {
            name: value for name, value in request.headers.items() if name != "Authorization"
        },
        "body": request.get_data(as_text=True),
        "status": response.status_code,
        "code": code,
        "faults": [fault.kind for fault in planned],
    }
    with world.lock:
        world.store(Calls).recent.append(entry)


def _disturb_line(planned: Sequence[Fault]) -> None:
    if slow := named(planned, "slow"):
        time.sleep(float(slow.args.get("seconds", 6)))
    if named(planned, "cut") or named(planned, "lost"):
        cut_connection()


def cut_connection() -> None:
    """Close the caller's connection, so that whatever is answered never arrives."""
    cast("socket.socket", request.environ["werkzeug.socket"]).shutdown(socket.SHUT_RDWR)
