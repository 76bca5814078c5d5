"""
What staff do about a refund that is stuck: ask again now, name another account, take a new number.

A new number is taken only for what WeChat has closed: under the old one nothing can come any more.
The old row stays as `replaced`; whatever the refund is for has the new one. Locks: the order, the
payment, the refund.
"""

from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import metrics, numbers, queue
from app.core.errors import Conflict, NotFound
from app.orders import queries as orders
from app.payments import service, submitting
from app.payments.decision_models import RefundAction, RefundVerb
from app.payments.models import Payment, Refund, RefundStatus

log = structlog.get_logger(__name__)

RETRIED = (RefundStatus.PENDING, RefundStatus.PROCESSING, RefundStatus.ABNORMAL)


class RefundNotFound(NotFound):
    """There is no refund with this number."""

    code, title = "refund_not_found", "退款单不存在"


class RefundStateForbids(Conflict):
    """The refund is not in a state that allows this; `refund_status` says which it is in."""

    code, title = "refund_state_forbids", "退款单当前状态不允许该操作"


@dataclass(frozen=True, slots=True)
class Instruction:
    """Who of the staff wants it done, and why."""

    staff_id: int
    reason: str


@dataclass(frozen=True, slots=True)
class Rescue:
    """The exact request that names another account, made before it is recorded."""

    to: str
    """Whose account: `USER_BANK_CARD` or `MERCHANT_BANK_CARD`."""
    body: bytes
    serial: str | None


def retry(session: Session, wanted: Instruction, *, number: str, now: datetime) -> Refund:
    """
    Have WeChat asked at once, under the same number: the account is topped up, or the like.

    :raises RefundNotFound: there is none.
    :raises RefundStateForbids: it is settled, or closed: then it needs a new number.
    """
    refund = _locked(session, number, *RETRIED)
    refund.next_poll_at = now
    _note(session, refund, RefundVerb.RETRY, wanted, "", now)
    queue.defer(session, "payments.submit_refund", refund_id=refund.id)
    return refund


def rescue(
    session: Session, wanted: Instruction, rescue: Rescue, *, number: str, now: datetime
) -> Refund:
    """
    Have WeChat asked to give abnormal money to another account; until it arrives it is abnormal.

    :raises RefundNotFound: there is none.
    :raises RefundStateForbids: WeChat does not call it abnormal.
    """
    refund = _locked(session, number, RefundStatus.ABNORMAL)
    refund.rescue_body, refund.rescue_serial = rescue.body, rescue.serial
    refund.next_poll_at = now
    refund.last_error = None
    _note(session, refund, RefundVerb.RESCUE, wanted, rescue.to, now)
    queue.defer(session, "payments.submit_refund", refund_id=refund.id)
    return refund


def replace(session: Session, wanted: Instruction, *, number: str, now: datetime) -> Refund:
    """
    Begin a closed refund anew under another number, and return that one.

    :raises RefundNotFound: there is none.
    :raises RefundStateForbids: WeChat has not closed it.
    :raises TooManyParts: its payment has gone back in fifty parts.
    """
    old = _locked(session, number, RefundStatus.CLOSED)
    if old.payment_id is not None:
        payment = session.get_one(Payment, old.payment_id, with_for_update={"key_share": True})
        service.keep_within_parts(session, payment)
    source, old.source = old.source, f"replaced:{old.out_refund_no}"
    session.flush()
    new = Refund(
        out_refund_no=numbers.out_refund_no(now),
        payment_id=old.payment_id,
        order_id=old.order_id,
        decision_id=old.decision_id,
        source=source,
        amount_fen=old.amount_fen,
        line_amounts=old.line_amounts,
        freight_fen=old.freight_fen,
        reason=old.reason,
        created_at=now,
    )
    service.begin(session, new, now=now)
    old.status, old.replaced_by_id = RefundStatus.REPLACED, new.id
    old.last_error = None
    _note(session, old, RefundVerb.REPLACE, wanted, new.out_refund_no, now)
    return new


def by_hand(
    session: Session, wanted: Instruction, *, number: str, receipt_no: str, now: datetime
) -> Refund:
    """
    Record that the money was given back outside of WeChat, which never will: it counts as back.

    :raises RefundNotFound: there is none.
    :raises RefundStateForbids: WeChat may still bring it: it has not closed it, nor is it too old.
    """
    refund = _locked(session, number, RefundStatus.CLOSED, RefundStatus.PENDING)
    is_never = (refund.last_error or "").startswith(submitting.NEVER)
    if refund.status == RefundStatus.PENDING and not is_never:
        raise RefundStateForbids(refund_status=refund.status)
    refund.status, refund.settled_at, refund.receipt_no = RefundStatus.SUCCESS, now, receipt_no
    refund.next_poll_at = refund.last_error = None
    _note(session, refund, RefundVerb.BY_HAND, wanted, receipt_no, now)
    service.succeeded(session, refund, now=now)
    return refund


def _locked(session: Session, number: str, *allowed: RefundStatus) -> Refund:
    found = session.scalar(select(Refund).where(Refund.out_refund_no == number))
    if found is None:
        raise RefundNotFound
    if found.order_id is not None:
        orders.locked(session, order_id=found.order_id)
    refund = session.get_one(
        Refund, found.id, with_for_update={"key_share": True}, populate_existing=True
    )
    if refund.status not in allowed:
        raise RefundStateForbids(refund_status=refund.status)
    return refund


def _note(
    session: Session,
    refund: Refund,
    verb: RefundVerb,
    wanted: Instruction,
    detail: str,
    now: datetime,
) -> None:
    session.add(
        RefundAction(
            refund_id=refund.id,
            verb=verb,
            reason=wanted.reason,
            detail=detail,
            staff_id=wanted.staff_id,
            done_at=now,
        )
    )
    session.flush()
    metrics.payments.labels(f"refund_{verb}").inc()
    log.warning("refund_acted_upon", out_refund_no=refund.out_refund_no, verb=verb.value)
