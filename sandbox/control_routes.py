"""
The control API for what all surfaces share: merchants, clock, faults, calls.
"""

from __future__ import annotations

from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from flask import Blueprint

from sandbox import keys, signing
from sandbox.clock import rfc3339
from sandbox.control import (
    checked_text,
    given,
    guarded,
    optional_moment,
    optional_number,
    optional_text,
    unlocked,
)
from sandbox.errors import ControlRefusal
from sandbox.exchange import Calls
from sandbox.faults import Faults
from sandbox.world import Merchant, World

control = Blueprint("control", __name__, url_prefix="/control")
blueprints = (control,)


@control.get("/platform")
@guarded
def platform(world: World) -> dict[str, object]:
    """Show whom to trust: the public key and its id, and the certificates."""
    return {
        "public_key_id": world.keys.public_key.serial,
        "public_key": world.keys.public_key.public_pem(),
        "certificates": [
            {"serial": one.serial, "certificate": one.pem} for one in world.keys.certificates
        ],
    }


@control.post("/certificates/rotate")
@guarded
def rotate(world: World) -> dict[str, object]:
    """Issue a new platform certificate; certificate mode signs with it from now on."""
    return {"serial": world.keys.rotate().serial}


@control.post("/merchants")
@guarded
def register(world: World) -> dict[str, object]:
    """Register a merchant, or replace it; with `keep_certificates` its old ones stay valid."""
    values = given()
    try:
        public_key = keys.load_public(checked_text(values, "merchant_public_key"))
    except ValueError as error:
        raise ControlRefusal(422, f"merchant_public_key: {error}") from error
    apiv3_key = checked_text(values, "apiv3_key")
    if len(apiv3_key.encode()) != 32:
        raise ControlRefusal(422, "apiv3_key must be 32 bytes")
    merchant = Merchant(
        appid=checked_text(values, "appid"),
        app_secret=checked_text(values, "app_secret"),
        mchid=checked_text(values, "mchid"),
        serial=checked_text(values, "merchant_serial"),
        public_key=public_key,
        apiv3_key=apiv3_key,
        refund_notify_url=optional_text(values, "refund_notify_url"),
        older=_older(world, values),
    )
    world.merchants[merchant.mchid] = merchant
    return {"mchid": merchant.mchid, "appid": merchant.appid}


def _older(world: World, values: dict[str, Any]) -> dict[str, RSAPublicKey]:
    """The certificates a merchant goes on using while it takes a new one."""
    known = world.merchants.get(checked_text(values, "mchid"))
    is_kept = values.get("keep_certificates") is True and known is not None
    return known.certificates() if is_kept and known else {}


@control.get("/clock")
@guarded
def clock(world: World) -> dict[str, object]:
    """Show the calendar, the seconds passed and the speed."""
    return _clock(world)


@control.post("/clock")
@guarded
def change_clock(world: World) -> dict[str, object]:
    """Change {speed} or {advance_seconds, calendar?}, or set the calendar by {now}."""
    values = given()
    speed = optional_number(values, "speed", above=0)
    if speed is not None:
        world.clock.set_speed(speed)
    seconds = optional_number(values, "advance_seconds", above=-1)
    if seconds is not None:
        world.clock.advance(seconds, calendar=values.get("calendar") is True)
    if (now := optional_moment(values, "now")) is not None:
        world.clock.set_now(now)
    world.agenda.wake()
    return _clock(world)


@control.get("/faults")
@guarded
def list_faults(world: World) -> dict[str, object]:
    """List the faults still to happen."""
    return {"faults": [fault.as_json() for fault in world.store(Faults).pending()]}


@control.post("/faults")
@guarded
def add_fault(world: World) -> dict[str, object]:
    """Switch a fault on: {on, kind, times?, args?, match?}."""
    values = given()
    args = values.get("args", {})
    if not isinstance(args, dict):
        raise ControlRefusal(422, "args must be an object")
    fault = world.store(Faults).add(
        on=checked_text(values, "on"),
        kind=checked_text(values, "kind"),
        times=int(optional_number(values, "times", above=0) or 1),
        args=args,
        match=optional_text(values, "match"),
    )
    return fault.as_json()


@control.delete("/faults")
@guarded
def clear_faults(world: World) -> dict[str, object]:
    """Switch every fault off."""
    world.store(Faults).clear()
    return {}


@control.delete("/faults/<int:number>")
@guarded
def clear_fault(world: World, number: int) -> dict[str, object]:
    """Switch one fault off."""
    world.store(Faults).clear(number)
    return {}


@control.get("/calls")
@guarded
def calls(world: World) -> dict[str, object]:
    """List the last API calls as they came, oldest first, without their Authorization."""
    return {"calls": list(world.store(Calls).recent)}


@control.post("/idle")
@unlocked
def idle(world: World) -> dict[str, object]:
    """Wait until nothing is due and nothing is being sent: {timeout_seconds?}."""
    timeout = optional_number(given(), "timeout_seconds", above=0) or 10.0
    return {"idle": world.agenda.wait_idle(timeout)}


@control.post("/sign")
@guarded
def sign(world: World) -> dict[str, object]:
    """Sign any text as the platform would, for a test that forges its own message: {body}."""
    return {"headers": signing.stamp(world, str(given().get("body", "")).encode())}


@control.post("/reset")
@guarded
def reset(world: World) -> dict[str, object]:
    """Forget everything but the keys and the merchants."""
    world.reset()
    return {}


def _clock(world: World) -> dict[str, object]:
    return {
        "now": rfc3339(world.clock.now()),
        "passed_seconds": world.clock.passed(),
        "speed": world.clock.speed,
    }
