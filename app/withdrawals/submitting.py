"""The way of a payout to WeChat: claimed, sent with one body for ever, asked about, stopped."""

from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import metrics
from app.members import queries as members
from app.wechat import bodies
from app.wechat.sealing import Seal
from app.withdrawals import payees, schedule
from app.withdrawals.models import STOPPABLE, UNSETTLED, Payee, Payout, PayoutStatus
from distribution import withdrawals

log = structlog.get_logger(__name__)

ERROR_MAX = 200
NAME_FROM_FEN = 30
"""WeChat takes no name with less."""
EXPIRED = "超过 24 小时未确认收款"


@dataclass(frozen=True, slots=True)
class Address:
    """Who pays, and where WeChat tells about it."""

    appid: str
    notify_url: str


@dataclass(frozen=True, slots=True)
class Errand:
    """What to do at WeChat about one payout, now; plain values, used outside any transaction."""

    out_bill_no: str
    body: bytes
    serial: str | None
    was_sent: bool
    """It was sent before: ask WeChat first."""
    may_be_sent: bool
    """Nobody wants it stopped, and WeChat may be without it."""
    wants_package: bool
    """WeChat waits for the distributor, and we lack the package: the same body brings it."""
    is_stopping: bool
    send_by: datetime
    is_too_old: bool
    """So old that WeChat may have forgotten it."""


def claim(
    session: Session,
    *,
    out_bill_no: str,
    address: Address,
    seal: Seal | None,
    is_asked: bool = False,
    now: datetime,
) -> Errand | None:
    """
    Take one turn at a payout; None if it is settled, taken, or (unless `is_asked`) not due.

    The body, and that it is being sent, are recorded before it is sent. What nobody confirmed for a
    day is stopped from here on.

    :raises MemberNotFound: it was never sent, and the member has left.
    """
    wanted = select(Payout).where(Payout.out_bill_no == out_bill_no, Payout.status.in_(UNSETTLED))
    if not is_asked:
        wanted = wanted.where(Payout.next_poll_at <= now)
    payout = session.scalar(
        wanted.with_for_update(skip_locked=True, key_share=True).execution_options(
            populate_existing=True
        )
    )
    if payout is None:
        return None
    was_sent = payout.sent_at is not None
    if payout.request_body is None:
        _make_body(session, payout, address, seal)
        payout.sent_at = now
    assert payout.sent_at is not None
    assert payout.request_body is not None
    _stop_overdue(payout, now)
    is_stopping = payout.cancel_asked_at is not None
    is_too_old = now - payout.sent_at > schedule.KNOWN_FOR
    may_be_sent = not is_stopping and not is_too_old and payout.status in STOPPABLE
    if may_be_sent:
        payout.called_at = now
    payout.next_poll_at = schedule.next_poll(polls=payout.polls, now=now)
    payout.polls += 1
    session.flush()
    return Errand(
        out_bill_no=payout.out_bill_no,
        body=payout.request_body,
        serial=payout.serial,
        was_sent=was_sent,
        may_be_sent=may_be_sent,
        wants_package=may_be_sent and payout.package_info is None,
        is_stopping=is_stopping,
        send_by=now + schedule.SEND_WITHIN,
        is_too_old=is_too_old,
    )


def stop(payout: Payout, *, by: str, reason: str, now: datetime) -> None:
    """Want a payout that is locked stopped: it is not sent again, and WeChat is asked to cancel."""
    if payout.cancel_asked_at is None:
        payout.cancel_asked_at = now
        payout.cancel_by, payout.cancel_reason = by, reason
    hurry(payout, now=now)


def hurry(payout: Payout, *, now: datetime) -> None:
    """Have a locked payout looked at as soon as possible, and often for a while."""
    payout.polls = 0
    payout.next_poll_at = now


def park(session: Session, *, out_bill_no: str, error: str) -> None:
    """
    Record that WeChat refuses the payout for now; it is tried again with the same number.

    `NOT_ENOUGH` needs money in the merchant's account, other codes a person's look: both alert.
    """
    payout = session.scalar(
        select(Payout)
        .where(Payout.out_bill_no == out_bill_no, Payout.status.in_(UNSETTLED))
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    if payout is None:
        return
    payout.last_error = error[:ERROR_MAX]
    session.flush()
    metrics.withdrawals.labels("parked").inc()
    log.error("payout_refused", out_bill_no=out_bill_no, error=payout.last_error)


def _stop_overdue(payout: Payout, now: datetime) -> None:
    assert payout.sent_at is not None
    is_over = now - payout.sent_at >= schedule.CONFIRM_WITHIN
    if is_over and payout.cancel_asked_at is None and payout.status in STOPPABLE:
        payout.cancel_asked_at, payout.cancel_by = now, "system"
        payout.cancel_reason = EXPIRED


def _make_body(session: Session, payout: Payout, address: Address, seal: Seal | None) -> None:
    asked = withdrawals.get(session, payout.out_bill_no)
    name = None
    if payout.payee_id is not None and asked.net_fen >= NAME_FROM_FEN:
        assert seal is not None, "a payout with a name is claimed with a key"
        payee = session.get_one(Payee, payout.payee_id)
        name = seal.close(payees.reveal(payee).real_name)
        payout.serial = seal.serial
    payout.request_body = bodies.transfer_body(
        appid=address.appid,
        out_bill_no=payout.out_bill_no,
        openid=members.openid_of(session, payout.member_id),
        amount_fen=asked.net_fen,
        notify_url=address.notify_url,
        sealed_name=name,
    )


def needs_seal(session: Session, *, out_bill_no: str) -> bool:
    """Whether the next claim has to make a body that may carry a name."""
    return (
        session.scalar(
            select(Payout.id).where(
                Payout.out_bill_no == out_bill_no,
                Payout.payee_id.is_not(None),
                Payout.request_body.is_(None),
                Payout.status == PayoutStatus.PENDING,
            )
        )
        is not None
    )
