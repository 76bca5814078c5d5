"""Parcels after they have left, and those that no company carries."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from app.core import crypto
from app.core.errors import Conflict, NotFound
from app.orders import leaving, queries
from app.orders.leaving import Carrier
from app.orders.parcel_models import Delivery, Shipment, ShipmentCorrection


class ShipmentNotFound(NotFound):
    """The order has no such parcel."""

    code, title = "shipment_not_found", "发货单不存在"


class ShipmentNotTracked(Conflict):
    """No express company carries the parcel, so it has no number to correct."""

    code, title = "shipment_not_tracked", "该发货单不是快递，没有快递单号"


class TrackingTaken(Conflict):
    """Another parcel of the order has this number."""

    code, title = "tracking_taken", "该快递单号已用于本订单的另一个包裹"


def deliver(
    session: Session,
    *,
    order_no: str,
    courier_name: str,
    courier_phone: str,
    quantities: Mapping[int, int] | None = None,
    now: datetime,
) -> Shipment:
    """
    Let somebody of the shop bring pieces (by `order_line.id`) of a paid order, or all that waits.

    :raises OrderNotFound, OrderStateForbids, DealUndecided, RefundInProgress,
        ShipmentExceedsLine: as `leaving.send`.
    """
    courier = json.dumps({"name": courier_name, "phone": courier_phone}, ensure_ascii=False)
    carrier = Carrier(kind=Delivery.COURIER, courier_sealed=crypto.seal(courier))
    return leaving.send(session, order_no=order_no, carrier=carrier, quantities=quantities, now=now)


def courier_of(parcel: Shipment) -> dict[str, str] | None:
    """Name and phone number of who brings a parcel; None if nobody of the shop does."""
    if parcel.courier_sealed is None:
        return None
    courier: dict[str, str] = json.loads(crypto.open_sealed(parcel.courier_sealed))
    return courier


def correct(
    session: Session,
    *,
    order_no: str,
    shipment_id: int,
    right: Carrier,
    staff_id: int,
    reason: str,
    now: datetime,
) -> bool:
    """
    Put the number of an express parcel right; what was wrong is kept, with who and why.

    Returns False if it is right already.

    :raises OrderNotFound, ShipmentNotFound: there is none.
    :raises ShipmentNotTracked: no company carries it.
    :raises TrackingTaken: another parcel of the order has that number.
    """
    order = queries.locked(session, order_id=queries.id_of(session, order_no=order_no))
    parcels = _parcels(session, order.id)
    parcel = next((each for each in parcels if each.id == shipment_id), None)
    if parcel is None:
        raise ShipmentNotFound
    if parcel.kind != Delivery.EXPRESS:
        raise ShipmentNotTracked
    numbers = (right.company_code, right.company_name, right.tracking_no)
    if numbers == (parcel.company_code, parcel.company_name, parcel.tracking_no):
        return False
    others = {(each.company_code, each.tracking_no) for each in parcels if each is not parcel}
    if (right.company_code, right.tracking_no) in others:
        raise TrackingTaken
    session.add(
        ShipmentCorrection(
            shipment_id=parcel.id,
            company_code=parcel.company_code,
            company_name=parcel.company_name,
            tracking_no=parcel.tracking_no,
            staff_id=staff_id,
            reason=reason,
            corrected_at=now,
        )
    )
    parcel.company_code, parcel.company_name, parcel.tracking_no = numbers
    order.version += 1
    session.flush()
    leaving.parcels_changed(session, order)
    return True


def corrections(
    session: Session, *, order_no: str, shipment_id: int
) -> Sequence[ShipmentCorrection]:
    """
    What was wrong with the number of a parcel, the oldest first.

    :raises OrderNotFound, ShipmentNotFound: there is none.
    """
    order_id = queries.id_of(session, order_no=order_no)
    if not any(each.id == shipment_id for each in _parcels(session, order_id)):
        raise ShipmentNotFound
    return session.scalars(
        select(ShipmentCorrection)
        .where(ShipmentCorrection.shipment_id == shipment_id)
        .order_by(ShipmentCorrection.id)
    ).all()


def _parcels(session: Session, order_id: int) -> Sequence[Shipment]:
    wanted = select(Shipment).where(Shipment.order_id == order_id)
    return session.scalars(
        wanted.options(selectinload(Shipment.lines)).execution_options(populate_existing=True)
    ).all()
