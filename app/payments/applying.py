"""
What a fact of WeChat does here: to an attempt and its order, or to a refund and its order.

Facts come in any order and any number of times. A fact acts only if it knows more than we do, on
rows locked in the documented order, and never if it does not fit what we asked for.
"""

from datetime import datetime
from typing import NamedTuple

import structlog
from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from app.core import metrics
from app.orders import queries as orders
from app.orders import service as order_moves
from app.payments import attempts, decided, facts, origins, service
from app.payments.decision_models import Decision
from app.payments.facts import Known, RefundFact, RefundStanding, Standing, TradeFact
from app.payments.models import InboxStatus, Payment, PaymentStatus, Refund, RefundStatus

log = structlog.get_logger(__name__)


class Outcome(NamedTuple):
    """What became of a fact; the reason only of one that does not fit."""

    status: InboxStatus
    reason: str | None = None


APPLIED, IGNORED = Outcome(InboxStatus.APPLIED), Outcome(InboxStatus.IGNORED)

STANDING = {
    PaymentStatus.CREATED: Standing.ABSENT,
    PaymentStatus.OPEN: Standing.OPEN,
    PaymentStatus.CLOSED: Standing.CLOSED,
    PaymentStatus.PAID: Standing.PAID,
    PaymentStatus.PAID_LATE: Standing.PAID,
    PaymentStatus.PAID_DUPLICATE: Standing.PAID,
}
REFUND_STATUS = {
    RefundStanding.PENDING: RefundStatus.PENDING,
    RefundStanding.PROCESSING: RefundStatus.PROCESSING,
    RefundStanding.ABNORMAL: RefundStatus.ABNORMAL,
    RefundStanding.CLOSED: RefundStatus.CLOSED,
    RefundStanding.SUCCESS: RefundStatus.SUCCESS,
}
REFUND_STANDING = {status: standing for standing, status in REFUND_STATUS.items()}
ENDS = {Decision.REFUND: InboxStatus.RETURNED, Decision.DISMISS: InboxStatus.DISMISSED}
"""What a person's decision about money makes of the facts that tell of it and do not fit."""


def quarantine(reason: str, **context: object) -> Outcome:
    """Set a fact aside for a person, and call one."""
    log.error("payment_fact_quarantined", reason=reason, **context)
    metrics.payments.labels("quarantined").inc()
    return Outcome(InboxStatus.QUARANTINED, reason)


def apply_trade(session: Session, fact: TradeFact, *, now: datetime) -> Outcome:
    """Make what WeChat says about a transaction true here, once."""
    payment_id = attempts.id_of(session, out_trade_no=fact.out_trade_no)
    if payment_id is None:
        return _set_aside(session, fact, "unknown_number")
    _, payment = attempts.locked(session, payment_id=payment_id)
    if reason := misfit(session, fact, payment):
        return _set_aside(session, fact, reason)
    before = known_of(payment)
    after = facts.merge(before, facts.told(fact))
    if after.standing is before.standing:
        # Said before. Money that is here is here, however often it is said.
        return APPLIED if fact.standing is Standing.PAID else IGNORED
    return _rise(session, payment, after, now)


def _rise(session: Session, payment: Payment, known: Known, now: datetime) -> Outcome:
    """Make true of a locked attempt what is more than was known."""
    if known.standing is Standing.PAID:
        if decided.about(session, known.transaction_id) is Decision.REFUND:
            return Outcome(InboxStatus.RETURNED, "decided")
        _receive(session, payment, known, now)
        return APPLIED
    if known.standing is Standing.CLOSED:
        attempts.end(payment, now)
        session.flush()
        return APPLIED
    return IGNORED


def known_of(payment: Payment) -> Known:
    """Give what an attempt's row knows."""
    status = PaymentStatus(payment.status)
    return Known(STANDING[status], payment.transaction_id, payment.paid_at)


def _set_aside(session: Session, fact: TradeFact, reason: str) -> Outcome:
    """Leave what does not fit to a person, unless one has decided about that money already."""
    decision = decided.about(session, fact.transaction_id)
    if decision in ENDS:
        return Outcome(ENDS[decision], reason)
    return quarantine(reason, out_trade_no=fact.out_trade_no, amount_fen=fact.amount_fen)


