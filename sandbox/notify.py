"""
Notifications: what WeChat tells the merchant, and how stubbornly.

One notification keeps its id for life. Every attempt is encrypted, stamped and signed anew; only
200 and 204 within five seconds count as heard. Otherwise fifteen retries follow, about a day.
"""

from __future__ import annotations

import functools
import ssl
import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx

from sandbox import envelope, push_envelope
from sandbox import faults as switches
from sandbox.clock import rfc3339
from sandbox.errors import ControlRefusal
from sandbox.faults import Fault, Faults, named
from sandbox.world import Merchant, Store, World

MINUTE, HOUR = 60, 3600
RETRY_SECONDS = (
    15, 15, 30, 3 * MINUTE, 10 * MINUTE, 20 * MINUTE, 30 * MINUTE, 30 * MINUTE, 30 * MINUTE,
    60 * MINUTE, 3 * HOUR, 3 * HOUR, 3 * HOUR, 6 * HOUR, 6 * HOUR,
)  # fmt: skip
PUSH_RETRY_SECONDS = (5, 5)
"""A pushed message is told three times in all."""
TIMEOUT_SECONDS = 5.0
HEARD = (200, 204)


@dataclass
class Attempt:
    """One delivery as it went over the wire."""

    at: datetime
    status: int | None
    error: str | None
    headers: dict[str, str]
    body: str
    reply: str
    faults: list[str]

    def as_json(self) -> dict[str, object]:
        return {**self.__dict__, "at": rfc3339(self.at)}


@dataclass
class Notification:
    """Something the merchant must hear; `surface` is the name faults use for it."""

    surface: str
    merchant: Merchant
    url: str
    event_type: str
    original_type: str
    summary: str
    subject: str
    content: dict[str, Any]
    created_at: datetime
    is_xml: bool = False
    is_push: bool = False
    """A message of the mini-program's, and none of WeChat Pay's."""
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    state: str = "pending"
    """pending, sending, held (out of order), delivered, lost or abandoned (every retry used)."""
    attempts: list[Attempt] = field(default_factory=list)
    retries: int = 0
    copies: int = 0
    due: float | None = None
    plans: int = 0
    """How often a delivery has been planned; only the last plan counts."""

    @property
    def waits(self) -> tuple[int, ...]:
        """The seconds before each retry."""
        return PUSH_RETRY_SECONDS if self.is_push else RETRY_SECONDS

    def as_json(self, clock_passed: float) -> dict[str, object]:
        return {
            "id": self.id, "on": self.surface, "mchid": self.merchant.mchid, "url": self.url,
            "event_type": self.event_type, "subject": self.subject, "state": self.state,
            "content": self.content, "created_at": rfc3339(self.created_at),
            "due_in_seconds": None if self.due is None else max(0.0, self.due - clock_passed),
            "attempts": [attempt.as_json() for attempt in self.attempts],
        }  # fmt: skip


class Notifications(Store):
    """All notifications, oldest first, and the engine that delivers them."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.all: dict[str, Notification] = {}

    def publish(self, notification: Notification) -> None:
        """Record a notification and plan its first delivery."""
        self.all[notification.id] = notification
        planned = self.world.store(Faults).take(
            notification.surface, switches.AT_CREATION, lambda: str(notification.content)
        )
        delay = 0.0
        if delayed := named(planned, "delayed"):
            delay = float(delayed.args.get("seconds", 60))
        if duplicate := named(planned, "duplicate"):
            notification.copies = int(duplicate.args.get("copies", 1))
        if named(planned, "lost"):
            notification.state = "lost"
        elif named(planned, "out_of_order"):
            notification.state = "held"
        elif self.world.settings.notify_automatically:
            self._plan(notification, delay)

    def get(self, number: str) -> Notification:
        """
        Return one notification.

        :raises ControlRefusal: there is none with that id.
        """
        if number not in self.all:
            raise ControlRefusal(404, f"no such notification: {number}")
        return self.all[number]

    def build(
        self, notification: Notification, extra: list[Fault]
    ) -> tuple[str, dict[str, str], bytes, list[Fault]]:
        """Make one attempt's address, headers and body, using up the faults set for it."""
        taken = self.world.store(Faults).take(
            notification.surface, switches.AT_ATTEMPT, lambda: str(notification.content)
        )
        taken = extra + taken
        if notification.is_push:
            url, headers, body = push_envelope.build(self.world, notification, taken)
            return url, headers, body, taken
        headers, body = envelope.build(self.world, notification, taken)
        return notification.url, headers, body, taken

    def deliver(self, notification: Notification) -> Attempt:
        """Try once, now, without the lock while waiting; then plan what follows."""
        world = self.world
        with world.lock:
            url, headers, body, taken = self.build(notification, [])
            attempt = Attempt(
                world.clock.now(), None, None, headers, body.decode(errors="replace"), "",
                [fault.kind for fault in taken],
            )  # fmt: skip
        _send(url, body, attempt)
        if named(taken, "answer_lost"):
            attempt.status, attempt.error = None, "the answer was lost on the way"
        with world.lock:
            notification.attempts.append(attempt)
            # After a reset nobody must be told again about what is forgotten.
            if self.is_current():
                self._follow_up(notification, is_heard=attempt.status in HEARD)
        return attempt

    def resume(self) -> None:
        """Plan whatever was waiting while deliveries were manual."""
        for notification in self.all.values():
            if notification.state == "pending" and notification.due is None:
                self._plan(notification, 0.0)

    def _plan(self, notification: Notification, seconds: float) -> None:
        notification.state = "pending"
        notification.plans += 1
        action = functools.partial(self._start, notification, notification.plans)
        notification.due = self.world.agenda.after(seconds, action)

    def _start(self, notification: Notification, plan: int) -> None:
        is_wanted = notification.state == "pending" and notification.plans == plan
        if is_wanted and self.world.settings.notify_automatically:
            notification.state, notification.due = "sending", None
            self.world.agenda.in_background(functools.partial(self._deliver_planned, notification))

    def _deliver_planned(self, notification: Notification) -> None:
        if self.is_current():
            self.deliver(notification)

    def _follow_up(self, notification: Notification, *, is_heard: bool) -> None:
        automatic = self.world.settings.notify_automatically
        if is_heard:
            notification.state, notification.due = "delivered", None
            if notification.copies and automatic:
                notification.copies -= 1
                self._plan(notification, 0.0)
        elif notification.retries == len(notification.waits):
            notification.state = "abandoned"
        else:
            notification.state = "pending"
            if automatic:
                self._plan(notification, notification.waits[notification.retries])
                notification.retries += 1
        self._release_held(notification)

    def _release_held(self, after: Notification) -> None:
        for notification in self.all.values():
            if notification.state == "held" and notification is not after:
                self._plan(notification, 0.0)


@functools.cache
def _trust() -> ssl.SSLContext:
    # Reading the root certificates costs 20 ms; a client made for each delivery must not.
    return ssl.create_default_context()


def _send(url: str, body: bytes, attempt: Attempt) -> None:
    try:
        with httpx.Client(timeout=TIMEOUT_SECONDS, trust_env=False, verify=_trust()) as client:
            reply = client.post(url, content=body, headers=attempt.headers)
    except httpx.HTTPError as error:
        attempt.error = f"{type(error).__name__}: {error}"
    else:
        attempt.status, attempt.reply = reply.status_code, reply.text[:2000]
