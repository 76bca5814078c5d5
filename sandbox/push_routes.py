"""
Pushed messages in the control API: make this WeChat push an event, whatever it is.
"""

from __future__ import annotations

from flask import Blueprint

from sandbox.control import checked_text, given, guarded
from sandbox.errors import ControlRefusal
from sandbox.pushing import push
from sandbox.world import World

control = Blueprint("control_push", __name__, url_prefix="/control/push")
blueprints = (control,)


@control.post("")
@guarded
def push_event(world: World) -> dict[str, object]:
    """Push one event: {openid, event, body?}; what a notification says of itself comes back."""
    values = given()
    body = values.get("body", {})
    if not isinstance(body, dict):
        raise ControlRefusal(422, "body must be an object")
    notification = push(
        world,
        openid=checked_text(values, "openid"),
        event=checked_text(values, "event"),
        body=body,
    )
    if notification is None:
        raise ControlRefusal(409, "push_url is not set")
    return notification.as_json(world.clock.passed())