def misfit(session: Session, fact: TradeFact, payment: Payment) -> str | None:
    """Tell why a fact is not about this attempt, its merchant and its amount; None when it is."""
    reason = facts.trade_mismatch(
        fact, appid=payment.appid, mchid=payment.mchid, amount_fen=payment.amount_fen
    )
    if reason or fact.transaction_id is None:
        return reason
    if payment.transaction_id is not None:
        return None if payment.transaction_id == fact.transaction_id else "other_transaction"
    is_taken = session.scalar(select(exists().where(Payment.transaction_id == fact.transaction_id)))
    return "other_transaction" if is_taken else None


def _receive(session: Session, payment: Payment, known: Known, now: datetime) -> None:
    """Give the money to its order; what the order cannot take goes back by itself."""
    assert known.transaction_id is not None
    assert known.paid_at is not None
    status = _give(session, payment, known.transaction_id, known.paid_at, now)
    payment.status = status
    payment.transaction_id, payment.paid_at = known.transaction_id, known.paid_at
    payment.next_poll_at = None
    session.flush()
    metrics.payments.labels(status).inc()
    log.info("payment_received", out_trade_no=payment.out_trade_no, outcome=status.value)
    if status is not PaymentStatus.PAID:
        service.owe_back(session, payment, kind=status.removeprefix("paid_"), now=now)


def _give(
    session: Session, payment: Payment, transaction_id: str, paid_at: datetime, now: datetime
) -> PaymentStatus:
    """Let the order take the money, if it can; what became of the money."""
    try:
        is_first = order_moves.mark_paid(
            session,
            order_id=payment.order_id,
            transaction_id=transaction_id,
            paid_fen=payment.amount_fen,
            paid_at=paid_at,
            now=now,
        )
    except order_moves.OrderClosed:
        is_revived = order_moves.revive(
            session,
            order_id=payment.order_id,
            transaction_id=transaction_id,
            paid_fen=payment.amount_fen,
            paid_at=paid_at,
            now=now,
        )
        return PaymentStatus.PAID if is_revived else PaymentStatus.PAID_LATE
    return PaymentStatus.PAID if is_first else PaymentStatus.PAID_DUPLICATE


def apply_refund(session: Session, fact: RefundFact, *, now: datetime) -> Outcome:
    """Make what WeChat says about a refund true here, once."""
    found = session.scalar(select(Refund).where(Refund.out_refund_no == fact.out_refund_no))
    if found is None or (found.payment_id is None and found.decision_id is None):
        return quarantine("unknown_number", out_refund_no=fact.out_refund_no)
    refund = _lock_refund(session, found)
    origin = origins.of(session, refund)
    reason = facts.refund_mismatch(
        fact,
        mchid=origin.mchid,
        out_trade_no=origin.out_trade_no,
        refund_fen=refund.amount_fen,
        total_fen=origin.total_fen,
    )
    if not reason and (refund.status == RefundStatus.REPLACED or refund.receipt_no):
        if fact.standing is not RefundStanding.SUCCESS:
            return IGNORED
        # WeChat had given it up; another number or a hand gave it back, and now it went twice.
        reason = "replaced_refund" if refund.receipt_no is None else "returned_by_hand"
    if reason:
        return quarantine(reason, out_refund_no=fact.out_refund_no, refund_fen=fact.refund_fen)
    if fact.standing <= REFUND_STANDING[RefundStatus(refund.status)]:
        is_same = REFUND_STATUS[fact.standing] == refund.status
        return APPLIED if is_same else IGNORED
    _advance(session, refund, fact, now)
    return APPLIED


def _lock_refund(session: Session, found: Refund) -> Refund:
    if found.order_id is not None:
        orders.locked(session, order_id=found.order_id)
    return session.scalars(
        select(Refund)
        .where(Refund.id == found.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one()


def _advance(session: Session, refund: Refund, fact: RefundFact, now: datetime) -> None:
    refund.status = REFUND_STATUS[fact.standing]
    refund.refund_id = fact.refund_id
    refund.last_error = None
    if fact.standing is RefundStanding.SUCCESS:
        refund.settled_at = fact.refunded_at
    if fact.standing in {RefundStanding.SUCCESS, RefundStanding.CLOSED}:
        refund.next_poll_at = None
    session.flush()
    metrics.payments.labels(f"refund_{refund.status}").inc()
    if fact.standing in {RefundStanding.ABNORMAL, RefundStanding.CLOSED}:
        # The money is still owed and WeChat will not move it by itself: a person must.
        log.error("refund_stuck", out_refund_no=refund.out_refund_no, status=refund.status)
    if fact.standing is RefundStanding.SUCCESS:
        service.succeeded(session, refund, now=now)
