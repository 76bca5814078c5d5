"""
How an unpaid order begins to end: its buyer cancels it, or its time is over.

Nothing it holds is given back here. It is `closing` until payments, which asks WeChat, calls
`paying.close` or `paying.mark_paid`.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from app.core import metrics, queue
from app.core.errors import Conflict
from app.orders import queries
from app.orders.models import CloseReason, Order, OrderStatus

ASK_AGAIN_AFTER = timedelta(minutes=10)
"""How long an order may be closing before payments is asked again."""
BATCH = 200
"""How many orders one sweep moves."""


class OrderStateForbids(Conflict):
    """The order is not in a state that allows this; `order_status` says which it is in."""

    code, title = "order_state_forbids", "订单当前状态不允许该操作"


def cancel(session: Session, *, order_no: str, buyer_id: int, now: datetime) -> bool:
    """
    Begin to close the buyer's unpaid order; payments ends it once WeChat says no money came.

    Returns False if it is closing or closed already.

    :raises OrderNotFound: there is none, or it is somebody else's.
    :raises OrderStateForbids: it is paid.
    """
    mine = (Order.order_no == order_no) & (Order.buyer_id == buyer_id)
    order_ids = _begin_closing(session, mine, CloseReason.BUYER, now=now)
    if order_ids:
        return True
    order = queries.get(session, order_no=order_no, buyer_id=buyer_id)
    if order.status not in {OrderStatus.CLOSING, OrderStatus.CLOSED}:
        raise OrderStateForbids(order_status=order.status)
    return False


def expire(session: Session, *, order_id: int, now: datetime) -> bool:
    """Begin to close an order whose time to pay is over; False if it is not unpaid or not over."""
    due = (Order.id == order_id) & (Order.expires_at <= now)
    return bool(_begin_closing(session, due, CloseReason.EXPIRED, now=now))


def expire_due(session: Session, *, now: datetime) -> int:
    """
    Begin to close every order the timer missed, and ask again about those that hang in closing.

    At most one batch; returns how many there were.
    """
    overdue = (
        select(Order.id)
        .where(Order.status == OrderStatus.UNPAID, Order.expires_at <= now)
        .order_by(Order.expires_at)
        .limit(BATCH)
        .with_for_update(key_share=True, skip_locked=True)
    )
    expired = _begin_closing(session, Order.id.in_(overdue), CloseReason.EXPIRED, now=now)
    hanging = session.scalars(
        select(Order.id)
        .where(Order.status == OrderStatus.CLOSING, Order.closing_at <= now - ASK_AGAIN_AFTER)
        .order_by(Order.closing_at)
        .limit(BATCH)
    ).all()
    for order_id in hanging:
        _ask_to_close(session, order_id)
    return len(expired) + len(hanging)


def _begin_closing(
    session: Session, which: ColumnElement[bool], reason: CloseReason, *, now: datetime
) -> Sequence[int]:
    order_ids = session.scalars(
        update(Order)
        .where(which, Order.status == OrderStatus.UNPAID)
        .values(
            status=OrderStatus.CLOSING,
            closing_at=now,
            close_reason=reason,
            version=Order.version + 1,
        )
        .returning(Order.id),
        execution_options={"synchronize_session": False},
    ).all()
    for order_id in order_ids:
        _ask_to_close(session, order_id)
        metrics.orders.labels("closing").inc()
    return order_ids


def _ask_to_close(session: Session, order_id: int) -> None:
    """Ask payments to end the order, unless it is about to."""
    task = "payments.close_order"
    queue.defer(session, task, queueing_lock=f"{task}:{order_id}", order_id=order_id)
