"""After shipping: receive, complete. The sweeps do in batches what people leave undone."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, select, update
from sqlalchemy.orm import Session

from app.core import metrics
from app.orders import queries
from app.orders.closing import BATCH, OrderStateForbids
from app.orders.models import Order, OrderStatus, source
from app.shop import queries as shop
from distribution import commissions
from distribution.commissions import rules
from distribution.team import purchases

UNSYNCHRONISED = {"synchronize_session": False}


def receive(session: Session, *, order_no: str, buyer_id: int, now: datetime) -> bool:
    """
    The buyer has the goods: from now the days run until commission may be withdrawn.

    Returns False if they are received already.

    :raises OrderNotFound: there is none, or it is somebody else's.
    :raises OrderStateForbids: it is not shipped.
    """
    mine = (Order.order_no == order_no) & (Order.buyer_id == buyer_id)
    if _receive(session, mine, now=now):
        return True
    order = queries.get(session, order_no=order_no, buyer_id=buyer_id)
    if order.status not in {OrderStatus.RECEIVED, OrderStatus.COMPLETED}:
        raise OrderStateForbids(order_status=order.status)
    return False


def receive_by_wechat(session: Session, *, order_no: str, now: datetime) -> bool:
    """
    Count as received what the buyer, or time, has received at WeChat.

    Returns False, and changes nothing, if the order is not there or not shipped: WeChat may tell
    more than once, and late.
    """
    return _receive(session, Order.order_no == order_no, now=now) > 0


def receive_due(session: Session, *, now: datetime) -> int:
    """
    Count as received what was shipped as long ago as the shop's rules say; at most one batch.

    Orders with an open refund wait.
    """
    shipped_by = now - timedelta(days=shop.rules(session).receive_after_days)
    due = _due(Order.status == OrderStatus.SHIPPED, Order.shipped_at <= shipped_by)
    return _receive(session, Order.id.in_(due.order_by(Order.shipped_at)), now=now)


def complete_due(session: Session, *, now: datetime) -> int:
    """
    Complete what was received before the after-sales window of the shop's rules; at most one batch.

    Orders with an open refund wait. From then on it counts for the grades of distributors.
    """
    received_by = now - timedelta(days=shop.rules(session).complete_after_days)
    due = _due(Order.status == OrderStatus.RECEIVED, Order.received_at <= received_by)
    moved = session.scalars(
        update(Order)
        .where(Order.id.in_(due.order_by(Order.received_at)), Order.status == OrderStatus.RECEIVED)
        .values(status=OrderStatus.COMPLETED, completed_at=now, version=Order.version + 1)
        .returning(Order.order_no),
        execution_options=UNSYNCHRONISED,
    ).all()
    if moved:
        purchases.completed(session, [source(order_no) for order_no in moved], now=now)
    return len(moved)


def _receive(session: Session, which: ColumnElement[bool], *, now: datetime) -> int:
    order_nos = session.scalars(
        update(Order)
        .where(which, Order.status == OrderStatus.SHIPPED)
        .values(status=OrderStatus.RECEIVED, received_at=now, version=Order.version + 1)
        .returning(Order.order_no),
        execution_options=UNSYNCHRONISED,
    ).all()
    if not order_nos:
        return 0
    mature_at = now + timedelta(days=rules.current(session).mature_days)
    for order_no in sorted(order_nos):
        commissions.schedule_maturity(session, order_source=source(order_no), mature_at=mature_at)
        metrics.orders.labels("received").inc()
    return len(order_nos)


def _due(*is_due: ColumnElement[bool]) -> Select[int]:
    """One batch of orders to sweep: without an open refund or case, and in nobody's hands."""
    return (
        select(Order.id)
        .where(Order.refunding_fen == 0, Order.open_cases == 0, *is_due)
        .limit(BATCH)
        .with_for_update(key_share=True, skip_locked=True)
    )
