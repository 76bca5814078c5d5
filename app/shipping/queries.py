"""What staff read: what WeChat does not take, and what should have left by now."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import paging
from app.core.errors import NotFound
from app.orders.models import Order, OrderStatus
from app.shipping.models import ShippingUpload, UploadStatus

PAGE = 50
SHIP_WITHIN = timedelta(hours=48)
"""How long after payment WeChat expects ordinary goods to have left."""
SOON = timedelta(hours=24)
"""From how long before on an order is in the list."""


class UploadNotFound(NotFound):
    """Nothing of the order has left, or WeChat was never to be told of it."""

    code, title = "shipping_upload_not_found", "该订单没有发货信息上传记录"


def get(session: Session, *, order_no: str) -> dict[str, Any]:
    """
    What WeChat knows of one order.

    :raises UploadNotFound: it was never to be told.
    """
    wanted = _uploads().where(Order.order_no == order_no)
    found = session.execute(wanted).first()
    if found is None:
        raise UploadNotFound
    return {"upload": found[0], "order_no": found[1]}


def uploads(session: Session, *, status: UploadStatus, cursor: str | None) -> dict[str, Any]:
    """One page of the uploads in a status, the oldest orders first."""
    wanted = _uploads().where(ShippingUpload.status == status)
    if cursor:
        (after_id,) = paging.decode(cursor, int)
        wanted = wanted.where(ShippingUpload.order_id > after_id)
    rows = session.execute(wanted.order_by(ShippingUpload.order_id).limit(PAGE + 1)).all()
    items = [{"upload": upload, "order_no": order_no} for upload, order_no in rows[:PAGE]]
    more = paging.encode(rows[PAGE - 1][0].order_id) if len(rows) > PAGE else None
    return {"items": items, "next_cursor": more}


def to_ship(session: Session, *, cursor: str | None, now: datetime) -> dict[str, Any]:
    """
    One page of the paid orders of which something is still to leave within a day, or late.

    WeChat punishes what has not left 48 hours after payment; the oldest come first.
    """
    wanted = (
        select(Order.id, Order.order_no, Order.paid_at, ShippingUpload.late_at)
        .outerjoin(ShippingUpload, ShippingUpload.order_id == Order.id)
        .where(
            Order.status == OrderStatus.PAID,
            Order.paid_at <= now - SHIP_WITHIN + SOON,
            Order.transaction_id.is_not(None),
        )
    )
    if cursor:
        (after_id,) = paging.decode(cursor, int)
        wanted = wanted.where(Order.id > after_id)
    rows = session.execute(wanted.order_by(Order.id).limit(PAGE + 1)).all()
    items = [
        {
            "order_no": row.order_no,
            "paid_at": row.paid_at,
            "ship_by": row.paid_at + SHIP_WITHIN,
            "is_late": row.paid_at + SHIP_WITHIN <= now,
            "reminded_at": row.late_at,
        }
        for row in rows[:PAGE]
    ]
    more = paging.encode(rows[PAGE - 1].id) if len(rows) > PAGE else None
    return {"items": items, "next_cursor": more}


def _uploads() -> Any:
    return select(ShippingUpload, Order.order_no).join(Order, Order.id == ShippingUpload.order_id)
