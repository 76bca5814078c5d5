"""The end of bulk buys: closed once nothing of it is unpaid, then settled order by order."""

import structlog

from app.bulk_buys import settling
from app.core import clock, queue
from app.core.db import read, transaction
from promotions import bulk_buys

BATCH = 200
"""How many orders are handed to jobs of their own in one transaction."""

log = structlog.get_logger(__name__)


@queue.periodic("bulk_buys.close_over", cron="* * * * *")
def close_over() -> None:
    """Close the bulk buys that are over, and have every order that waits for it settled."""
    now = clock.now()
    for promotion_id in bulk_buys.due_to_close(read(), now=now):
        with transaction() as session:
            if bulk_buys.close(session, promotion_id=promotion_id, now=now):
                log.info("bulk_buy_closed", promotion_id=promotion_id)
    _hand_out()


@queue.task("bulk_buys.settle_order")
def settle_order(order_no: str) -> None:
    """Give back what the end of its bulk buy brings one order; repeating it changes nothing."""
    with transaction() as session:
        settling.settle(session, order_no=order_no, now=clock.now())


def _hand_out() -> None:
    """Give each unsettled order of closed campaigns a job, unless it has one waiting."""
    task, after_id, found = "bulk_buys.settle_order", 0, BATCH
    while found == BATCH:
        with transaction() as session:
            batch = bulk_buys.hanging(session, after_id=after_id, limit=BATCH)
            for share_id, source in batch:
                order_no = source.removeprefix("order:")
                queue.defer(session, task, queueing_lock=f"{task}:{order_no}", order_no=order_no)
                after_id = share_id
            found = len(batch)
