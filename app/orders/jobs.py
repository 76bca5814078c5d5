"""What time does to orders: they expire, count as received, and are completed."""

from collections.abc import Callable

from app.core import clock, queue
from app.core.db import transaction
from app.orders import service
from app.orders.closing import BATCH


@queue.task("orders.expire")
def expire(order_id: int) -> None:
    """Begin to close one order when its time to pay is over."""
    with transaction() as session:
        service.expire(session, order_id=order_id, now=clock.now())


@queue.periodic("orders.expire_due", cron="* * * * *")
def expire_due() -> None:
    """Begin to close what the timers missed, and ask again about what hangs in closing."""
    with transaction() as session:
        service.expire_due(session, now=clock.now())


@queue.periodic("orders.receive_due", cron="7 * * * *")
def receive_due() -> None:
    """Count as received what was shipped long enough ago."""
    _sweep(service.receive_due)


@queue.periodic("orders.complete_due", cron="37 * * * *")
def complete_due() -> None:
    """Complete what was received long enough ago."""
    _sweep(service.complete_due)


def _sweep(step: Callable[..., int]) -> None:
    """Run a step batch by batch until less than a batch was due."""
    now = clock.now()
    moved = BATCH
    while moved == BATCH:
        with transaction() as session:
            moved = step(session, now=now)
