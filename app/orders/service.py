"""
The moves of an order: place, cancel, expire, pay, close, ship, receive, complete, refund.

Each is guarded in the database and may be repeated without effect. This module is what callers
import; each part of an order's life lives in a module of its own.
"""

from sqlalchemy.orm import Session

from app.orders import queries
from app.orders.closing import OrderStateForbids, cancel, expire, expire_due
from app.orders.drafts import CartChanged, Wanted, from_cart, preview, taken_from_cart
from app.orders.fulfilment import complete_due, receive, receive_by_wechat, receive_due
from app.orders.leaving import (
    DealUndecided,
    RefundInProgress,
    ShipmentDiffers,
    ShipmentExceedsLine,
    send,
    ship,
)
from app.orders.models import Order
from app.orders.paying import AmountDiffers, OrderClosed, close, line_source, mark_paid
from app.orders.placing import PriceChanged, QuantityOverLimit, place
from app.orders.refunds import (
    NotRefundable,
    RefundExceedsPaid,
    RefundUnknown,
    abandon_refund,
    begin_refund,
    finish_refund,
    take_in,
)
from app.orders.reviving import revive

__all__ = [
    "AmountDiffers",
    "CartChanged",
    "DealUndecided",
    "NotRefundable",
    "OrderClosed",
    "OrderStateForbids",
    "PriceChanged",
    "QuantityOverLimit",
    "RefundExceedsPaid",
    "RefundInProgress",
    "RefundUnknown",
    "ShipmentDiffers",
    "ShipmentExceedsLine",
    "Wanted",
    "abandon_refund",
    "begin_refund",
    "cancel",
    "close",
    "complete_due",
    "expire",
    "expire_due",
    "finish_refund",
    "from_cart",
    "line_source",
    "mark_paid",
    "place",
    "preview",
    "receive",
    "receive_by_wechat",
    "receive_due",
    "remark",
    "revive",
    "send",
    "ship",
    "take_in",
    "taken_from_cart",
]


def remark(session: Session, *, order_no: str, text: str) -> Order:
    """
    Keep the shop's own words on an order; the buyer never sees them.

    :raises OrderNotFound: there is none.
    """
    order = queries.get(session, order_no=order_no)
    order.staff_remark = text
    session.flush()
    return order
