"""What happens to parcels, what WeChat pushes about them, and the calls that are due."""

from app.core import clock, queue
from app.core.db import transaction
from app.shipping import calls, service

BATCH = 500


@queue.task("shipping.parcels_changed")
def parcels_changed(order_id: int) -> None:
    """Have WeChat told of an order's parcels, if it is ever to be."""
    with transaction() as session:
        service.parcels_changed(session, order_id=order_id, now=clock.now())


@queue.task("shipping.carry")
def carry(order_id: int) -> None:
    """Tell WeChat of an order's parcels."""
    calls.carry(order_id)


@queue.task("shipping.heard")
def heard(message_id: int) -> None:
    """Act upon what WeChat pushed about receipt or lateness."""
    calls.hear(message_id)


@queue.periodic("shipping.sweep", cron="* * * * *")
def sweep() -> None:
    """Start every call that is due: WeChat was busy, or did not know the payment yet."""
    calls.defer_due(BATCH)
