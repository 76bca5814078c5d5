"""After-sale cases on paid orders, as the mall makes them."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.aftersales import service
from app.aftersales.models import AfterSale
from app.orders.models import Order
from tests.builders.orders import make_order
from tests.builders.payments import pay_order


def make_paid_order(session: Session, *, now: datetime, **wanted: Any) -> Order:
    """An order whose money came through a payment, so that it can go back."""
    order = make_order(session, now=now, **wanted)
    pay_order(session, order=order, now=now)
    session.refresh(order)
    return order


def make_case(session: Session, *, now: datetime, order: Order | None = None) -> AfterSale:
    """A case the buyer has just opened."""
    order = order or make_paid_order(session, now=now)
    return service.apply(
        session, order_no=order.order_no, buyer_id=order.buyer_id, reason="不想要了", now=now
    )
