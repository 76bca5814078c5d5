"""
What leaves the shop: parcels of a paid order, by line and by piece.

An order is `shipped` once nothing of it is still to leave. A refund that is on its way keeps its
own pieces from leaving, not those of others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import metrics, queue
from app.core.errors import Conflict
from app.marketing import service as marketing
from app.orders import queries, telling
from app.orders.closing import OrderStateForbids
from app.orders.models import (
    Order,
    OrderLine,
    OrderOrigin,
    OrderRefund,
    OrderStatus,
    RefundStatus,
)
from app.orders.parcel_models import Delivery, Shipment, ShipmentLine

HELD_BACK = (OrderOrigin.GROUP_BUY, OrderOrigin.BULK_BUY)
"""The origins of orders that may have to wait for the outcome of their deal."""


class RefundInProgress(Conflict):
    """Money of these pieces is on its way back; they do not leave meanwhile."""

    code, title = "refund_in_progress", "订单有退款正在处理，暂不能发货"


class DealUndecided(Conflict):
    """It is not known yet whether the deal of the order happens; nothing is shipped before."""

    code, title = "deal_undecided", "活动尚未成团，暂不能发货"


class ShipmentExceedsLine(Conflict):
    """More pieces would leave than are still to leave; `line_id` and `left` say which."""

    code, title = "shipment_exceeds_line", "发货数量超过待发数量"


class ShipmentDiffers(Conflict):
    """A parcel of this number is recorded already, with other pieces in it."""

    code, title = "shipment_differs", "该快递单号已发货，且商品不同"


REFUSALS = (RefundInProgress, DealUndecided, ShipmentExceedsLine)
"""Why pieces of a paid order may not leave now."""


@dataclass(frozen=True, slots=True)
class Carrier:
    """Who carries a parcel; without a company it is not tracked."""

    company_code: str = ""
    company_name: str = ""
    tracking_no: str = ""
    kind: Delivery = Delivery.EXPRESS
    courier_sealed: bytes | None = None


def ship(
    session: Session,
    *,
    order_no: str,
    company_code: str,
    company_name: str,
    tracking_no: str,
    quantities: Mapping[int, int] | None = None,
    now: datetime,
) -> bool:
    """
    Record an express parcel of a paid order with these pieces (by `order_line.id`), or all.

    Returns False if that very parcel is recorded already.

    :raises ShipmentDiffers: it is recorded with other pieces.
    :raises OrderNotFound, RefundInProgress, DealUndecided, ShipmentExceedsLine,
        OrderStateForbids: as `send`.
    """
    order = queries.locked(session, order_id=queries.id_of(session, order_no=order_no))
    known = _recorded(session, order, company_code, tracking_no)
    if known is not None:
        if quantities is not None and dict(quantities) != known:
            raise ShipmentDiffers
        return False
    carrier = Carrier(company_code, company_name, tracking_no)
    _send(session, order, carrier, quantities, now=now)
    return True


def send(
    session: Session,
    *,
    order_no: str,
    carrier: Carrier,
    quantities: Mapping[int, int] | None,
    now: datetime,
) -> Shipment:
    """
    Let pieces (by `order_line.id`) of a paid order leave, or all that is still to leave.

    :raises OrderNotFound: there is none.
    :raises OrderStateForbids: it is not paid, or nothing of it is still to leave.
    :raises DealUndecided: it is not known yet whether its deal happens.
    :raises RefundInProgress: money of these pieces, or of any if all are to leave, is on its way
        back.
    :raises ShipmentExceedsLine: a line has fewer pieces that are still to leave.
    """
    order = queries.locked(session, order_id=queries.id_of(session, order_no=order_no))
    return _send(session, order, carrier, quantities, now=now)


def move_on(session: Session, order: Order, lines: Sequence[OrderLine], *, now: datetime) -> bool:
    """
    Make a locked paid order `shipped` if some of it has left and nothing is still to leave.

    Pieces whose refund is on its way may yet have to leave, so the order waits for its outcome.
    """
    if order.status != OrderStatus.PAID or any(line.waiting_quantity for line in lines):
        return False
    if not any(line.shipped_quantity for line in lines):
        return False
    if any(refund.unshipped for refund in _open_refunds(session, order)):
        return False
    order.status = OrderStatus.SHIPPED
    order.shipped_at = now
    order.version += 1
    session.flush()
    metrics.orders.labels("shipped").inc()
    parcels_changed(session, order)
    return True


def parcels_changed(session: Session, order: Order) -> None:
    """Let whoever tells WeChat of parcels know that those of an order have changed."""
    name = "shipping.parcels_changed"
    queue.defer(session, name, queueing_lock=f"{name}:{order.id}", order_id=order.id)


def _send(
    session: Session,
    order: Order,
    carrier: Carrier,
    quantities: Mapping[int, int] | None,
    *,
    now: datetime,
) -> Shipment:
    if order.status != OrderStatus.PAID:
        raise OrderStateForbids(order_status=order.status)
    if order.origin in HELD_BACK and marketing.holds_back(session, source=order.source):
        raise DealUndecided
    lines = queries.lines(session, order_id=order.id)
    leaving = _leaving(session, order, lines, quantities)
    parcel = Shipment(
        order_id=order.id,
        kind=carrier.kind,
        company_code=carrier.company_code,
        company_name=carrier.company_name,
        tracking_no=carrier.tracking_no,
        courier_sealed=carrier.courier_sealed,
        shipped_at=now,
        lines=[ShipmentLine(order_line_id=id_, quantity=count) for id_, count in leaving.items()],
    )
    session.add(parcel)
    for line in lines:
        line.shipped_quantity += leaving.get(line.id, 0)
    order.version += 1
    session.flush()
    if not move_on(session, order, lines, now=now):
        parcels_changed(session, order)
    telling.shipped(session, order, lines, parcel, now=now)
    return parcel


def _recorded(
    session: Session, order: Order, company_code: str, tracking_no: str
) -> dict[int, int] | None:
    """What is in the parcel of this number, by `order_line.id`; None if there is no such parcel."""
    parcel_id = session.scalar(
        select(Shipment.id).where(
            Shipment.order_id == order.id,
            Shipment.kind == Delivery.EXPRESS,
            Shipment.company_code == company_code,
            Shipment.tracking_no == tracking_no,
        )
    )
    if parcel_id is None:
        return None
    inside = select(ShipmentLine.order_line_id, ShipmentLine.quantity)
    rows = session.execute(inside.where(ShipmentLine.shipment_id == parcel_id))
    return {row.order_line_id: row.quantity for row in rows}


def _leaving(
    session: Session,
    order: Order,
    lines: Sequence[OrderLine],
    quantities: Mapping[int, int] | None,
) -> dict[int, int]:
    """Which pieces leave, by `order_line.id`; none of them is concerned by an open refund."""
    waiting = {line.id: line.waiting_quantity for line in lines if line.waiting_quantity}
    refunds = _open_refunds(session, order)
    # A refund that names no pieces of a line is about its price: nobody knows yet what it leaves.
    blocked = {
        int(line_id)
        for refund in refunds
        for line_id in refund.line_amounts.keys() - refund.quantities.keys()
    }
    if quantities is None:
        if blocked & waiting.keys() or any(refund.unshipped for refund in refunds):
            raise RefundInProgress
        if not waiting:
            raise OrderStateForbids(order_status=order.status)
        return waiting
    for line_id, count in quantities.items():
        if line_id in blocked:
            raise RefundInProgress(line_id=line_id)
        if count > waiting.get(line_id, 0):
            raise ShipmentExceedsLine(line_id=line_id, left=waiting.get(line_id, 0))
    return dict(quantities)


def _open_refunds(session: Session, order: Order) -> Sequence[OrderRefund]:
    return session.scalars(
        select(OrderRefund).where(
            OrderRefund.order_id == order.id, OrderRefund.status == RefundStatus.REFUNDING
        )
    ).all()
