"""
Money that comes for a closed order may open it again, if the shop's rules say so.

Only if everything the order takes can be held again at this moment: goods, gifts, coupons, uses of
promotions. Either all of it, or nothing happens and the money goes back. Deals are left out: their
stock, seats and collected pieces have gone on without the order. So is what was for new buyers.
"""

import json
from datetime import datetime

import structlog
from sqlalchemy.orm import Session

from app.catalogue import stock
from app.catalogue.stock import OutOfStock
from app.marketing import service as marketing
from app.marketing.service import CouponGone, PromotionGone
from app.orders import paying, queries
from app.orders.models import Order, OrderStatus
from app.shop import queries as shop
from promotions import buyers

log = structlog.get_logger(__name__)


def revive(
    session: Session,
    *,
    order_id: int,
    transaction_id: str,
    paid_fen: int,
    paid_at: datetime,
    now: datetime,
) -> bool:
    """
    Make a closed order paid after all; False, and nothing has changed, if that cannot be.

    :raises OrderNotFound: there is none.
    """
    order = queries.locked(session, order_id=order_id)
    if not _may_revive(session, order, paid_fen):
        return False
    try:
        with session.begin_nested():
            _hold_again(session, order, now)
            paying.reopen(
                session,
                order_id=order_id,
                transaction_id=transaction_id,
                paid_fen=paid_fen,
                paid_at=paid_at,
                now=now,
            )
    except (OutOfStock, CouponGone, PromotionGone) as gone:
        log.info("order_not_revived", order_no=order.order_no, reason=gone.code)
        return False
    log.info("order_revived", order_no=order.order_no)
    return True


def _may_revive(session: Session, order: Order, paid_fen: int) -> bool:
    return (
        order.status == OrderStatus.CLOSED
        and order.payable_fen == paid_fen
        and order.deal_id is None
        and not _was_for_new_buyers(order)
        and shop.rules(session).revive_late_orders
    )


def _was_for_new_buyers(order: Order) -> bool:
    """Whether the price looked at whether the buyer is new: that cannot be known to hold still."""
    if order.quote_input is None:
        return True  # Older than the record of what was priced.
    buyer = json.loads(order.quote_input).get("buyer") or {}
    return buyer.get("is_new") is True and bool(queries.quote_of(order)["adjustments"])


def _hold_again(session: Session, order: Order, now: datetime) -> None:
    """Hold what the order takes, in the documented order of locks."""
    source, buyer_id = order.source, order.buyer_id
    buyers.record(session, member_id=buyer_id, source=source, now=now)
    quote = queries.quote_of(order)
    marketing.reserve_again(session, source=source, member_id=buyer_id, quote=quote, now=now)
    quantities: dict[int, int] = {}
    for line in queries.lines(session, order_id=order.id):
        quantities[line.sku_id] = quantities.get(line.sku_id, 0) + line.quantity
    stock.hold(session, source=source, quantities=quantities, now=now)
