"""What time does to teams, and the money of those without one."""

from app.core import clock, queue
from app.core.db import transaction
from app.group_buys import ending, refunds


@queue.task("group_buys.refund")
def refund(source: str, reason: str | None = None) -> None:
    """Begin to give the money of one order without a team back."""
    with transaction() as session:
        refunds.refund(session, source=source, reason=reason, now=clock.now())


@queue.task("group_buys.expire")
def expire(team_id: int) -> None:  # noqa: ARG001  # Names the team whose moment it is, in logs.
    """End the teams whose time is over, at the moment one of them is."""
    _expire()


@queue.periodic("group_buys.expire_due", cron="* * * * *")
def expire_due() -> None:
    """End the teams the timers missed, and ask again for refunds nobody has begun."""
    _expire()
    with transaction() as session:
        refunds.ask(session, refunds.forgotten(session))


def _expire() -> None:
    """End what is over, batch by batch."""
    ended = ending.BATCH
    while ended == ending.BATCH:
        with transaction() as session:
            ended = ending.expire_due(session, now=clock.now())
