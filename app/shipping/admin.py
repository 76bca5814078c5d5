"""What staff see of what WeChat knows of parcels, and the two things they may ask of it."""

from typing import Any

from app.core import clock
from app.core.db import read, transaction
from app.core.errors import Invalid
from app.core.http import Blueprint
from app.orders.closing import OrderStateForbids
from app.orders.parcels import ShipmentNotTracked
from app.orders.queries import OrderNotFound
from app.shipping import calls, queries, schemas, service
from app.shipping.models import UploadStatus
from app.shipping.queries import UploadNotFound
from app.shipping.service import ReceiptReminderUsed
from app.wechat.errors import ResultUnknown, WeChatNotConfigured, WeChatRefused

bp = Blueprint("shipping", __name__, description="发货信息管理")


@bp.get("/shipping/uploads")
@bp.accepts(schemas.UploadsQuery)
@bp.returns(schemas.UploadPage)
@bp.fails(Invalid)
def list_uploads(status: UploadStatus, cursor: str | None = None) -> dict[str, Any]:
    """List what WeChat does not take of parcels, what waits, or what it has; oldest first."""
    return queries.uploads(read(), status=status, cursor=cursor)


@bp.get("/shipping/to-ship")
@bp.accepts(schemas.ToShipQuery)
@bp.returns(schemas.ToShipPage)
@bp.fails(Invalid)
def list_to_ship(cursor: str | None = None) -> dict[str, Any]:
    """List the paid orders that must leave within a day, or should have: 48 hours after payment."""
    return queries.to_ship(read(), cursor=cursor, now=clock.now())


@bp.get("/orders/<order_no>/shipping-upload")
@bp.returns(schemas.UploadOut)
@bp.fails(UploadNotFound)
def show_upload(order_no: str) -> dict[str, Any]:
    """Show what WeChat knows of an order's parcels."""
    return queries.get(read(), order_no=order_no)


@bp.post("/orders/<order_no>/shipping-upload")
@bp.returns(schemas.UploadOut)
@bp.fails(OrderNotFound, UploadNotFound)
def upload_again(order_no: str) -> dict[str, Any]:
    """Have WeChat told of an order's parcels once more; what it knows already stays as it is."""
    with transaction() as session:
        service.try_again(session, order_no=order_no, now=clock.now())
        return queries.get(session, order_no=order_no)


@bp.post("/orders/<order_no>/receipt-reminder")
@bp.returns(schemas.UploadOut)
@bp.fails(OrderNotFound, UploadNotFound, OrderStateForbids, ShipmentNotTracked)
@bp.fails(ReceiptReminderUsed, WeChatNotConfigured, WeChatRefused, ResultUnknown)
def remind_of_receipt(order_no: str) -> dict[str, Any]:
    """Have WeChat remind the buyer to confirm the receipt, once per order."""
    calls.remind(order_no)
    return queries.get(read(), order_no=order_no)
