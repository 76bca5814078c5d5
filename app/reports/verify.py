"""The promise of replay: a stored quote comes out again, byte for byte."""

from collections.abc import Iterator
from functools import cache, partial

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.verify import Breach
from app.orders import queries as orders
from app.orders.models import Order
from app.reports import explanation
from promotions import replay
from promotions.pricing import ENGINE_VERSION

SAMPLE = 200
"""How many of the latest orders are priced again."""


def verify(session: Session) -> Iterator[Breach]:
    """Yield each of the latest orders whose stored cart does not give its stored quote again."""
    latest = session.scalars(
        select(Order)
        .where(Order.quote_input.is_not(None))
        .order_by(Order.id.desc())
        .limit(SAMPLE)
        .execution_options(populate_existing=True)
    ).all()
    snapshot_of = cache(partial(replay.snapshot, session))
    for order in latest:
        if orders.quote_of(order)["engine_version"] != ENGINE_VERSION:
            continue
        again = explanation.replayed(order, snapshot_of)
        if again is None or again.canonical() != order.quote:
            found = (
                "nothing" if again is None else f"{again.payable_fen} fen, digest {again.digest}"
            )
            detail = f"snapshot {order.snapshot_version} gives {found}, not {order.quote_digest}"
            yield Breach("reports.quotes_come_out_again", f"order {order.order_no}", detail)
