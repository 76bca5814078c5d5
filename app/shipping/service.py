"""
Keeps what WeChat is to be told of each order, and what it has taken.

Every change of the parcels makes an upload wait again; an answer ends the waiting only if nothing
changed meanwhile. Locks: the row of the upload, after the order's if both are wanted.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.core import queue
from app.core.errors import Conflict
from app.members import queries as members
from app.members.queries import MemberNotFound
from app.orders import queries as orders
from app.orders.closing import OrderStateForbids
from app.orders.models import Order, OrderStatus
from app.orders.parcel_models import Delivery
from app.orders.parcels import ShipmentNotTracked
from app.payments.models import Payment, PaymentStatus
from app.shipping.bodies import body_of, digest_of
from app.shipping.models import ERROR_MAX, ShippingUpload, UploadStatus
from app.shipping.queries import UploadNotFound
from app.shop import queries as shop
from app.shop.rules import UploadShipping

FIRST_WAIT = timedelta(seconds=15)
LONGEST_WAIT = timedelta(hours=1)


class ReceiptReminderUsed(Conflict):
    """WeChat reminds the buyer of an order once."""

    code, title = "receipt_reminder_used", "该订单已提醒过买家确认收货"


@dataclass(frozen=True, slots=True)
class Errand:
    """One call that is due."""

    order_id: int
    changes: int
    body: dict[str, Any]
    asks_first: bool
    """Whether WeChat is to be asked if it wants to know."""


def parcels_changed(session: Session, *, order_id: int, now: datetime) -> bool:
    """
    Have WeChat told of an order's parcels as they are now; False if it is never to be told.

    It is not told where the shop's rules say so, nor of what was not paid through it.
    """
    if shop.rules(session).upload_shipping == UploadShipping.OFF:
        return False
    paid_by = select(Order.transaction_id).where(Order.id == order_id)
    if session.scalar(paid_by) is None:
        return False
    fresh = insert(ShippingUpload).values(
        order_id=order_id, status=UploadStatus.WAITING, changes=1, attempts=0, next_at=now
    )
    session.execute(
        fresh.on_conflict_do_update(
            index_elements=["order_id"],
            set_={
                "status": UploadStatus.WAITING,
                "changes": ShippingUpload.changes + 1,
                "attempts": 0,
                "next_at": now,
            },
        )
    )
    defer(session, order_id)
    return True


def defer(session: Session, order_id: int) -> None:
    """Put the next turn at an upload into the transaction, unless one waits already."""
    name = "shipping.carry"
    queue.defer(session, name, queueing_lock=f"{name}:{order_id}", order_id=order_id)


def due(session: Session, *, now: datetime, limit: int) -> list[int]:
    """The orders WeChat is to be told of now."""
    wanted = select(ShippingUpload.order_id).where(ShippingUpload.next_at <= now)
    return list(session.scalars(wanted.order_by(ShippingUpload.next_at).limit(limit)))


def claim(session: Session, *, order_id: int, mchid: str, now: datetime) -> Errand | None:
    """Take the call that is due, and set the time of the next one should this come to nothing."""
    row = _locked(session, order_id)
    if row is None or row.next_at is None or row.next_at > now:
        return None
    row.attempts += 1
    row.next_at = now + min(FIRST_WAIT * 2 ** min(row.attempts - 1, 10), LONGEST_WAIT)
    body = _body(session, row, mchid=mchid, now=now)
    if body is None:
        return None
    if digest_of(body) == row.digest:
        _end(row, UploadStatus.ACCEPTED)
        return None
    is_asked = shop.rules(session).upload_shipping == UploadShipping.AUTO
    return Errand(order_id, row.changes, body, is_asked)


def accepted(session: Session, errand: Errand) -> None:
    """WeChat has taken what was told."""
    row = _locked(session, errand.order_id)
    if row is not None:
        row.digest = digest_of(errand.body)
        if row.changes == errand.changes:
            _end(row, UploadStatus.ACCEPTED)


def refused(session: Session, errand: Errand, *, error: str) -> None:
    """WeChat does not take it: a person decides."""
    row = _locked(session, errand.order_id)
    if row is not None and row.changes == errand.changes:
        row.last_error = error[:ERROR_MAX]
        _end(row, UploadStatus.REFUSED)


def not_wanted(session: Session, errand: Errand) -> None:
    """WeChat does not want to know of this mini-program's parcels."""
    row = _locked(session, errand.order_id)
    if row is not None and row.changes == errand.changes:
        _end(row, UploadStatus.NOT_NEEDED)


