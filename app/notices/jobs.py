"""Sending notices; no transaction is open while WeChat is asked."""

import structlog

from app import wechat
from app.core import clock, queue
from app.core.db import transaction
from app.notices import sending
from app.notices.models import NoticeStatus
from app.notices.sending import Letter
from app.wechat.errors import ResultUnknown, WeChatRefused
from app.wechat.messages import MessageNotAllowed
from app.wechat.mini import Busy

log = structlog.get_logger(__name__)


@queue.task("notices.send")
def send(notice_id: int) -> None:
    """Send one notice, unless somebody has taken it or it is too late."""
    with transaction() as session:
        letter = sending.take(session, notice_id, now=clock.now())
    if letter is None:
        return
    status, reason = _sent(letter)
    with transaction() as session:
        sending.settle(session, letter, status, reason=reason, now=clock.now())


def _sent(letter: Letter) -> tuple[NoticeStatus, str | None]:
    """Hand a notice to WeChat; return what became of it, and why."""
    try:
        wechat.clients().messages.send(
            letter.event, openid=letter.openid, page=letter.page, values=letter.values
        )
    except MessageNotAllowed:
        return NoticeStatus.REFUSED, sending.NOT_ALLOWED
    except WeChatRefused as refused:
        log.error("notice_refused", notice_id=letter.notice_id, error=str(refused))
        return NoticeStatus.REFUSED, refused.reason
    except Busy:
        return NoticeStatus.WAITING, "busy"
    except ResultUnknown as unknown:
        log.warning("notice_unknown", notice_id=letter.notice_id, error=str(unknown))
        return NoticeStatus.SENDING, "unknown"
    return NoticeStatus.SENT, None
