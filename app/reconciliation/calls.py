"""
The edge towards WeChat: fetch the bills, compare, ask about what does not agree, compare again.

Each function opens its own transactions and holds none while WeChat is called. Each may be cut off
anywhere and called again.
"""

import tempfile
from datetime import date
from typing import Any

import structlog

from app import wechat
from app.core import clock, days
from app.core.db import read, transaction
from app.payments import calls as refunds
from app.payments import inbox
from app.payments.models import FactKind
from app.reconciliation import loading, matching, questions
from app.reconciliation.models import LineKind
from app.reconciliation.questions import Question
from app.wechat.billing import BillKind, BillNotReady
from app.wechat.bills import MalformedBill
from app.wechat.errors import ResultUnknown, WeChatError, WeChatRefused
from app.withdrawals import calls as payouts

log = structlog.get_logger(__name__)

NOT_FOUND = "NOT_FOUND"
KINDS = {
    LineKind.PAYMENT: FactKind.TRADE,
    LineKind.REFUND: FactKind.REFUND,
    LineKind.PAYOUT: FactKind.PAYOUT,
}
STATES = {LineKind.PAYMENT: "trade_state", LineKind.REFUND: "status", LineKind.PAYOUT: "state"}


def run(day: date) -> bool:
    """
    Do for a day whatever can be done now; False while one of its bills is not there yet.

    :raises WeChatNotConfigured: the mall runs without WeChat.
    """
    fetch(day)
    if not _match(day):
        return False
    asked = {day}
    while batch := _unasked(day):
        for question in batch:
            if not ask(question.kind, question.out_no):
                return True  # WeChat does not answer now: the next run goes on.
            asked.add(question.day)
    for each in sorted(asked):
        _match(each)
    return True


def fetch(day: date) -> None:
    """Fetch the bills of a day that are not there yet; what goes wrong is noted and tried again."""
    with transaction() as session:
        loading.begin(session, day=day, now=clock.now())
        wanted = loading.wanted(session, day=day, now=clock.now())
    for bill in wanted:
        try:
            _fetch(day, bill)
        except (BillNotReady, WeChatError, MalformedBill) as error:
            log.info("bill_put_off", day=day.isoformat(), bill=bill.value, error=str(error))
            with transaction() as session:
                loading.put_off(session, day=day, bill=bill, error=_told(error))


def _told(error: Exception) -> str:
    """What staff read of why there is no bill yet."""
    if isinstance(error, BillNotReady):
        return "STATEMENT_CREATING"
    return f"{type(error).__name__}: {error}"


def _fetch(day: date, bill: BillKind) -> None:
    bills = wechat.clients().bills
    with tempfile.TemporaryFile() as file:
        sha1 = bills.fetch(bill, day, file)
        file.seek(0)
        with transaction() as session:
            if sha1 is None:
                loading.none(session, day=day, bill=bill, now=clock.now())
                return
            loading.load(
                session,
                day=day,
                bill=bill,
                file=file,
                sha1=sha1,
                appid=bills.appid,
                now=clock.now(),
            )


def _match(day: date) -> bool:
    """Compare a day, and with it the day before, which may have waited for this one's bill."""
    with transaction() as session:
        if not loading.is_complete(session, day=day):
            return False
        before = day - days.ONE
        for each in (before, day):
            if each == day or matching.is_matched(session, day=before):
                matching.match(session, day=each, now=clock.now())
                matching.resolve_by_word(session, day=each, now=clock.now())
    return True


def _unasked(day: date) -> list[Question]:
    return questions.unasked(read(), until=day)


def ask(kind: LineKind, out_no: str) -> bool:
    """
    Ask WeChat about one number; its answer goes in as any other. False: it did not answer.

    What it says is noted with the open breaks about that number.
    """
    try:
        resource = _query(kind, out_no)
        if resource is not None:
            _hear(kind, out_no, resource)
        answer = _word(kind, resource)
    except WeChatRefused as refusal:
        answer = refusal.reason
    except ResultUnknown as error:
        log.info("number_unanswered", out_no=out_no, error=str(error))
        return False
    with transaction() as session:
        questions.note(session, kind=kind, out_no=out_no, answer=answer, now=clock.now())
    return True


def _query(kind: LineKind, out_no: str) -> dict[str, Any] | None:
    clients = wechat.clients()
    if kind is LineKind.PAYMENT:
        return clients.pay.query(out_no)
    if kind is LineKind.REFUND:
        return clients.pay.query_refund(out_no)
    return clients.transfers.query(out_no)


def _word(kind: LineKind, resource: dict[str, Any] | None) -> str:
    return NOT_FOUND if resource is None else str(resource.get(STATES[kind], ""))


def _hear(kind: LineKind, out_no: str, resource: dict[str, Any]) -> None:
    """Make the answer true here, by the way every fact goes: kept, checked, applied once."""
    if kind is LineKind.REFUND:
        unsent = questions.unsent_refund(read(), out_no=out_no)
        if unsent is not None:
            # A restored database may not know that it was sent: the same number is sent again.
            refunds.submit_refund(unsent)
            return
    act = payouts.applier() if kind is LineKind.PAYOUT else None
    with transaction() as session:
        inbox.hear_answer(session, KINDS[kind], out_no, resource, now=clock.now(), act=act)
