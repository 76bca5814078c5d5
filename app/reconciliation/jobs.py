"""The background work of reconciliation: each day, from half past ten of the next one on."""

from datetime import date

from sqlalchemy.orm import Session

from app.core import clock, queue
from app.core.db import read, transaction
from app.reconciliation import calls, schedule
from app.wechat import clients
from app.wechat.errors import WeChatNotConfigured

RUN = "reconciliation.run"


@queue.task(RUN)
def run(day: str) -> None:
    """Fetch a day's bills, compare them with our books, and ask WeChat about what differs."""
    calls.run(date.fromisoformat(day))


@queue.periodic("reconciliation.daily", cron="0,30 * * * *")
def daily() -> None:
    """Begin the days whose bills should be there, and go on with those that are not done."""
    try:
        clients()
    except WeChatNotConfigured:
        return
    due = schedule.due(read(), now=clock.now())
    with transaction() as session:
        for day in due:
            defer(session, day)


def defer(session: Session, day: date) -> None:
    """Have a day done in the background, one day at a time, the earlier first."""
    text = day.isoformat()
    queue.defer(session, RUN, lock="reconciliation", queueing_lock=f"{RUN}:{text}", day=text)
