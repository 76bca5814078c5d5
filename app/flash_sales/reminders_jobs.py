"""Handing reminders over before a session starts: each becomes a notice, once."""

from app.core import clock, queue
from app.core.db import read, transaction
from app.flash_sales import reminders
from app.flash_sales.pages import template_id


@queue.periodic("flash_sales.remind", cron="* * * * *")
def remind() -> None:
    """Hand over the reminders it is time for; without a template none is sent, ever."""
    if template_id() is None:
        with transaction() as session:
            reminders.drop_waiting(session, reason="not_configured", now=clock.now())
        return
    found, last = [0], 0
    while found:
        found = reminders.due(read(), now=clock.now(), after_id=last)
        for last in found:
            with transaction() as session:
                reminders.hand_over(session, last, now=clock.now())
