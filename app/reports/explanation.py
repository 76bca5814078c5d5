"""Why an order cost what it did: its stored quote in words, and the same quote made again."""

import json
from collections.abc import Callable
from enum import StrEnum
from functools import partial
from typing import Any

from sqlalchemy.orm import Session

from app.marketing import wording
from app.orders import queries as orders
from app.orders.models import Order
from promotions import replay
from promotions.pricing import ENGINE_VERSION, Cart, Quote, Snapshot, price
from promotions.replay import UnknownSnapshot


class Replay(StrEnum):
    """What pricing an order's stored cart again shows."""

    IDENTICAL = "identical"
    DIFFERENT = "different"
    OTHER_ENGINE = "other_engine"
    """Priced by another version of the engine, which may answer otherwise."""
    NOT_STORED = "not_stored"
    """The order was placed before carts and snapshots were kept."""


def of(session: Session, *, order_no: str) -> dict[str, Any]:
    """
    Return the quote an order was placed at, in words, and whether it is still what comes out.

    :raises OrderNotFound: there is none.
    """
    order = orders.get(session, order_no=order_no)
    quote = orders.quote_of(order)
    again = replayed(order, partial(replay.snapshot, session))
    outcome = _compared(order, again, quote["engine_version"])
    return {
        "order_no": order.order_no,
        "placed_at": order.placed_at,
        "quote": wording.describe(quote),
        "replay": outcome,
        "replayed": None
        if again is None or outcome is Replay.IDENTICAL
        else wording.describe(again.to_json()),
    }


def replayed(order: Order, snapshot_of: Callable[[int], Snapshot]) -> Quote | None:
    """Return the order's quote made again; None if its cart or its snapshot is lost."""
    if order.quote_input is None:
        return None
    try:
        snapshot = snapshot_of(order.snapshot_version)
    except UnknownSnapshot:
        return None
    return price(Cart.from_json(json.loads(order.quote_input)), snapshot)


def _compared(order: Order, again: Quote | None, engine_version: int) -> Replay:
    if again is None:
        return Replay.NOT_STORED
    if again.canonical() == order.quote:
        return Replay.IDENTICAL
    return Replay.DIFFERENT if engine_version == ENGINE_VERSION else Replay.OTHER_ENGINE
