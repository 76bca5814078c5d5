"""
The way of a refund to WeChat: claimed, sent with one body for ever, asked about, parked.

Two refunds of one payment are sent a minute apart, as WeChat demands: whoever comes too early waits
for its turn. Locks: the payment, then the refund.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import queue
from app.payments import origins, schedule
from app.payments.models import Payment, Refund, RefundStatus
from app.wechat import bodies

log = structlog.get_logger(__name__)

UNSETTLED = (RefundStatus.PENDING, RefundStatus.PROCESSING, RefundStatus.ABNORMAL)
ERROR_MAX = 200
NEVER = "TRADE_OVERDUE"
"""The payment is older than a year: WeChat will never give it back, however often it is asked."""


class Rescue(NamedTuple):
    """Another account for abnormal money, as WeChat is to be told of it."""

    refund_id: str
    body: bytes
    serial: str | None


@dataclass(frozen=True, slots=True)
class Errand:
    """What to do at WeChat about one refund, now."""

    refund_id: int
    out_refund_no: str
    body: bytes
    may_be_known: bool
    """It was sent before: ask WeChat first."""
    may_be_sent: bool
    """WeChat has not accepted it yet: send it if WeChat knows nothing of it."""
    rescue: Rescue | None
    """Another account for it, to be named if WeChat calls it abnormal."""


def claim(
    session: Session, *, refund_id: int, notify_url: str, gap: timedelta, now: datetime
) -> Errand | None:
    """
    Take one turn at a refund; None if it is settled, not due, or too soon after another's.

    The body and the fact that it is being sent are recorded before it is sent.
    """
    payment = _payment(session, refund_id)
    refund = session.scalar(
        select(Refund)
        .where(Refund.id == refund_id, Refund.status.in_(UNSETTLED), Refund.next_poll_at <= now)
        .with_for_update(skip_locked=True, key_share=True)
        .execution_options(populate_existing=True)
    )
    if refund is None:
        return None
    may_be_sent = refund.status == RefundStatus.PENDING
    if payment is not None and may_be_sent and not _take_turn(session, payment, refund, gap, now):
        return None
    was_sent = refund.submitted_at is not None
    if refund.request_body is None:
        refund.request_body = _body(session, refund, notify_url)
        refund.submitted_at = now
    refund.next_poll_at = schedule.next_refund_poll(polls=refund.polls, now=now)
    refund.polls += 1
    session.flush()
    return Errand(
        refund_id=refund.id,
        out_refund_no=refund.out_refund_no,
        body=refund.request_body,
        may_be_known=was_sent,
        may_be_sent=may_be_sent,
        rescue=_rescue(refund),
    )


def _rescue(refund: Refund) -> Rescue | None:
    if refund.rescue_body is None or refund.refund_id is None:
        return None
    return Rescue(refund.refund_id, refund.rescue_body, refund.rescue_serial)


def rescued(session: Session, *, refund_id: int, now: datetime) -> None:
    """Record that WeChat took the other account: it is named once."""
    refund = session.get_one(Refund, refund_id, with_for_update={"key_share": True})
    refund.rescue_body = refund.rescue_serial = None
    refund.rescued_at = now
    session.flush()


def _payment(session: Session, refund_id: int) -> Payment | None:
    """Lock the payment that the refund is a part of, so that its parts take turns."""
    payment_id = session.scalar(select(Refund.payment_id).where(Refund.id == refund_id))
    if payment_id is None:
        return None
    return session.get(
        Payment, payment_id, with_for_update={"key_share": True}, populate_existing=True
    )


def _take_turn(
    session: Session, payment: Payment, refund: Refund, gap: timedelta, now: datetime
) -> bool:
    """Note that a refund of the payment is sent now; False if the last was less than a gap ago."""
    earliest = now if payment.refund_sent_at is None else payment.refund_sent_at + gap
    if earliest <= now:
        payment.refund_sent_at = now
        return True
    refund.next_poll_at = earliest
    session.flush()
    name = "payments.submit_refund"
    queue.defer(session, name, schedule_at=earliest, refund_id=refund.id)
    return False


def park(session: Session, *, refund_id: int, error: str, reason: str) -> None:
    """
    Record that WeChat refuses the refund for now; it is tried again with the same number.

    `NOT_ENOUGH` needs money in the merchant's account, other codes a person's look: both alert.
    What can never be is not tried again by itself, and an account it refuses not named again.
    """
    refund = session.get_one(Refund, refund_id, with_for_update={"key_share": True})
    refund.rescue_body = refund.rescue_serial = None
    refund.last_error = error[:ERROR_MAX]
    if reason == NEVER:
        refund.next_poll_at = None
    session.flush()
    log.error("refund_refused", out_refund_no=refund.out_refund_no, error=refund.last_error)


def _body(session: Session, refund: Refund, notify_url: str) -> bytes:
    origin = origins.of(session, refund)
    return bodies.refund_body(
        transaction_id=origin.transaction_id,
        out_refund_no=refund.out_refund_no,
        reason=refund.reason,
        notify_url=notify_url,
        refund_fen=refund.amount_fen,
        total_fen=origin.total_fen,
    )
