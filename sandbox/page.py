"""
One plain page over the control API, for a person.
"""

from __future__ import annotations

from flask import Blueprint, render_template, request

from sandbox import faults as switches
from sandbox.clock import rfc3339
from sandbox.faults import Faults
from sandbox.notify import Notifications
from sandbox.refunds import Refunds
from sandbox.statements import Statements
from sandbox.trade_routes import as_json as trade_json
from sandbox.trades import Trades
from sandbox.transfer_bills import MOVES, NEXT
from sandbox.transfer_routes import as_json as transfer_json
from sandbox.transfers import Transfers
from sandbox.world import World, current

bp = Blueprint("page", __name__, template_folder="templates")
blueprints = (bp,)
SHOWN = 100


@bp.get("/")
def index() -> str:
    """Show what happened, with its buttons, and the switches; ?part=tables is what refreshes."""
    world = current()
    with world.lock:
        values = _values(world)
    name = "tables.html" if request.args.get("part") == "tables" else "page.html"
    return render_template(name, **values)


def _values(world: World) -> dict[str, object]:
    kinds = {
        name: sorted(switches.possible_kinds(name))
        for name in switches.CALLS | switches.NOTIFICATIONS
    }
    passed = world.clock.passed()
    notifications = list(world.store(Notifications).all.values())
    return {
        "trades": [
            trade_json(world, trade) for trade in world.store(Trades).all()[: -SHOWN - 1 : -1]
        ],
        "refunds": [refund.document() for refund in world.store(Refunds).all()[: -SHOWN - 1 : -1]],
        "transfers": [
            transfer_json(world, bill) for bill in world.store(Transfers).all()[: -SHOWN - 1 : -1]
        ],
        "steps": NEXT,
        "moves": MOVES,
        "balances": world.store(Transfers).balances,
        "notifications": [one.as_json(passed) for one in notifications[: -SHOWN - 1 : -1]],
        "faults": world.store(Faults).pending(),
        "differences": [one.as_json() for one in world.store(Statements).differences],
        "calls": sorted(switches.CALLS),
        "surfaces": sorted(switches.NOTIFICATIONS),
        "kinds": kinds,
        "all_kinds": sorted({kind for possible in kinds.values() for kind in possible}),
        "merchants": list(world.merchants.values()),
        "settings": world.settings,
        "now": rfc3339(world.clock.now()),
        "speed": world.clock.speed,
    }
