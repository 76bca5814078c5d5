"""What is asked about payments: by the buyer, by staff, and by the report of one order."""

from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.core import paging
from app.orders.models import Order, OrderStatus
from app.payments.models import (
    LIVE,
    STUCK,
    InboxStatus,
    PayInbox,
    Payment,
    PaymentStatus,
    Refund,
    RefundStatus,
)

PAGE = 50
STUCK_REFUND = STUCK.replace("status", "refund.status").replace("last_error", "refund.last_error")


class BuyerState(StrEnum):
    """What a buyer is told about the money for an order."""

    UNPAID = "unpaid"
    """Nothing has been paid; it may be."""
    PAID = "paid"
    CLOSED = "closed"
    """Nothing has been paid and nothing can be."""
    REFUNDING = "refunding"
    """The order was closed when the money came: it is on its way back."""
    REFUNDED = "refunded"
    """The order was closed when the money came: it is back."""


class PaymentState(NamedTuple):
    """What a buyer is told, and the number to ask WeChat about while nobody knows better."""

    state: BuyerState
    paid_at: datetime | None
    payable_fen: int
    unanswered: str | None


def state_of(session: Session, order: Order) -> PaymentState:
    """Tell how the money for an order stands; late money is never called success."""
    live = session.scalar(
        select(Payment.out_trade_no).where(Payment.order_id == order.id, Payment.status.in_(LIVE))
    )
    if order.status in {OrderStatus.UNPAID, OrderStatus.CLOSING}:
        return PaymentState(BuyerState.UNPAID, None, order.payable_fen, live)
    if order.status != OrderStatus.CLOSED:
        return PaymentState(BuyerState.PAID, order.paid_at, order.payable_fen, None)
    late = session.execute(
        select(Payment.paid_at, Refund.status)
        .join(Refund, Refund.payment_id == Payment.id)
        .where(Payment.order_id == order.id, Payment.status == PaymentStatus.PAID_LATE)
        .where(Refund.status != RefundStatus.REPLACED)
        .order_by(Payment.id.desc())
        .limit(1)
    ).first()
    if late is None:
        return PaymentState(BuyerState.CLOSED, None, order.payable_fen, None)
    is_back = late[1] == RefundStatus.SUCCESS
    state = BuyerState.REFUNDED if is_back else BuyerState.REFUNDING
    return PaymentState(state, late[0], order.payable_fen, None)


def quarantine(session: Session, *, cursor: str | None) -> dict[str, Any]:
    """One page of the facts a person must decide about, the latest first."""
    wanted = select(PayInbox).where(PayInbox.status == InboxStatus.QUARANTINED)
    if cursor:
        (before_id,) = paging.decode(cursor, int)
        wanted = wanted.where(PayInbox.id < before_id)
    rows = session.scalars(wanted.order_by(PayInbox.id.desc()).limit(PAGE + 1)).all()
    items = rows[:PAGE]
    has_more = len(rows) > PAGE
    return {"items": items, "next_cursor": paging.encode(items[-1].id) if has_more else None}


def stuck(session: Session, *, cursor: str | None) -> dict[str, Any]:
    """One page of the refunds WeChat refuses or cannot bring to the buyer, the oldest first."""
    wanted = (
        select(Refund, Order.order_no)
        .outerjoin(Order, Order.id == Refund.order_id)
        .where(text(f"({STUCK_REFUND})"))
    )
    if cursor:
        (after_id,) = paging.decode(cursor, int)
        wanted = wanted.where(Refund.id > after_id)
    rows = session.execute(wanted.order_by(Refund.id).limit(PAGE + 1)).all()
    items = [{"refund": refund, "order_no": order_no} for refund, order_no in rows[:PAGE]]
    more = paging.encode(rows[PAGE - 1][0].id) if len(rows) > PAGE else None
    return {"items": items, "next_cursor": more}
