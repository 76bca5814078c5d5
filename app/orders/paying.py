"""
The two ends of an unpaid order: paid, or closed. Whichever comes first wins, exactly once.

Both are told by payments, which alone knows what WeChat says.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.catalogue import service as catalogue
from app.catalogue import stock
from app.core import metrics, queue
from app.core.errors import Conflict
from app.marketing import seats
from app.marketing import service as marketing
from app.orders import queries, telling
from app.orders.models import LineKind, Order, OrderLine, OrderOrigin, OrderStatus
from distribution import commissions, team
from distribution.commissions import PaidLine
from distribution.team import purchases
from distribution.team.purchases import Goods
from promotions import buyers

UNSETTLED = (OrderStatus.UNPAID, OrderStatus.CLOSING)


class OrderClosed(Conflict):
    """The order was closed before; money that comes now goes back."""

    code, title = "order_closed", "订单已关闭"


class AmountDiffers(Conflict):
    """The money is not what the order costs."""

    code, title = "amount_differs", "支付金额与订单金额不一致"


def mark_paid(
    session: Session,
    *,
    order_id: int,
    transaction_id: str | None,
    paid_fen: int,
    paid_at: datetime,
    now: datetime,
) -> bool:
    """
    Make an unsettled order paid, once: stock sold, promotions used, commission accrued.

    Returns False, and changes nothing, if it is paid already.

    :raises OrderClosed: it was closed.
    :raises AmountDiffers: `paid_fen` is not its payable amount.
    :raises OrderNotFound: there is none.
    """
    order = _move(
        session,
        order_id,
        Order.payable_fen == paid_fen,
        status=OrderStatus.PAID,
        paid_fen=paid_fen,
        paid_at=paid_at,
        transaction_id=transaction_id,
        closing_at=None,
        close_reason=None,
    )
    if order is None:
        return _refuse_to_pay(session, order_id)
    _settle(session, order, queries.lines(session, order_id=order_id), now=now)
    metrics.orders.labels("paid").inc()
    return True


def reopen(
    session: Session,
    *,
    order_id: int,
    transaction_id: str,
    paid_fen: int,
    paid_at: datetime,
    now: datetime,
) -> None:
    """
    Make a closed order paid all the same: the caller has held again everything it takes.

    :raises AmountDiffers: `paid_fen` is not its payable amount.
    """
    order = _move(
        session,
        order_id,
        Order.payable_fen == paid_fen,
        among=(OrderStatus.CLOSED,),
        status=OrderStatus.PAID,
        paid_fen=paid_fen,
        paid_at=paid_at,
        transaction_id=transaction_id,
        closing_at=None,
        closed_at=None,
        close_reason=None,
    )
    if order is None:
        raise AmountDiffers
    _settle(session, order, queries.lines(session, order_id=order_id), now=now)
    metrics.orders.labels("revived").inc()


def close(session: Session, *, order_id: int, reason: str, now: datetime) -> bool:
    """
    Close an order that nobody paid, once, and give back all it held.

    `reason` counts only if none was given when closing began. Call it only when WeChat has said
    that no attempt can bring money any more. Returns False if the order is closed or paid already.
    """
    order = _move(
        session,
        order_id,
        status=OrderStatus.CLOSED,
        closed_at=now,
        closing_at=func.coalesce(Order.closing_at, now),
        close_reason=func.coalesce(Order.close_reason, reason),
    )
    if order is None:
        return False
    if order.origin == OrderOrigin.GROUP_BUY:
        seats.release(session, source=order.source, now=now)
    marketing.release(session, source=order.source, now=now)
    stock.release(session, source=order.source, now=now)
    if order.origin == OrderOrigin.FLASH_SALE:
        task = "flash_sales.returned"
        queue.defer(session, task, promotion_id=order.deal_id, member_id=order.buyer_id)
    metrics.orders.labels("closed").inc()
    return True


def _move(
    session: Session,
    order_id: int,
    *only_if: Any,
    among: tuple[OrderStatus, ...] = UNSETTLED,
    **values: Any,
) -> Order | None:
    """Move an order in one guarded statement; None if it is in no state `among` those given."""
    return session.scalar(
        update(Order)
        .where(Order.id == order_id, Order.status.in_(among), *only_if)
        .values(version=Order.version + 1, **values)
        .returning(Order),
        execution_options={"synchronize_session": False, "populate_existing": True},
    )


def _refuse_to_pay(session: Session, order_id: int) -> bool:
    status = session.scalar(select(Order.status).where(Order.id == order_id))
    if status is None:
        raise queries.OrderNotFound
    if status in UNSETTLED:
        raise AmountDiffers
    if status == OrderStatus.CLOSED:
        raise OrderClosed
    return False


def _settle(session: Session, order: Order, lines: Sequence[OrderLine], *, now: datetime) -> None:
    """What payment sets in motion, in the documented order of locks."""
    buyers.record(session, member_id=order.buyer_id, source=order.source, now=now)
    if order.origin == OrderOrigin.GROUP_BUY:
        seats.take(session, source=order.source, now=now)
    quote = queries.quote_of(order)
    marketing.confirm(session, source=order.source, member_id=order.buyer_id, quote=quote, now=now)
    stock.confirm(session, source=order.source, now=now)
    goods = [line for line in lines if line.kind == LineKind.GOODS]
    uncommissioned = marketing.uncommissioned(session, quote)
    sold: dict[int, int] = {}
    for line in goods:
        sold[line.spu_id] = sold.get(line.spu_id, 0) + line.quantity
    catalogue.add_sales(session, spu_quantities=sold)
    team.extend(session, member_id=order.buyer_id, source=order.source, now=now)
    purchases.paid(
        session,
        order_source=order.source,
        buyer_id=order.buyer_id,
        goods=goods_of(goods),
        now=now,
    )
    commissions.accrue(
        session,
        order_source=order.source,
        buyer_id=order.buyer_id,
        lines=[
            PaidLine(
                line_source=line_source(order, line),
                sku_id=line.sku_id,
                spu_id=line.spu_id,
                paid_fen=line.payable_fen,
                category_path=tuple(line.category_path),
                quantity=line.quantity,
                cost_fen=line.cost_fen,
                is_commissioned=line.seq not in uncommissioned,
            )
            for line in goods
        ],
        now=now,
    )
    telling.paid(session, order, goods, now=now)


def goods_of(lines: Sequence[OrderLine]) -> list[Goods]:
    """What was paid for goods and what of it was kept, as joining and grades look at it."""
    return [
        Goods(line.spu_id, line.payable_fen, line.payable_fen - line.refunded_fen)
        for line in lines
        if line.kind == LineKind.GOODS
    ]


def line_source(order: Order, line: OrderLine) -> str:
    """How the commission engine knows a line: `order:O…:1`."""
    return f"{order.source}:{line.seq}"
