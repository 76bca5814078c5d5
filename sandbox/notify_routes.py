"""
Notifications in the control API: look, deliver now, or take one as it would be sent.
"""

from __future__ import annotations

from flask import Blueprint, request

from sandbox import faults as switches
from sandbox.control import checked_text, given, guarded, unlocked
from sandbox.errors import ControlRefusal
from sandbox.faults import Fault
from sandbox.notify import Notifications
from sandbox.world import World

control = Blueprint("control_notifications", __name__, url_prefix="/control/notifications")
blueprints = (control,)


@control.get("")
@guarded
def list_notifications(world: World) -> dict[str, object]:
    """List notifications, oldest first; ?subject= an out_trade_no, out_refund_no or out_bill_no."""
    subject = request.args.get("subject")
    passed = world.clock.passed()
    found = [
        one.as_json(passed)
        for one in world.store(Notifications).all.values()
        if subject in (None, one.subject)
    ]
    return {"notifications": found}


@control.get("/<number>")
@guarded
def show(world: World, number: str) -> dict[str, object]:
    """Show one notification."""
    return world.store(Notifications).get(number).as_json(world.clock.passed())


@control.post("/<number>/deliver")
@unlocked
def deliver(world: World, number: str) -> dict[str, object]:
    """Deliver one now, whatever its state, and wait for the answer."""
    with world.lock:
        notification = world.store(Notifications).get(number)
    return world.store(Notifications).deliver(notification).as_json()


@control.post("/deliver")
@unlocked
def deliver_pending(world: World) -> dict[str, object]:
    """Deliver every pending or held one now, oldest first, and wait for the answers."""
    notifications = world.store(Notifications)
    with world.lock:
        pending = [n for n in notifications.all.values() if n.state in ("pending", "held")]
        for notification in pending:
            notification.state, notification.due = "sending", None
    attempts = [notifications.deliver(notification) for notification in pending]
    return {"attempts": [attempt.as_json() for attempt in attempts]}


@control.post("/<number>/take")
@guarded
def take(world: World, number: str) -> dict[str, object]:
    """Make the exact address, headers and body of an attempt without sending it: {kind?, args?}."""
    notifications = world.store(Notifications)
    notification = notifications.get(number)
    url, headers, body, taken = notifications.build(notification, _extra(notification.surface))
    return {
        "url": url,
        "headers": headers,
        "body": body.decode(errors="replace"),
        "faults": [fault.kind for fault in taken],
    }


def _extra(surface: str) -> list[Fault]:
    values = given()
    if "kind" not in values:
        return []
    kind = checked_text(values, "kind")
    if kind not in switches.AT_ATTEMPT:
        raise ControlRefusal(422, f"kind must be one of {sorted(switches.AT_ATTEMPT)}")
    return [Fault(0, surface, kind, 1, dict(values.get("args", {})))]
