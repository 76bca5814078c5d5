"""The way of a refund to WeChat: claimed, sent with one body for ever, asked about, parked."""

from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.payments import schedule
from app.payments.models import Payment, Refund, RefundStatus
from app.wechat import bodies

log = structlog.get_logger(__name__)

UNSETTLED = (RefundStatus.PENDING, RefundStatus.PROCESSING, RefundStatus.ABNORMAL)
ERROR_MAX = 200


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


def claim(session: Session, *, refund_id: int, notify_url: str, now: datetime) -> Errand | None:
    """
    Take one turn at a refund; None if it is settled or not due.

    The body and the fact that it is being sent are recorded before it is sent.
    """
    refund = session.scalar(
        select(Refund)
        .where(Refund.id == refund_id, Refund.status.in_(UNSETTLED), Refund.next_poll_at <= now)
        .with_for_update(skip_locked=True, key_share=True)
        .execution_options(populate_existing=True)
    )
    if refund is None:
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
        may_be_sent=refund.status == RefundStatus.PENDING,
    )


def park(session: Session, *, refund_id: int, error: str) -> None:
    """
    Record that WeChat refuses the refund for now; it is tried again with the same number.

    `NOT_ENOUGH` needs money in the merchant's account, other codes a person's look: both alert.
    """
    refund = session.get_one(Refund, refund_id, with_for_update={"key_share": True})
    refund.last_error = error[:ERROR_MAX]
    session.flush()
    log.error("refund_refused", out_refund_no=refund.out_refund_no, error=refund.last_error)


def _body(session: Session, refund: Refund, notify_url: str) -> bytes:
    payment = session.get_one(Payment, refund.payment_id)
    assert payment.transaction_id is not None
    return bodies.refund_body(
        transaction_id=payment.transaction_id,
        out_refund_no=refund.out_refund_no,
        reason=refund.reason,
        notify_url=notify_url,
        refund_fen=refund.amount_fen,
        total_fen=payment.amount_fen,
    )
