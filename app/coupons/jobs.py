"""What is done with coupons in the background: pushes go on, what is over expires."""

from collections.abc import Callable

import structlog

from app.core import clock, queue
from app.core.db import transaction
from app.coupons import pushing
from promotions import coupons

log = structlog.get_logger(__name__)


@queue.task("coupons.push")
def push(push_id: int) -> None:
    """Give the members of a push their coupons, batch by batch; repeating it goes on with it."""
    _until_done(pushing.advance, push_id)


@queue.task("coupons.revoke_push")
def revoke_push(push_id: int) -> None:
    """Take back what a push gave and is unused, batch by batch."""
    _until_done(pushing.take_back, push_id)


@queue.periodic("coupons.expire_due", cron="*/5 * * * *")
def expire_due() -> None:
    """Expire every unused coupon whose validity or campaign has ended, batch by batch."""
    total, expired = 0, None
    while expired != 0:
        with transaction() as session:
            expired = coupons.expire(session, now=clock.now())
        total += expired
    if total:
        log.info("coupons_expired", coupons=total)


def _until_done(step: Callable[..., bool], push_id: int) -> None:
    is_going_on = True
    while is_going_on:
        with transaction() as session:
            is_going_on = step(session, push_id=push_id, now=clock.now())
