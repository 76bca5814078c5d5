"""What staff see of the money: the facts that wait for a person, and the timeline of one order."""

from typing import Any

from app.core.db import read
from app.core.http import Blueprint
from app.orders import queries as orders
from app.orders.queries import OrderNotFound
from app.payments import queries, schemas, timeline
from app.payments.timeline import Timeline

bp = Blueprint("payments_admin", __name__, description="支付与退款记录")


@bp.get("/payments/quarantine")
@bp.accepts(schemas.QuarantineQuery)
@bp.returns(schemas.QuarantinePage)
def list_quarantine(cursor: str | None = None) -> dict[str, Any]:
    """List what WeChat said that fits nothing we asked for, the latest first."""
    return queries.quarantine(read(), cursor=cursor)


@bp.get("/refunds/stuck")
@bp.accepts(schemas.QuarantineQuery)
@bp.returns(schemas.StuckRefundPage)
def list_stuck_refunds(cursor: str | None = None) -> dict[str, Any]:
    """List the refunds that WeChat refuses, closed or cannot bring to the buyer, oldest first."""
    return queries.stuck(read(), cursor=cursor)


@bp.get("/orders/<order_no>/payments")
@bp.returns(schemas.PaymentTimelineOut)
@bp.fails(OrderNotFound)
def show_timeline(order_no: str) -> Timeline:
    """Show every attempt to pay an order, every refund, what WeChat said, and who decided what."""
    session = read()
    order = orders.get(session, order_no=order_no)
    return timeline.of_order(session, order_id=order.id)
