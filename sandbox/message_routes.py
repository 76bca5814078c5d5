"""
Subscribe messages over HTTP, and templates, taps and what was sent in the control API.
"""

from __future__ import annotations

from flask import Blueprint, request

from sandbox import messages
from sandbox.control import checked_text, given, guarded, optional_text
from sandbox.errors import ControlRefusal
from sandbox.exchange import Answer, call
from sandbox.messages import Messages
from sandbox.mini import Mini
from sandbox.mini_routes import MiniGate, json_object
from sandbox.world import Merchant, World

api = Blueprint("messages", __name__)
control = Blueprint("control_messages", __name__, url_prefix="/control/mini")
blueprints = (api, control)

TAPS_MAX = 1000


@api.post("/cgi-bin/message/subscribe/send")
@call(MiniGate(), "subscribe_send")
def send(world: World, merchant: Merchant) -> Answer:
    """Send a message of a template to a user who has allowed one."""
    world.store(Messages).send(merchant, json_object())
    return Answer({"errcode": 0, "errmsg": "ok"})


@control.post("/templates")
@guarded
def add_template(world: World) -> dict[str, object]:
    """Add a template to a mini-program: {template_id, keys: ["thing1", "time2"], mchid?}."""
    values = given()
    merchant = world.merchant_of(optional_text(values, "mchid"))
    keys = values.get("keys")
    if not isinstance(keys, list) or not keys or not all(map(messages.is_key, map(str, keys))):
        raise ControlRefusal(422, "keys must be a list of keys such as thing1")
    template_id = checked_text(values, "template_id")
    world.store(Messages).templates[merchant.appid, template_id] = tuple(map(str, keys))
    return {"template_id": template_id, "keys": keys}


@control.post("/allow")
@guarded
def allow(world: World) -> dict[str, object]:
    """Tap "allow" in `wx.requestSubscribeMessage`: {openid, template_id, times?: 1, mchid?}."""
    values = given()
    merchant = world.merchant_of(optional_text(values, "mchid"))
    openid, template_id = checked_text(values, "openid"), checked_text(values, "template_id")
    times = values.get("times", 1)
    if not isinstance(times, int) or not 1 <= times <= TAPS_MAX:
        raise ControlRefusal(422, f"times must be from 1 to {TAPS_MAX}")
    store = world.store(Messages)
    if (merchant.appid, template_id) not in store.templates:
        raise ControlRefusal(404, f"no such template: {template_id}")
    world.store(Mini).user(merchant.appid, openid)
    return {"allowed": store.allow(merchant.appid, openid, template_id, times)}


@control.get("/messages")
@guarded
def sent(world: World) -> dict[str, object]:
    """Show what was sent, the first one first: ?openid= for one user."""
    openid = request.args.get("openid")
    found = [one for one in world.store(Messages).sent if openid in (None, one.openid)]
    return {"messages": [one.to_json() for one in found]}
