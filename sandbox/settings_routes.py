"""
The control API for the settings: how this WeChat behaves when no fault says otherwise.
"""

from __future__ import annotations

import random
from typing import Any, cast

from flask import Blueprint

from sandbox.control import given, guarded, optional_number, optional_text
from sandbox.errors import ControlRefusal
from sandbox.notify import Notifications
from sandbox.refunds import OUTCOMES
from sandbox.transfer_bills import STARTS
from sandbox.transfers import Transfers
from sandbox.world import SIGNING_MODES, SigningMode, World

control = Blueprint("control_settings", __name__, url_prefix="/control/settings")
blueprints = (control,)


@control.get("")
@guarded
def settings(world: World) -> dict[str, object]:
    """Show the settings."""
    return _settings(world)


@control.post("")
@guarded
def change_settings(world: World) -> dict[str, object]:
    """Change any of what `GET /control/settings` shows, or the `seed`; the rest stays."""
    values = given()
    _change_signing(world, values)
    if notify := _choice(values, "notify", ("automatic", "manual")):
        world.settings.notify_automatically = notify == "automatic"
        if notify == "automatic":
            world.store(Notifications).resume()
    if outcome := _choice(values, "refund_outcome", (*OUTCOMES, "manual")):
        world.settings.refund_outcome = None if outcome == "manual" else outcome
    delay = optional_number(values, "refund_delay_seconds", above=-1)
    if delay is not None:
        world.settings.refund_delay_seconds = delay
    if unpaid := _choice(values, "unpaid_amount", ("told", "omitted")):
        world.settings.tells_unpaid_amount = unpaid == "told"
    _change_transfers(world, values)
    if managed := _choice(values, "trade_managed", ("yes", "no")):
        world.settings.is_trade_managed = managed == "yes"
    _change_push(world, values)
    if bills := _choice(values, "bills", ("automatic", "ready", "creating")):
        world.settings.bills = bills
    return _settings(world)


def _change_signing(world: World, values: dict[str, Any]) -> None:
    mode = _choice(values, "signing", SIGNING_MODES)
    if mode:
        world.settings.signing = cast("SigningMode", mode)
    if "seed" in values:
        world.random = random.Random(str(values["seed"]))


def _change_transfers(world: World, values: dict[str, Any]) -> None:
    settings = world.settings
    if start := _choice(values, "transfer_start", STARTS):
        settings.transfer_start = start
    if steps := _choice(values, "transfer_steps", ("automatic", "manual")):
        settings.steps_transfers_automatically = steps == "automatic"
        if steps == "automatic":
            world.store(Transfers).resume()
    delay = optional_number(values, "transfer_delay_seconds", above=-1)
    if delay is not None:
        settings.transfer_delay_seconds = delay
    settings.transfer_most_fen = int(
        optional_number(values, "transfer_most_fen", above=0) or settings.transfer_most_fen
    )
    settings.transfers_a_second = int(
        optional_number(values, "transfers_a_second", above=0) or settings.transfers_a_second
    )


def _change_push(world: World, values: dict[str, Any]) -> None:
    settings = world.settings
    settings.push_url = optional_text(values, "push_url") or settings.push_url
    settings.push_token = optional_text(values, "push_token") or settings.push_token
    settings.push_aes_key = optional_text(values, "push_aes_key") or settings.push_aes_key
    settings.push_mode = _choice(values, "push_mode", ("plain", "safe")) or settings.push_mode
    settings.push_format = _choice(values, "push_format", ("json", "xml")) or settings.push_format


def _choice(values: dict[str, Any], name: str, among: tuple[str, ...]) -> str | None:
    value = optional_text(values, name)
    if value is not None and value not in among:
        raise ControlRefusal(422, f"{name} must be one of {among}")
    return value


def _settings(world: World) -> dict[str, object]:
    settings = world.settings
    return {
        "signing": settings.signing,
        "notify": "automatic" if settings.notify_automatically else "manual",
        "refund_outcome": settings.refund_outcome or "manual",
        "refund_delay_seconds": settings.refund_delay_seconds,
        "unpaid_amount": "told" if settings.tells_unpaid_amount else "omitted",
        "transfer_start": settings.transfer_start,
        "transfer_steps": "automatic" if settings.steps_transfers_automatically else "manual",
        "transfer_delay_seconds": settings.transfer_delay_seconds,
        "transfer_most_fen": settings.transfer_most_fen,
        "transfers_a_second": settings.transfers_a_second,
        "bills": settings.bills,
        "trade_managed": "yes" if settings.is_trade_managed else "no",
        "push_url": settings.push_url,
        "push_mode": settings.push_mode,
        "push_format": settings.push_format,
    }
