"""What keeps the gates of flash sales true: a sweep of what needs one, and returned units."""

import time
from datetime import datetime, timedelta

import redis
import structlog

from app.core import clock, queue
from app.core.db import db
from app.flash_sales import sweeping
from app.flash_sales.extension import entrance
from app.marketing.service import snapshot
from promotions.pricing.kinds import FlashSale

log = structlog.get_logger(__name__)

TRIES = 20
"""How often a gate that somebody else sweeps is tried again, 50 milliseconds apart."""


@queue.periodic("flash_sales.sweep", cron="* * * * * */10")
def sweep() -> None:
    """Build the gates of sales that are about to begin, and set right those that need it."""
    now = clock.now()
    gate = entrance().gate
    try:
        run = gate.run()
        for promotion_id in _around(now):
            if sweeping.is_due(gate.state(promotion_id), run=run, now=now):
                sweeping.refresh(gate, promotion_id, now=now)
    except redis.RedisError as error:
        log.warning("redis_unavailable", use="flash_sales.sweep", error=str(error))


@queue.task("flash_sales.returned")
def returned(promotion_id: int, member_id: int) -> None:  # noqa: ARG001  # All deals' jobs have both.
    """Let what a closed order gave back be bought at once."""
    for _ in range(TRIES):
        if sweeping.refresh(entrance().gate, promotion_id, now=clock.now()):
            return
        time.sleep(0.05)
    log.warning("flash_sale_not_swept", promotion_id=promotion_id)


def _around(now: datetime) -> list[int]:
    """The sales that run, or whose warm-up has begun."""
    return [
        promotion_id
        for promotion_id, sale in snapshot(db.session(), now=now).promotions.items()
        if isinstance(sale.rule, FlashSale)
        and sale.starts_at - timedelta(minutes=sale.rule.warm_up_minutes) <= now
        and (sale.ends_at is None or now < sale.ends_at)
    ]
