"""What staff do with orders: find them, ship them, note something on them."""

from datetime import datetime
from typing import Any

from app.core import clock, paging
from app.core.db import read, transaction
from app.core.http import Blueprint
from app.orders import leaving, parcel_schemas, queries, schemas, service
from app.orders.models import Order, OrderStatus
from app.orders.queries import OrderNotFound
from app.orders.service import OrderStateForbids, ShipmentDiffers

bp = Blueprint("orders_admin", __name__, description="订单管理")


@bp.get("/orders")
@bp.accepts(schemas.StaffOrderQuery)
@bp.returns(schemas.StaffOrderPage)
def list_all_orders(
    status: OrderStatus | None = None,
    cursor: str | None = None,
    buyer_id: int | None = None,
    placed_from: datetime | None = None,
    placed_to: datetime | None = None,
) -> dict[str, Any]:
    """List all orders, the latest first; `placed_to` itself is not in the period."""
    before_id = paging.decode(cursor, int)[0] if cursor else None
    orders = queries.list_for_staff(
        read(),
        status=status,
        before_id=before_id,
        buyer_id=buyer_id,
        placed_from=placed_from,
        placed_to=placed_to,
    )
    return schemas.shown_page(orders)


@bp.get("/orders/<order_no>")
@bp.returns(schemas.StaffOrderDetailOut)
@bp.fails(OrderNotFound)
def show_any_order(order_no: str) -> Order:
    """Show an order, with the address to ship to."""
    return queries.get(read(), order_no=order_no)


@bp.post("/orders/<order_no>/ship")
@bp.accepts(parcel_schemas.NewShipment)
@bp.returns(schemas.StaffOrderDetailOut)
@bp.fails(OrderNotFound, OrderStateForbids, *leaving.REFUSALS, ShipmentDiffers)
def ship_order(order_no: str, **parcel: Any) -> Order:
    """Hand an express company all that is still to leave, or only these pieces."""
    with transaction() as session:
        service.ship(session, order_no=order_no, now=clock.now(), **parcel)
        return queries.get(session, order_no=order_no)


@bp.put("/orders/<order_no>/remark")
@bp.accepts(schemas.StaffRemark)
@bp.returns(schemas.StaffOrderDetailOut)
@bp.fails(OrderNotFound)
def remark_on_order(order_no: str, text: str) -> Order:
    """Note something on an order that the buyer never sees."""
    with transaction() as session:
        return service.remark(session, order_no=order_no, text=text)
