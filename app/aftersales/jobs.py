"""What payments tells after-sales: the money of a refund is back."""

from app.aftersales import service
from app.core import clock, queue
from app.core.db import transaction


@queue.task("aftersales.refund_settled")
def refund_settled(source: str) -> None:
    """Close the case that asked for the refund `source`, if one did."""
    with transaction() as session:
        service.settle(session, source=source, now=clock.now())