def unanswered(session: Session, errand: Errand, *, error: str) -> None:
    """Nobody knows whether WeChat took it: the same is told again when its time has come."""
    row = _locked(session, errand.order_id)
    if row is not None and row.changes == errand.changes:
        row.last_error = error[:ERROR_MAX]


def try_again(session: Session, *, order_no: str, now: datetime) -> None:
    """
    Staff have WeChat told once more.

    :raises UploadNotFound: it was never to be told.
    """
    order_id = orders.id_of(session, order_no=order_no)
    if _locked(session, order_id) is None:
        raise UploadNotFound
    parcels_changed(session, order_id=order_id, now=now)


def to_be_reminded(session: Session, *, order_no: str) -> str:
    """
    Return the transaction of an order whose buyer may be reminded to confirm the receipt.

    :raises OrderNotFound, UploadNotFound: there is none.
    :raises OrderStateForbids: the order is not shipped.
    :raises ShipmentNotTracked: no express company carries it.
    :raises ReceiptReminderUsed: it was reminded already.
    """
    order = orders.get(session, order_no=order_no)
    row = session.get(ShippingUpload, order.id)
    if row is None or order.transaction_id is None:
        raise UploadNotFound
    if order.status != OrderStatus.SHIPPED:
        raise OrderStateForbids(order_status=order.status)
    if all(parcel.kind != Delivery.EXPRESS for parcel in order.shipments):
        raise ShipmentNotTracked
    if row.receipt_asked_at is not None:
        raise ReceiptReminderUsed
    return order.transaction_id


def reminded(session: Session, *, order_no: str, now: datetime) -> None:
    """Note that WeChat has reminded the buyer."""
    row = _locked(session, orders.id_of(session, order_no=order_no))
    if row is not None:
        row.receipt_asked_at = row.receipt_asked_at or now


def order_of(session: Session, *, out_trade_no: str) -> Order | None:
    """The order a payment paid; None if it is none of ours."""
    return session.scalar(
        select(Order)
        .join(Payment, Payment.order_id == Order.id)
        .where(Payment.out_trade_no == out_trade_no, Payment.status == PaymentStatus.PAID)
    )


def told(
    session: Session,
    *,
    order_id: int,
    late_at: datetime | None = None,
    settled_at: datetime | None = None,
) -> None:
    """Keep what WeChat said of an order: that it waits for parcels, or that it let the money go."""
    fresh = insert(ShippingUpload).values(
        order_id=order_id, status=UploadStatus.WAITING, changes=0, attempts=0
    )
    session.execute(fresh.on_conflict_do_nothing(index_elements=["order_id"]))
    row = _locked(session, order_id)
    if row is not None:
        row.late_at = row.late_at or late_at
        row.settled_at = row.settled_at or settled_at


def _body(
    session: Session, row: ShippingUpload, *, mchid: str, now: datetime
) -> dict[str, Any] | None:
    """What is to be told; None if nothing is, which the row then says."""
    order_no = orders.order_nos(session, [row.order_id])[row.order_id]
    order = orders.get(session, order_no=order_no)
    out_trade_no = session.scalar(
        select(Payment.out_trade_no).where(
            Payment.order_id == order.id, Payment.status == PaymentStatus.PAID
        )
    )
    try:
        openid = members.openid_of(session, order.buyer_id)
    except MemberNotFound:
        openid = None
    if order.status == OrderStatus.REFUNDED or openid is None or out_trade_no is None:
        _end(row, UploadStatus.NOT_NEEDED)
        return None
    body = body_of(
        order,
        mchid=mchid,
        out_trade_no=out_trade_no,
        openid=openid,
        phone=orders.address_of(order).phone,
        now=now,
    )
    if body is None:
        row.next_at = None
    return body


def _end(row: ShippingUpload, status: UploadStatus) -> None:
    row.status, row.next_at = status, None
    if status != UploadStatus.REFUSED:
        row.last_error = None


def _locked(session: Session, order_id: int) -> ShippingUpload | None:
    return session.get(
        ShippingUpload, order_id, with_for_update={"key_share": True}, populate_existing=True
    )
