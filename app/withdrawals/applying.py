"""
What WeChat's word about a payout does here: only its final word moves money, and only once.

Locks: the inbox row, the withdrawal, the payout, then the ledger's accounts.
"""

from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import metrics
from app.payments.applying import APPLIED, IGNORED, Outcome, quarantine
from app.payments.models import PayInbox
from app.withdrawals import facts, schedule, submitting
from app.withdrawals.facts import PayoutFact, Receipt
from app.withdrawals.models import Payout, PayoutStatus
from distribution import withdrawals
from distribution.withdrawals import life
from distribution.withdrawals.models import Withdrawal
from distribution.withdrawals.states import WithdrawalState

log = structlog.get_logger(__name__)

CARRIER = "wechat"


class Applier:
    """Acts upon kept facts about payouts of one merchant: what `app.payments.inbox` asks for."""

    def __init__(self, mchid: str) -> None:
        self._mchid = mchid

    def __call__(self, session: Session, row: PayInbox, now: datetime) -> Outcome:
        """
        Make a kept fact true here.

        :raises MalformedFact: it is not one about a payout.
        """
        return apply_fact(session, facts.read(row.fact), mchid=self._mchid, now=now)


def apply_fact(session: Session, fact: PayoutFact, *, mchid: str, now: datetime) -> Outcome:
    """Make what WeChat says about a payout true here, once; what does not fit changes nothing."""
    number = fact.out_bill_no
    try:
        asked, payout = locked(session, number)
    except withdrawals.UnknownWithdrawal:
        return quarantine("unknown_number", out_bill_no=number)
    reason = facts.mismatch(fact, mchid=mchid, amount_fen=asked.net_fen)
    if reason is None and payout.sent_at is None:
        reason = "never_sent"
    if reason is not None:
        return quarantine(reason, out_bill_no=number, amount_fen=fact.amount_fen)
    status = PayoutStatus(payout.status)
    if facts.is_final(status):
        return _again(status, fact)
    if not facts.is_final(fact.status):
        return APPLIED if _advance(payout, fact.status, fact.transfer_bill_no, now) else IGNORED
    _settle(payout, fact.status, now)
    payout.transfer_bill_no, payout.fail_reason = fact.transfer_bill_no, fact.fail_reason
    session.flush()
    _end(session, asked, payout, now)
    return APPLIED


def hear_receipt(session: Session, out_bill_no: str, receipt: Receipt, *, now: datetime) -> bool:
    """
    Note how far WeChat is, from its answer to a create or a cancel; it settles nothing.

    An answer like that names no amount, so what is final in it is asked about at once. False if the
    payout is over here, but not there: it must be cancelled.
    """
    payout = session.scalars(
        select(Payout)
        .where(Payout.out_bill_no == out_bill_no)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one()
    is_final_there = facts.is_final(receipt.status)
    if facts.is_final(PayoutStatus(payout.status)):
        return is_final_there or payout.status == PayoutStatus.SUCCESS
    payout.last_error = None
    payout.package_info = receipt.package_info or payout.package_info
    if is_final_there:
        submitting.hurry(payout, now=now)
    else:
        _advance(payout, receipt.status, receipt.transfer_bill_no, now)
    session.flush()
    return True


def never_arrived(session: Session, out_bill_no: str, *, now: datetime) -> bool:
    """
    Return the money of a payout that WeChat does not know and that will not be sent any more.

    False while a sending may still be under way; then WeChat is asked again later.
    """
    asked, payout = locked(session, out_bill_no)
    if payout.cancel_asked_at is None or facts.is_final(PayoutStatus(payout.status)):
        return False
    if payout.called_at is not None and now - payout.called_at < schedule.IN_FLIGHT:
        return False
    _settle(payout, PayoutStatus.CANCELLED, now)
    session.flush()
    _end(session, asked, payout, now)
    return True


def drop(session: Session, out_bill_no: str, *, by: str, reason: str, now: datetime) -> None:
    """Return the money of a payout that was never sent; nothing if it was, or is over."""
    asked, payout = locked(session, out_bill_no)
    if payout.sent_at is not None or payout.status != PayoutStatus.PENDING:
        return
    if payout.cancel_asked_at is None:
        payout.cancel_asked_at, payout.cancel_by, payout.cancel_reason = now, by, reason
    _settle(payout, PayoutStatus.CANCELLED, now)
    session.flush()
    _end(session, asked, payout, now)


def locked(session: Session, out_bill_no: str) -> tuple[Withdrawal, Payout]:
    """
    Lock a withdrawal, then its payout, as everybody who moves money does.

    :raises UnknownWithdrawal: there is none.
    """
    asked = life.locked(session, out_bill_no)
    payout = session.scalars(
        select(Payout)
        .where(Payout.out_bill_no == out_bill_no)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one()
    return asked, payout


def _again(status: PayoutStatus, fact: PayoutFact) -> Outcome:
    """A word about a payout that is over: the same, less than that, or a contradiction."""
    is_paid_here, is_paid_there = (each is PayoutStatus.SUCCESS for each in (status, fact.status))
    if is_paid_there and not is_paid_here:
        # Money left after we gave it back. It cannot happen while WeChat keeps its word.
        return quarantine("paid_after_return", out_bill_no=fact.out_bill_no)
    if is_paid_here and not is_paid_there and facts.is_final(fact.status):
        return quarantine("failed_after_payment", out_bill_no=fact.out_bill_no)
    return APPLIED if fact.status is status else IGNORED


def _advance(payout: Payout, status: PayoutStatus, transfer_bill_no: str, now: datetime) -> bool:
    """Move a payout up to a state that is not final; False if it is no news."""
    payout.transfer_bill_no = transfer_bill_no
    if facts.RANKS[status] <= facts.RANKS[PayoutStatus(payout.status)]:
        return False
    payout.status = status
    payout.polls = 0
    payout.next_poll_at = schedule.next_poll(polls=0, now=now)
    metrics.withdrawals.labels(status).inc()
    return True


def _settle(payout: Payout, status: PayoutStatus, now: datetime) -> None:
    payout.status, payout.settled_at = status, now
    payout.next_poll_at = payout.last_error = None
    metrics.withdrawals.labels(status).inc()
    log.info("payout_settled", out_bill_no=payout.out_bill_no, status=status.value)


def _end(session: Session, asked: Withdrawal, payout: Payout, now: datetime) -> None:
    """Post the money where WeChat's final word says it is."""
    assert asked.state == WithdrawalState.PAYING, f"{asked.no} is {asked.state}"
    wanted: dict[str, Any] = {"no": asked.no, "now": now}
    if payout.status == PayoutStatus.SUCCESS:
        withdrawals.pay_out(session, by=CARRIER, **wanted)
        return
    reason = payout.fail_reason or payout.cancel_reason or PayoutStatus.CANCELLED.upper()
    withdrawals.give_back(session, by=payout.cancel_by or CARRIER, reason=reason, **wanted)
