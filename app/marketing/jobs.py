"""What time does to campaigns: the pieces of a deal go back to the shelf when it is over."""

from app.core import clock, queue
from app.core.db import transaction
from app.marketing import carving


@queue.periodic("marketing.close_deals", cron="* * * * *")
def close_deals() -> None:
    """Put back what is left of deals whose window has passed."""
    with transaction() as session:
        carving.close_over(session, now=clock.now())
