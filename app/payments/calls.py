"""
The edge towards WeChat: record the intent and commit, call, record the answer and commit.

Every function here opens its own transactions and holds none while it waits for WeChat. Each may
be cut off anywhere and called again.
"""

from datetime import timedelta
from typing import Any

import structlog

from app import wechat
from app.core import clock
from app.core.db import transaction
from app.orders import queries as orders
from app.orders import service as order_moves
from app.orders.models import CloseReason, OrderStatus
from app.payments import attempts, inbox, submitting
from app.payments.attempts import Payee, Ticket
from app.payments.facts import STANDINGS, Standing
from app.payments.models import FactKind
from app.payments.submitting import Errand
from app.wechat.errors import WeChatError, WeChatRefused
from app.wechat.pay import PayClient

log = structlog.get_logger(__name__)

PAY_PATH = "/webhooks/wechat/pay"
REFUND_PATH = "/webhooks/wechat/refund"

TELLING = {"ORDERPAID", "ORDER_CLOSED", "OUT_TRADE_NO_USED", "INVALID_REQUEST"}
"""Refusals of a prepay that may mean the attempt is over: WeChat is asked how it stands."""
IN_FLIGHT = timedelta(minutes=1)
"""A prepay request may be under way this long before "no such number" is believed."""


class AttemptOver(WeChatRefused):
    """WeChat refuses an attempt that turns out to be closed or paid."""


def prepay(*, order_no: str, buyer_id: int) -> dict[str, str]:
    """
    Return the parameters of `wx.requestPayment` for the buyer's order.

    Safe to repeat: while an attempt is open, the same number and the same bytes are used.

    :raises AlreadyPaid: the order is paid, perhaps just found out.
    :raises OrderClosed: the order is closed, closing, or out of time.
    :raises ResultUnknown: WeChat does not answer; try again.
    :raises WeChatRefused: WeChat refuses the attempt.
    """
    pay = wechat.clients().pay
    try:
        prepay_id = _open(pay, order_no, buyer_id)
    except AttemptOver:
        prepay_id = _open(pay, order_no, buyer_id)  # Under a new number.
    return pay.request_payment_params(prepay_id, clock.now())


def _open(pay: PayClient, order_no: str, buyer_id: int) -> str:
    """Return a prepay_id for the order's open attempt, or for a new one."""
    payee = Payee(pay.appid, pay.mchid, f"{pay.notify_base_url}{PAY_PATH}")
    with transaction() as session:
        ticket = attempts.begin(
            session, order_no=order_no, buyer_id=buyer_id, payee=payee, now=clock.now()
        )
    if ticket.prepay_id is not None:
        return ticket.prepay_id
    try:
        prepay_id = pay.prepay(ticket.body)
    except WeChatRefused as refusal:
        log.warning("prepay_refused", out_trade_no=ticket.out_trade_no, reason=refusal.reason)
        if refusal.reason not in TELLING or ask(ticket.out_trade_no) is Standing.OPEN:
            raise
        raise AttemptOver(refusal.reason, message=refusal.message) from refusal
    with transaction() as session:
        attempts.opened(session, payment_id=ticket.payment_id, prepay_id=prepay_id, now=clock.now())
    return prepay_id


def ask(out_trade_no: str) -> Standing:
    """
    Ask WeChat how an attempt stands, and act upon the answer.

    :raises ResultUnknown: no trustworthy answer.
    :raises WeChatRefused: WeChat will not say.
    """
    resource = wechat.clients().pay.query(out_trade_no)
    if resource is None:
        return Standing.ABSENT
    with transaction() as session:
        inbox.hear_answer(session, FactKind.TRADE, out_trade_no, resource, now=clock.now())
    return STANDINGS.get(str(resource.get("trade_state")), Standing.OPEN)


def poll(payment_id: int) -> None:
    """Ask about an attempt if it is time to; no answer is no harm, the next time will come."""
    with transaction() as session:
        out_trade_no = attempts.due_for_poll(session, payment_id=payment_id, now=clock.now())
    if out_trade_no is None:
        return
    try:
        ask(out_trade_no)
    except WeChatError as error:
        log.info("payment_poll_unanswered", out_trade_no=out_trade_no, error=str(error))


def close_order(order_id: int) -> bool:
    """
    Close an order that is to be closed, if WeChat says that no money came and none can come.

    Returns False if WeChat has not said so (yet): everything the order holds stays held.
    """
    with transaction() as session:
        order = orders.locked(session, order_id=order_id)
        if order.status != OrderStatus.CLOSING:
            return True
        now = clock.now()
        ticket = attempts.live_of(session, order_id=order_id, now=now)
        if ticket is None:
            order_moves.close(session, order_id=order_id, reason=CloseReason.EXPIRED, now=now)
            return True
    return _shut(ticket) and close_order(order_id)


def _shut(ticket: Ticket) -> bool:
    """Make sure that an attempt can bring no money any more; False if that is not certain."""
    try:
        standing = ask(ticket.out_trade_no)
        if standing is Standing.OPEN:
            wechat.clients().pay.close(ticket.out_trade_no)
    except WeChatError as error:
        log.info("payment_not_closed", out_trade_no=ticket.out_trade_no, error=str(error))
        return False
    now = clock.now()
    if standing is Standing.ABSENT and now - ticket.called_at < IN_FLIGHT:
        return False
    with transaction() as session:
        if standing in {Standing.OPEN, Standing.ABSENT}:
            attempts.closed(session, payment_id=ticket.payment_id, now=now)
        # Money that does not fit is quarantined; then the attempt stays live and a person decides.
        return not attempts.is_live(session, payment_id=ticket.payment_id)


def submit_refund(refund_id: int) -> None:
    """Carry a refund to WeChat, or ask how it stands; unknown answers change nothing."""
    pay = wechat.clients().pay
    with transaction() as session:
        errand = submitting.claim(
            session,
            refund_id=refund_id,
            notify_url=f"{pay.notify_base_url}{REFUND_PATH}",
            gap=pay.refund_gap,
            now=clock.now(),
        )
    if errand is None:
        return
    try:
        answer = _carry(pay, errand)
        if answer is not None:
            _hear_of_refund(errand, answer)
    except WeChatRefused as refusal:
        with transaction() as session:
            submitting.park(session, refund_id=refund_id, error=str(refusal), reason=refusal.reason)
    except WeChatError as error:
        log.info("refund_unanswered", out_refund_no=errand.out_refund_no, error=str(error))


def _hear_of_refund(errand: Errand, answer: dict[str, Any]) -> None:
    with transaction() as session:
        inbox.hear_answer(session, FactKind.REFUND, errand.out_refund_no, answer, now=clock.now())


def _carry(pay: PayClient, errand: Errand) -> dict[str, Any] | None:
    """Ask how a refund stands, if WeChat may know; send what it does not know, name an account."""
    answer = pay.query_refund(errand.out_refund_no) if errand.may_be_known else None
    if answer is None:
        return pay.refund(errand.body) if errand.may_be_sent else None
    if errand.rescue is None or answer.get("status") != "ABNORMAL":
        return answer
    refund_id, body, serial = errand.rescue
    answer = pay.rescue_refund(refund_id, body, serial=serial)
    with transaction() as session:
        submitting.rescued(session, refund_id=errand.refund_id, now=clock.now())
    return answer
