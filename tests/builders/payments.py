"""Payments as WeChat makes them: an order whose money came, an attempt that waits for it."""

import itertools
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from app.core import numbers
from app.orders.models import Order
from app.payments import applying, facts
from app.payments.facts import RefundFact, RefundStanding, Standing, TradeFact
from app.payments.models import Payment, PaymentStatus, Refund

APPID, MCHID = "wx0123456789abcdef", "1900000001"
_numbers = itertools.count(1)


def make_payment(
    session: Session,
    *,
    order: Order,
    now: datetime,
    status: PaymentStatus = PaymentStatus.OPEN,
    pay_within: timedelta = timedelta(minutes=30),
) -> Payment:
    """An attempt to pay `order` that WeChat knows: open, created or closed."""
    is_open = status is PaymentStatus.OPEN
    payment = Payment(
        out_trade_no=numbers.out_trade_no(now),
        order_id=order.id,
        status=status,
        appid=APPID,
        mchid=MCHID,
        amount_fen=order.payable_fen,
        request_body=b"{}",
        called_at=now,
        prepay_id="wx-prepay" if is_open else None,
        prepay_expires_at=now + timedelta(hours=2) if is_open else None,
        expires_at=now + pay_within,
        created_at=now,
    )
    session.add(payment)
    session.flush()
    return payment


def trade_fact(payment: Payment, *, now: datetime, **changes: object) -> TradeFact:
    """What WeChat says about an attempt: paid in full, unless told otherwise."""
    said = {
        "out_trade_no": payment.out_trade_no,
        "appid": payment.appid,
        "mchid": payment.mchid,
        "currency": facts.CURRENCY,
        "amount_fen": payment.amount_fen,
        "standing": Standing.PAID,
        "transaction_id": f"42{next(_numbers):026d}",
        "paid_at": now,
    }
    return TradeFact(**{**said, **changes})  # type: ignore[arg-type]


def pay_order(session: Session, *, order: Order, now: datetime) -> Payment:
    """Pay `order` (an unpaid one of the order builders): its payment, applied like any other."""
    payment = make_payment(session, order=order, now=now)
    outcome = applying.apply_trade(session, trade_fact(payment, now=now), now=now)
    assert outcome == applying.APPLIED
    return payment


def settle_refund(session: Session, *, refund: Refund, now: datetime) -> None:
    """WeChat gives the money of `refund` back: as if it had been submitted and had succeeded."""
    payment = session.get_one(Payment, refund.payment_id)
    refund.request_body, refund.submitted_at = b"{}", now
    fact = RefundFact(
        out_refund_no=refund.out_refund_no,
        out_trade_no=payment.out_trade_no,
        mchid=payment.mchid,
        refund_fen=refund.amount_fen,
        total_fen=payment.amount_fen,
        standing=RefundStanding.SUCCESS,
        refund_id=f"50{next(_numbers):026d}",
        refunded_at=now,
    )
    assert applying.apply_refund(session, fact, now=now) == applying.APPLIED
