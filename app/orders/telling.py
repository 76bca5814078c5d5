"""What the buyer of an order is told, in the transaction in which it happens."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from app.marketing.badges import yuan
from app.notices import service as notices
from app.notices.models import Event
from app.orders.models import LineKind, Order, OrderLine
from app.orders.parcel_models import Delivery, Shipment
from app.wechat.messages import moment

PAGE = "pages/order/show?no={order_no}"
CARRIED_BY = {
    Delivery.COURIER: "商家配送",
    Delivery.PICKUP: "到店自提",
    Delivery.VIRTUAL: "无需物流",
}
"""Who brings a parcel that no express company carries."""


def paid(session: Session, order: Order, lines: Sequence[OrderLine], *, now: datetime) -> None:
    """Tell the buyer that the order is paid."""
    amount = f"{yuan(order.payable_fen)}元"
    shown = {"amount": amount, "paid_at": moment(order.paid_at or now)}
    _tell(session, Event.PAID, order, lines, shown, key=order.order_no, now=now)


def shipped(
    session: Session, order: Order, lines: Sequence[OrderLine], parcel: Shipment, *, now: datetime
) -> None:
    """Tell the buyer that a parcel of the order has left."""
    shown = {
        "company": parcel.company_name or CARRIED_BY.get(Delivery(parcel.kind), "快递"),
        "tracking_no": parcel.tracking_no,
        "shipped_at": moment(now),
    }
    inside = {piece.order_line_id for piece in parcel.lines}
    packed = [line for line in lines if line.id in inside]
    _tell(session, Event.SHIPPED, order, packed, shown, key=str(parcel.id), now=now)


def _tell(
    session: Session,
    event: Event,
    order: Order,
    lines: Sequence[OrderLine],
    shown: dict[str, str],
    *,
    key: str,
    now: datetime,
) -> None:
    if not notices.is_told(event):
        return
    goods = "、".join(line.title for line in lines if line.kind == LineKind.GOODS)
    notices.tell(
        session,
        event=event,
        member_id=order.buyer_id,
        key=key,
        values={"order_no": order.order_no, "goods": goods, **shown},
        page=PAGE.format(order_no=order.order_no),
        now=now,
    )
