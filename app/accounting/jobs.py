"""The background work of the books: each day is closed once, soon after it ends."""

import structlog

from app.core import clock, days, queue
from app.core.db import read, transaction
from distribution.reports import trial

log = structlog.get_logger(__name__)


@queue.periodic("accounting.close_days", cron="20 * * * *")
def close_days() -> None:
    """Write the trial balance of every day that is over and has none, the earliest first."""
    now = clock.now()
    while (since := trial.open_since(read())) is not None:
        day = clock.china_day(since)
        if days.end(day) > now:
            return
        with transaction() as session:
            if not trial.close(session, day=day, ends_at=days.end(day), now=now):
                return  # Another worker is ahead, or somebody writes: the next run sees.
        log.info("day_closed", day=day.isoformat())
