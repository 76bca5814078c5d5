"""After payment: ship, receive, complete. The sweeps do in batches what people leave undone."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, select, update
from sqlalchemy.orm import Session

from app.core import metrics
from app.core.errors import Conflict
from app.marketing import service as marketing
from app.orders import queries
from app.orders.closing import BATCH, OrderStateForbids
from app.orders.models import Order, OrderOrigin, OrderStatus, Shipment, source
from app.shop import queries as shop
from distribution import commissions
from distribution.commissions import rules
from distribution.team import purchases

HELD_BACK = (OrderOrigin.GROUP_BUY, OrderOrigin.BULK_BUY)
"""The origins of orders that may have to wait for the outcome of their deal."""
UNSYNCHRONISED = {"synchronize_session": False}


class RefundInProgress(Conflict):
    """Money of the order is on its way back; nothing is shipped meanwhile."""

    code, title = "refund_in_progress", "订单有退款正在处理，暂不能发货"


class DealUndecided(Conflict):
    """It is not known yet whether the deal of the order happens; nothing is shipped before."""

    code, title = "deal_undecided", "活动尚未成团，暂不能发货"


def ship(
    session: Session,
    *,
    order_no: str,
    company_code: str,
    company_name: str,
    tracking_no: str,
    now: datetime,
) -> bool:
    """
    Record the parcel of a paid order. Returns False if that very parcel is recorded already.

    :raises OrderNotFound: there is none.
    :raises RefundInProgress: money of it is on its way back.
    :raises DealUndecided: it is not known yet whether its deal happens.
    :raises OrderStateForbids: it is not paid, or shipped with another parcel.
    """
    ready = (Order.order_no == order_no) & (Order.refunding_fen == 0)
    order_id = session.scalar(
        update(Order)
        .where(ready, Order.status == OrderStatus.PAID)
        .values(status=OrderStatus.SHIPPED, shipped_at=now, version=Order.version + 1)
        .returning(Order.id),
        execution_options=UNSYNCHRONISED,
    )
    if order_id is None:
        return _refuse_to_ship(session, order_no, (company_code, tracking_no))
    _refuse_if_undecided(session, order_id)
    session.add(
        Shipment(
            order_id=order_id,
            company_code=company_code,
            company_name=company_name,
            tracking_no=tracking_no,
            shipped_at=now,
        )
    )
    session.flush()
    metrics.orders.labels("shipped").inc()
    return True


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
    """One batch of orders to sweep: without an open refund, and not in anybody's hands."""
    return (
        select(Order.id)
        .where(Order.refunding_fen == 0, *is_due)
        .limit(BATCH)
        .with_for_update(key_share=True, skip_locked=True)
    )


def _refuse_if_undecided(session: Session, order_id: int) -> None:
    """What is decided stays decided, so it may be asked after the order has moved."""
    order_no, origin = session.execute(
        select(Order.order_no, Order.origin).where(Order.id == order_id)
    ).one()
    if origin in HELD_BACK and marketing.holds_back(session, source=source(order_no)):
        raise DealUndecided


def _refuse_to_ship(session: Session, order_no: str, parcel: tuple[str, str]) -> bool:
    order = queries.get(session, order_no=order_no)
    if parcel in {(each.company_code, each.tracking_no) for each in order.shipments}:
        return False
    if order.status == OrderStatus.PAID and order.refunding_fen:
        raise RefundInProgress
    raise OrderStateForbids(order_status=order.status)
