"""Payments as WeChat makes them: an order whose money came, an attempt that waits for it."""

import itertools
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from app.core import numbers
from app.orders import queries as orders
from app.orders.models import Order
from app.payments import applying, facts, service
from app.payments.facts import RefundFact, RefundStanding, Standing, TradeFact
from app.payments.models import FactKind, InboxStatus, PayInbox, Payment, PaymentStatus, Refund

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


def make_stuck_refund(session: Session, *, order: Order, now: datetime, status: str) -> Refund:
    """A refund of the whole of a paid `order` that WeChat calls abnormal, or has closed."""
    refund = service.request_refund(
        session,
        order_id=order.id,
        source=f"test:{order.order_no}",
        amount_fen=order.payable_fen,
        line_amounts={
            line.id: line.payable_fen for line in orders.lines(session, order_id=order.id)
        },
        freight_fen=order.freight_fen,
        reason="不想要了",
        now=now,
    )
    refund.request_body, refund.submitted_at = b"{}", now
    refund.status, refund.refund_id = status, f"50{next(_numbers):026d}"
    session.flush()
    return refund


def make_set_aside(
    session: Session, *, now: datetime, transaction_id: str | None = None
) -> PayInbox:
    """What WeChat said about a refund, or a payment, nobody here knows: it waits for a person."""
    is_refund = transaction_id is None
    number = next(_numbers)
    fact = PayInbox(
        event_id=f"set-aside-{number}",
        kind=FactKind.REFUND if is_refund else FactKind.TRADE,
        event_type="REFUND.SUCCESS" if is_refund else "TRANSACTION.SUCCESS",
        out_no=f"R{number:026d}",
        headers={},
        raw=b"",
        fact={} if is_refund else {"transaction_id": transaction_id},
        status=InboxStatus.QUARANTINED,
        reason="unknown_number",
        received_at=now,
        handled_at=now,
    )
    session.add(fact)
    session.flush()
    return fact


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
