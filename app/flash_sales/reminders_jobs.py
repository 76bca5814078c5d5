"""Sending reminders before a session starts; no transaction is open while WeChat is asked."""

import structlog

from app import wechat
from app.core import clock, queue
from app.core.db import read, transaction
from app.flash_sales import reminders
from app.flash_sales.models import ReminderStatus
from app.flash_sales.pages import EVENT, template_id
from app.flash_sales.reminders import Letter
from app.wechat.errors import ResultUnknown, WeChatRefused
from app.wechat.messages import MessageNotAllowed
from app.wechat.mini import Busy

log = structlog.get_logger(__name__)


@queue.periodic("flash_sales.remind", cron="* * * * *")
def remind() -> None:
    """Send the reminders it is time for, each once; without a template none is sent, ever."""
    if template_id() is None:
        with transaction() as session:
            reminders.drop_waiting(session, reason="not_configured", now=clock.now())
        return
    found, last = [0], 0
    while found:
        found = reminders.due(read(), now=clock.now(), after_id=last)
        for last in found:
            if not _remind(last):
                return


def _remind(reminder_id: int) -> bool:
    """Send one; return whether to go on with the next."""
    with transaction() as session:
        letter = reminders.take(session, reminder_id, now=clock.now())
    if letter is None:
        return True
    status, reason = _sent(letter)
    with transaction() as session:
        reminders.settle(session, reminder_id, status, reason=reason, now=clock.now())
    return status is not ReminderStatus.WAITING


def _sent(letter: Letter) -> tuple[ReminderStatus, str | None]:
    """Hand a reminder to WeChat; return what became of it, and why."""
    try:
        wechat.clients().messages.send(
            EVENT, openid=letter.openid, page=letter.page, values=letter.values
        )
    except MessageNotAllowed:
        return ReminderStatus.REFUSED, "not_allowed"
    except WeChatRefused as refused:
        log.warning("reminder_refused", reminder_id=letter.reminder_id, error=str(refused))
        return ReminderStatus.REFUSED, refused.reason
    except Busy:
        return ReminderStatus.WAITING, None
    except ResultUnknown as unknown:
        log.warning("reminder_unknown", reminder_id=letter.reminder_id, error=str(unknown))
        return ReminderStatus.SENDING, "unknown"
    return ReminderStatus.SENT, None
