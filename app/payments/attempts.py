"""
Attempts to pay: one open number per order, the exact bytes sent under it, and its end.

A new number is made only after WeChat has closed the old one, so two numbers of one order can
never both be paid while we believe in neither.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import numbers, queue
from app.core.errors import Conflict
from app.members import queries as members
from app.orders import queries as orders
from app.orders.models import Order, OrderStatus
from app.orders.paying import OrderClosed
from app.payments import schedule
from app.payments.models import LIVE, Payment, PaymentStatus
from app.wechat import bodies

PREPAY_LIFE = timedelta(hours=2)
PREPAY_MARGIN = timedelta(minutes=5)
"""A buyer needs a moment to type a password: older ids are renewed before they are handed out."""


class AlreadyPaid(Conflict):
    """The order is paid; there is nothing left to pay."""

    code, title = "order_already_paid", "订单已支付"


@dataclass(frozen=True, slots=True)
class Payee:
    """Who gets the money, and where WeChat tells about it."""

    appid: str
    mchid: str
    notify_url: str


@dataclass(frozen=True, slots=True)
class Ticket:
    """What to do at WeChat about one attempt; plain values, to be used outside any transaction."""

    payment_id: int
    out_trade_no: str
    body: bytes
    prepay_id: str | None
    """One that a buyer can still use; None if WeChat must be asked for one."""
    called_at: datetime


def begin(session: Session, *, order_no: str, buyer_id: int, payee: Payee, now: datetime) -> Ticket:
    """
    Return the attempt under which the buyer pays now: the open one, else a new one.

    It is recorded, body and all, before WeChat hears of it.

    :raises OrderNotFound: no such order, or somebody else's.
    :raises AlreadyPaid: the order is paid.
    :raises OrderClosed: the order is closed, closing, or out of time.
    """
    order = orders.for_payment(session, order_no=order_no, buyer_id=buyer_id)
    must_be_payable(order, now)
    payment = _live(session, order.id) or _create(session, order, payee, now)
    ticket = _ticket(payment, now)
    if ticket.prepay_id is None:
        payment.called_at = now  # The body is sent (again) as soon as this is committed.
    session.flush()
    return ticket


def must_be_payable(order: Order, now: datetime) -> None:
    """
    Refuse to let anybody pay for what is no longer for sale.

    :raises AlreadyPaid: the order is paid.
    :raises OrderClosed: the order is closed, closing, or out of time.
    """
    if order.status == OrderStatus.UNPAID and now < order.expires_at:
        return
    if order.status in {OrderStatus.UNPAID, OrderStatus.CLOSING, OrderStatus.CLOSED}:
        raise OrderClosed
    raise AlreadyPaid


def opened(session: Session, *, payment_id: int, prepay_id: str, now: datetime) -> None:
    """
    Record the prepay_id WeChat gave; the buyer may pay with it.

    :raises AlreadyPaid: the order was paid meanwhile.
    :raises OrderClosed: the order began to close meanwhile: nobody gets this prepay_id.
    """
    order, payment = locked(session, payment_id=payment_id)
    must_be_payable(order, now)
    if payment.status == PaymentStatus.CREATED:
        payment.status = PaymentStatus.OPEN
    payment.prepay_id = prepay_id
    payment.prepay_expires_at = now + PREPAY_LIFE
    session.flush()


def closed(session: Session, *, payment_id: int, now: datetime) -> None:
    """Record that WeChat takes no money for this attempt any more; money it took stands."""
    _, payment = locked(session, payment_id=payment_id)
    if payment.status in LIVE:
        end(payment, now)
    session.flush()


def end(payment: Payment, now: datetime) -> None:
    """Close a live attempt that is locked."""
    payment.status = PaymentStatus.CLOSED
    payment.closed_at = now
    payment.next_poll_at = None


def live_of(session: Session, *, order_id: int, now: datetime) -> Ticket | None:
    """Return the attempt of an order that may still be paid, if there is one."""
    payment = _live(session, order_id)
    return _ticket(payment, now) if payment else None


def is_live(session: Session, *, payment_id: int) -> bool:
    """Tell whether money may still come for this attempt."""
    status = session.scalar(select(Payment.status).where(Payment.id == payment_id))
    return status in LIVE


def id_of(session: Session, *, out_trade_no: str) -> int | None:
    """Return the key of the attempt with this number, if it is one of ours."""
    return session.scalar(select(Payment.id).where(Payment.out_trade_no == out_trade_no))


def locked(session: Session, *, payment_id: int) -> tuple[Order, Payment]:
    """Lock an attempt: its order first, then itself, as everybody who moves money does."""
    order_id = session.scalars(select(Payment.order_id).where(Payment.id == payment_id)).one()
    order = orders.locked(session, order_id=order_id)
    payment = session.scalars(
        select(Payment)
        .where(Payment.id == payment_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one()
    return order, payment


def due_for_poll(session: Session, *, payment_id: int, now: datetime) -> str | None:
    """Claim one question to WeChat; return the number to ask about, None if it is not time."""
    payment = session.scalar(
        select(Payment)
        .where(Payment.id == payment_id, Payment.status.in_(LIVE), Payment.next_poll_at <= now)
        .with_for_update(skip_locked=True, key_share=True)
        .execution_options(populate_existing=True)
    )
    if payment is None:
        return None
    payment.polls += 1
    payment.next_poll_at = _next_poll(payment)
    session.flush()
    return payment.out_trade_no


def _live(session: Session, order_id: int) -> Payment | None:
    return session.scalar(
        select(Payment)
        .where(Payment.order_id == order_id, Payment.status.in_(LIVE))
        .execution_options(populate_existing=True)
    )


def _ticket(payment: Payment, now: datetime) -> Ticket:
    expires_at = payment.prepay_expires_at
    is_fresh = expires_at is not None and now < expires_at - PREPAY_MARGIN
    return Ticket(
        payment_id=payment.id,
        out_trade_no=payment.out_trade_no,
        body=payment.request_body,
        prepay_id=payment.prepay_id if is_fresh else None,
        called_at=payment.called_at,
    )


def _create(session: Session, order: Order, payee: Payee, now: datetime) -> Payment:
    number = numbers.out_trade_no(now)
    payment = Payment(
        out_trade_no=number,
        order_id=order.id,
        status=PaymentStatus.CREATED,
        appid=payee.appid,
        mchid=payee.mchid,
        amount_fen=order.payable_fen,
        request_body=bodies.prepay_body(
            appid=payee.appid,
            mchid=payee.mchid,
            out_trade_no=number,
            description=orders.subject(session, order_id=order.id),
            amount_fen=order.payable_fen,
            openid=members.openid_of(session, order.buyer_id),
            notify_url=payee.notify_url,
            expires_at=order.expires_at,
        ),
        called_at=now,
        expires_at=order.expires_at,
        polls=0,
        created_at=now,
    )
    payment.next_poll_at = _next_poll(payment)
    session.add(payment)
    session.flush()
    queue.defer(
        session, "payments.poll_payment", schedule_at=payment.next_poll_at, payment_id=payment.id
    )
    return payment


def _next_poll(payment: Payment) -> datetime | None:
    return schedule.next_attempt_poll(
        polls=payment.polls, created_at=payment.created_at, expires_at=payment.expires_at
    )
