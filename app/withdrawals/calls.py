"""
The edge towards WeChat: record the intent and commit, call, record the answer and commit.

One turn at a payout (`carry`) sends it, asks how it stands, or stops it, whatever it needs now. It
opens its own transactions, holds none while it waits, and may be cut off anywhere and run again.
Two at once do no harm: the same number and the same bytes are one payout at WeChat.
"""

from typing import Any

import structlog

from app import wechat
from app.core import clock, metrics
from app.core.db import transaction
from app.members.queries import MemberNotFound
from app.payments import inbox
from app.payments.facts import MalformedFact
from app.payments.models import FactKind
from app.wechat.errors import UntrustedAnswer, WeChatError, WeChatRefused
from app.wechat.transfers import TransferClient
from app.withdrawals import applying, facts, submitting
from app.withdrawals.applying import Applier
from app.withdrawals.models import STOPPABLE, PayoutStatus
from app.withdrawals.submitting import Address, Errand

log = structlog.get_logger(__name__)

PAYOUT_PATH = "/webhooks/wechat/payout"
GONE = "用户已注销，无法打款"
FORGOTTEN = "TOO_OLD: 微信已不再保存该单，请到商户平台核对"
REPEATED = (PayoutStatus.ACCEPTED, PayoutStatus.PROCESSING)
"""States in which the same request may be repeated: one short of money tries to lock it again."""


def carry(out_bill_no: str, *, is_asked: bool = False) -> None:
    """
    Take one turn at a payout, if it is due or somebody asked; unknown answers change nothing.

    :raises WeChatNotConfigured: the mall runs without WeChat.
    """
    transfers = wechat.clients().transfers
    try:
        errand = _claim(transfers, out_bill_no, is_asked=is_asked)
        if errand is not None:
            _talk(transfers, errand)
    except MemberNotFound:
        with transaction() as session:
            applying.drop(session, out_bill_no, by="system", reason=GONE, now=clock.now())
    except WeChatRefused as refusal:
        with transaction() as session:
            submitting.park(session, out_bill_no=out_bill_no, error=str(refusal))
    except WeChatError as error:
        log.info("payout_unanswered", out_bill_no=out_bill_no, error=str(error))


def applier() -> Applier:
    """
    What acts upon kept facts about payouts.

    :raises WeChatNotConfigured: the mall runs without WeChat.
    """
    return Applier(wechat.clients().transfers.mchid)


def _claim(transfers: TransferClient, out_bill_no: str, *, is_asked: bool) -> Errand | None:
    with transaction() as session:
        wants_seal = submitting.needs_seal(session, out_bill_no=out_bill_no)
    seal = transfers.seal(clock.now()) if wants_seal else None
    with transaction() as session:
        return submitting.claim(
            session,
            out_bill_no=out_bill_no,
            address=Address(transfers.appid, f"{transfers.notify_base_url}{PAYOUT_PATH}"),
            seal=seal,
            is_asked=is_asked,
            now=clock.now(),
        )


def _talk(transfers: TransferClient, errand: Errand) -> None:
    known = transfers.query(errand.out_bill_no) if errand.was_sent else None
    status = _hear(errand, known)
    if status is None and errand.is_too_old:
        with transaction() as session:
            submitting.park(session, out_bill_no=errand.out_bill_no, error=FORGOTTEN)
    elif errand.is_stopping:
        _stop(transfers, errand, status)
    elif errand.may_be_sent and _wants_sending(errand, status):
        _send(transfers, errand)


def _wants_sending(errand: Errand, status: PayoutStatus | None) -> bool:
    """Whether to send the body (again): WeChat has none, is short of money, or has our package."""
    if status is PayoutStatus.CONFIRMING:
        return errand.wants_package
    return status is None or status in REPEATED


def _send(transfers: TransferClient, errand: Errand) -> None:
    if clock.now() >= errand.send_by:
        return  # Whatever held us up: somebody may have taken the next turn meanwhile.
    answer = transfers.create(errand.body, out_bill_no=errand.out_bill_no, serial=errand.serial)
    if not _note(errand, answer):
        # It was given back as unknown to WeChat, and arrived after all. Nobody has its package.
        log.error("payout_arrived_after_return", out_bill_no=errand.out_bill_no)
        metrics.withdrawals.labels("arrived_after_return").inc()
        transfers.cancel(errand.out_bill_no)


def _stop(transfers: TransferClient, errand: Errand, status: PayoutStatus | None) -> None:
    if status is None:
        with transaction() as session:
            applying.never_arrived(session, errand.out_bill_no, now=clock.now())
    elif status in STOPPABLE:
        try:
            _note(errand, transfers.cancel(errand.out_bill_no))
        except WeChatRefused as refusal:
            # The distributor was quicker: the next question tells how it ended.
            log.info("payout_not_cancelled", out_bill_no=errand.out_bill_no, error=str(refusal))


def _hear(errand: Errand, known: dict[str, Any] | None) -> PayoutStatus | None:
    """Act upon the answer to a query; the state it names, None if WeChat knows no such number."""
    if known is None:
        return None
    try:
        status = facts.status_of(known)
        with transaction() as session:
            if facts.is_final(status):
                inbox.hear_answer(
                    session,
                    FactKind.PAYOUT,
                    errand.out_bill_no,
                    known,
                    now=clock.now(),
                    act=applier(),
                )
            else:
                applying.hear_receipt(
                    session, errand.out_bill_no, facts.read_receipt(known), now=clock.now()
                )
    except MalformedFact as error:
        raise UntrustedAnswer(f"{errand.out_bill_no}: {error}") from error
    return status


def _note(errand: Errand, answer: dict[str, Any]) -> bool:
    """Note the answer to a create or a cancel; False if the payout is over here but not there."""
    try:
        receipt = facts.read_receipt(answer)
    except MalformedFact as error:
        raise UntrustedAnswer(f"{errand.out_bill_no}: {error}") from error
    with transaction() as session:
        return applying.hear_receipt(session, errand.out_bill_no, receipt, now=clock.now())
