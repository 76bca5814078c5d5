"""
Refunds as the order sees them: set aside, then gone back or kept after all.

Each is known by its source and happens once. The order's row is locked first, so two refunds of one
order never together exceed what was paid.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.catalogue import stock
from app.core import metrics
from app.core.errors import Conflict
from app.marketing import seats
from app.marketing import service as marketing
from app.orders import granted, leaving, queries
from app.orders.models import (
    LineKind,
    Order,
    OrderLine,
    OrderOrigin,
    OrderRefund,
    OrderStatus,
    RefundStatus,
)
from app.orders.paying import goods_of, line_source
from distribution import commissions
from distribution.commissions import RefundedLine
from distribution.team import purchases

REFUNDABLE = (
    OrderStatus.PAID,
    OrderStatus.SHIPPED,
    OrderStatus.RECEIVED,
    OrderStatus.COMPLETED,
)


class NotRefundable(Conflict):
    """The order is not paid, or has gone back already."""

    code, title = "not_refundable", "订单当前状态不能退款"


class RefundExceedsPaid(Conflict):
    """More would go back than was paid and is not on its way back already."""

    code, title = "refund_exceeds_paid", "退款金额超过可退金额"


class RefundUnknown(Exception):
    """A refund is settled that was never begun, or the other way round than before."""


def begin_refund(  # noqa: PLR0913  # One argument per column.
    session: Session,
    *,
    order_id: int,
    refund_source: str,
    line_amounts: Mapping[int, int],
    freight_fen: int,
    quantities: Mapping[int, int] | None = None,
    unshipped: Mapping[int, int] | None = None,
    retained: Mapping[int, int] | None = None,
    rest_fen: int = 0,
    now: datetime,
) -> bool:
    """
    Set aside fen of lines (by `order_line.id`) and of freight to go back.

    `quantities` says which pieces of which lines come back with it, if it is about goods, and
    `unshipped` how many of those never left and now will not: if it is not said, as many as there
    are. `retained` is what of their share stays with the shop, `rest_fen` of it for discounts that
    the rest lost. What costs nothing may be refunded with nothing. Returns False if it was begun.

    :raises NotRefundable: the order is not paid, or wholly refunded.
    :raises RefundExceedsPaid: a line, or the freight, has less left than is asked, or fewer pieces
        that have not left.
    """
    order = queries.locked(session, order_id=order_id)
    if _find(session, refund_source) is not None:
        return False
    if order.status not in REFUNDABLE:
        raise NotRefundable
    pieces = dict(quantities or {})
    stays = {line_id: fen for line_id, fen in (retained or {}).items() if fen}
    lines = queries.lines(session, order_id=order_id)
    _retain(lines, {str(line_id): fen for line_id, fen in stays.items()}, 1)
    amount_fen = _set_aside(order, lines, line_amounts, freight_fen, pieces)
    stay = _withhold(lines, pieces, unshipped)
    session.add(
        OrderRefund(
            source=refund_source,
            order_id=order_id,
            status=RefundStatus.REFUNDING,
            amount_fen=amount_fen,
            freight_fen=freight_fen,
            line_amounts={str(line_id): fen for line_id, fen in line_amounts.items() if fen},
            quantities={str(line_id): count for line_id, count in pieces.items()},
            unshipped={str(line_id): count for line_id, count in stay.items()},
            retained={str(line_id): fen for line_id, fen in stays.items()},
            rest_fen=rest_fen,
            begun_at=now,
        )
    )
    session.flush()
    _leave_the_deal(session, order, now)
    return True


def finish_refund(session: Session, *, order_id: int, refund_source: str, now: datetime) -> bool:
    """
    Record that the money of a refund went back: commission is clawed back in proportion.

    Pieces that never left are on sale again; an order of which nothing else is to leave has left.
    Granted coupons and points that what is kept does not earn are taken back as far as they are
    unused. An order refunded whole is `refunded`: its own coupons go back to the buyer. Returns
    False if it was finished before.

    :raises RefundUnknown: it was never begun, or was abandoned.
    """
    order, refund = _begun(session, order_id, refund_source, RefundStatus.REFUNDED)
    if refund is None:
        return False
    lines = queries.lines(session, order_id=order_id)
    touched = _take_from_refunding(order, lines, refund)
    order.refunded_fen += refund.amount_fen
    order.freight_refunded_fen += refund.freight_fen
    for line in touched:
        line.refunded_fen += _fen(refund, line)
        line.refunded_quantity += _pieces(refund, line)
    if _is_over(order, lines, refund):
        order.status = OrderStatus.REFUNDED
        metrics.orders.labels("refunded").inc()
        if order.origin == OrderOrigin.GROUP_BUY:
            seats.refunded(session, source=order.source, now=now)
        marketing.give_back(session, source=order.source, now=now)
    else:
        coupons, points = granted.still_granted(order, lines)
        marketing.take_back(
            session, source=order.source, coupons_left=coupons, points_left=points, now=now
        )
    _settle(session, refund, RefundStatus.REFUNDED, now=now)
    _put_back(session, order, lines, refund, now=now)
    leaving.move_on(session, order, lines, now=now)
    purchases.returned(session, order_source=order.source, goods=goods_of(lines))
    commissions.claw_back(
        session,
        refund_source=refund_source,
        lines=[
            RefundedLine(line_source(order, line), line.refunded_fen)
            for line in touched
            if line.kind == LineKind.GOODS
        ],
        now=now,
    )
    return True


def abandon_refund(session: Session, *, order_id: int, refund_source: str, now: datetime) -> bool:
    """
    Forget a refund that will not happen: its fen may be refunded again, the order may ship.

    Returns False if it was abandoned before.

    :raises RefundUnknown: it was never begun, or is finished.
    """
    order, refund = _begun(session, order_id, refund_source, RefundStatus.ABANDONED)
    if refund is None:
        return False
    lines = queries.lines(session, order_id=order_id)
    for line in _take_from_refunding(order, lines, refund):
        line.withheld_quantity -= _stays(refund, line)
    _retain(lines, refund.retained, -1)
    _settle(session, refund, RefundStatus.ABANDONED, now=now)
    _leave_the_deal(session, order, now)
    return True


def _leave_the_deal(session: Session, order: Order, now: datetime) -> None:
    """
    Tell a bulk buy how many pieces of the order it cannot count any more, or again.

    An order leaves its team of buyers once all that was paid for it is on its way back.
    """
    if order.origin == OrderOrigin.GROUP_BUY:
        if 0 < order.paid_fen <= order.refunding_fen + order.refunded_fen:
            seats.leave(session, source=order.source, now=now)
        return
    if order.origin == OrderOrigin.BULK_BUY:
        pieces = {
            line.sku_id: line.refunding_quantity + line.refunded_quantity
            for line in queries.lines(session, order_id=order.id)
            if line.kind == LineKind.GOODS
        }
        marketing.gone(session, source=order.source, pieces=pieces)


def _retain(lines: Sequence[OrderLine], retained: Mapping[str, int], sign: int) -> None:
    """Count what stays with the shop of the share of pieces, or, with -1, no longer."""
    for line in lines:
        line.retained_fen += sign * retained.get(str(line.id), 0)


def _set_aside(
    order: Order,
    lines: Sequence[OrderLine],
    line_amounts: Mapping[int, int],
    freight_fen: int,
    quantities: Mapping[int, int],
) -> int:
    """Raise what is on its way back, of the order and of each line; return the whole of it."""
    by_id = {line.id: line for line in lines}
    strangers = (line_amounts.keys() | quantities.keys()) - by_id.keys()
    if strangers:
        raise ValueError(f"{order.order_no} has no lines {strangers}")
    if min([freight_fen, *line_amounts.values(), *quantities.values()]) < 0:
        raise ValueError("a refund is never negative")
    amount_fen = sum(line_amounts.values()) + freight_fen
    if amount_fen == 0 and order.paid_fen > 0 and not quantities:
        raise ValueError("a refund of nothing")
    for line_id, line in by_id.items():
        _set_line_aside(line, line_amounts.get(line_id, 0), quantities.get(line_id, 0))
    if freight_fen > order.freight_fen - order.freight_refunding_fen - order.freight_refunded_fen:
        raise RefundExceedsPaid
    order.refunding_fen += amount_fen
    order.freight_refunding_fen += freight_fen
    order.version += 1
    return amount_fen


def _set_line_aside(line: OrderLine, fen: int, pieces: int) -> None:
    left_fen = line.payable_fen - line.refunding_fen - line.refunded_fen - line.retained_fen
    too_much = fen > left_fen
    if too_much or pieces > line.quantity - line.refunding_quantity - line.refunded_quantity:
        raise RefundExceedsPaid(line_id=line.id)
    line.refunding_fen += fen
    line.refunding_quantity += pieces


def _withhold(
    lines: Sequence[OrderLine], pieces: Mapping[int, int], unshipped: Mapping[int, int] | None
) -> dict[int, int]:
    """Keep pieces that have not left from leaving; return how many of each line."""
    stay: dict[int, int] = {}
    for line in lines:
        wanted = min(pieces.get(line.id, 0), line.waiting_quantity)
        if unshipped is not None:
            wanted = unshipped.get(line.id, 0)
        if wanted > min(pieces.get(line.id, 0), line.waiting_quantity):
            raise RefundExceedsPaid(line_id=line.id)
        if wanted:
            line.withheld_quantity += wanted
            stay[line.id] = wanted
    return stay


def _begun(
    session: Session, order_id: int, refund_source: str, outcome: RefundStatus
) -> tuple[Order, OrderRefund | None]:
    """The order, locked, and the refund if it is still to be settled; None if it was, this way."""
    order = queries.locked(session, order_id=order_id)
    refund = _find(session, refund_source)
    if refund is None or refund.order_id != order_id:
        raise RefundUnknown(f"{refund_source} was never begun for {order.order_no}")
    if refund.status == outcome:
        return order, None
    if refund.status != RefundStatus.REFUNDING:
        raise RefundUnknown(f"{refund_source} is {refund.status} already")
    return order, refund


def _take_from_refunding(
    order: Order, lines: Sequence[OrderLine], refund: OrderRefund
) -> list[OrderLine]:
    """Lower what is on its way back; return the lines the refund is about."""
    order.refunding_fen -= refund.amount_fen
    order.freight_refunding_fen -= refund.freight_fen
    order.version += 1
    named = refund.line_amounts.keys() | refund.quantities.keys()
    touched = [line for line in lines if str(line.id) in named]
    for line in touched:
        line.refunding_fen -= _fen(refund, line)
        line.refunding_quantity -= _pieces(refund, line)
    return touched


def _fen(refund: OrderRefund, line: OrderLine) -> int:
    return int(refund.line_amounts.get(str(line.id), 0))


def _pieces(refund: OrderRefund, line: OrderLine) -> int:
    return int(refund.quantities.get(str(line.id), 0))


def _stays(refund: OrderRefund, line: OrderLine) -> int:
    return int(refund.unshipped.get(str(line.id), 0))


def _is_over(order: Order, lines: Sequence[OrderLine], refund: OrderRefund) -> bool:
    """Say whether nothing of the order is left: no money, or, if it cost nothing, no goods."""
    if order.refunded_fen < order.paid_fen:
        return False
    goods = [line for line in lines if line.kind == LineKind.GOODS]
    if all(line.refunded_quantity == line.quantity for line in goods):
        return True
    # A price that fell to nothing brings all money back and leaves the goods with the buyer.
    fell = any(line.final_fen is not None for line in goods)
    return not fell and (order.paid_fen > 0 or not refund.quantities)


def _settle(session: Session, refund: OrderRefund, status: RefundStatus, *, now: datetime) -> None:
    refund.status = status
    refund.settled_at = now
    session.flush()


def _put_back(
    session: Session,
    order: Order,
    lines: Sequence[OrderLine],
    refund: OrderRefund,
    *,
    now: datetime,
) -> None:
    """Put goods that never left back on sale: pieces given back, or what is refunded whole."""
    is_over = order.status == OrderStatus.REFUNDED
    quantities: dict[int, int] = {}
    for line in lines:
        back = _stays(refund, line)
        is_paid_back = line.final_fen is None and 0 < line.payable_fen == line.refunded_fen
        if is_over or is_paid_back:
            back += line.waiting_quantity
            line.withheld_quantity += line.waiting_quantity
        if back:
            quantities[line.sku_id] = quantities.get(line.sku_id, 0) + back
            line.restocked_quantity += back
    session.flush()
    if quantities:
        stock.restock(session, source=order.source, quantities=quantities, now=now)


def take_in(
    session: Session, *, order_id: int, quantities: Mapping[int, int], now: datetime
) -> None:
    """
    Put pieces (by `order_line.id`) that came back to the shop on sale again.

    :raises RestockRefused: more would come back than were bought and are not back yet.
    """
    order = queries.locked(session, order_id=order_id)
    of_sku: dict[int, int] = {}
    for line in queries.lines(session, order_id=order_id):
        count = quantities.get(line.id, 0)
        if count:
            line.restocked_quantity += count
            of_sku[line.sku_id] = of_sku.get(line.sku_id, 0) + count
    session.flush()
    if of_sku:
        stock.restock(session, source=order.source, quantities=of_sku, now=now)


def _find(session: Session, refund_source: str) -> OrderRefund | None:
    return session.scalar(
        select(OrderRefund)
        .where(OrderRefund.source == refund_source)
        .execution_options(populate_existing=True)
    )
