"""
What the rest of an order would cost by itself: the stored cart without what goes back, priced by
the stored snapshot. Nothing of today counts: no terms, no prices, no coupons the order did not use.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.orders import queries
from app.orders.models import LineKind, Order, OrderLine, OrderRefund, RefundStatus
from promotions import pricing, replay
from promotions.pricing import units_share


@dataclass(frozen=True, slots=True)
class Loss:
    """A discount that the rest would not get, or not as much of: `before_fen` is what it has."""

    promotion_id: int
    title: str
    before_fen: int
    after_fen: int


@dataclass(frozen=True, slots=True)
class Repriced:
    """The rest as it was paid and as it would cost alone; points and freight left aside."""

    paid_fen: int
    alone_fen: int
    losses: tuple[Loss, ...]

    @property
    def lost_fen(self) -> int:
        """By how much the rest was cheaper than it would have been alone; never below 0."""
        return max(0, self.alone_fen - self.paid_fen)


NOTHING_LOST = Repriced(0, 0, ())


def rest(
    session: Session, order: Order, lines: Sequence[OrderLine], kept: Mapping[int, int]
) -> Repriced:
    """
    Price what is kept (pieces by `order_line.id`) alone, by the order's own cart and snapshot.

    An order at a deal, or one whose cart or snapshot is not on record any more, loses nothing.
    """
    goods = [line for line in lines if line.kind == LineKind.GOODS]
    count = {line.seq: kept.get(line.id, 0) for line in goods}
    if not any(count.values()) or order.deal_id is not None or order.quote_input is None:
        return NOTHING_LOST
    quote = queries.quote_of(order)
    if not quote["adjustments"]:
        return NOTHING_LOST
    used = tuple(each["coupon_id"] for each in quote["adjustments"] if each["coupon_id"])
    cart = pricing.Cart.from_json(json.loads(order.quote_input))
    smaller = replace(
        cart,
        lines=tuple(
            replace(line, quantity=count[line.line_id])
            for line in cart.lines
            if count[line.line_id]
        ),
        coupon_ids=used,
        points_fen=0,
    )
    try:
        snapshot = replay.snapshot(session, order.snapshot_version)
    except replay.UnknownSnapshot:
        return NOTHING_LOST
    alone = pricing.price(smaller, snapshot)
    return Repriced(
        paid_fen=sum(
            _tail(line.payable_fen + line.tender_fen, line.quantity, count[line.seq])
            for line in goods
        ),
        alone_fen=sum(line.payable_fen for line in alone.lines),
        losses=_losses(quote, alone, {line.seq: line.quantity for line in goods}, count),
    )


def retained_fen(session: Session, *, order_id: int) -> int:
    """What is retained of an order for discounts the rest lost, in all its refunds."""
    total = select(func.coalesce(func.sum(OrderRefund.rest_fen), 0)).where(
        OrderRefund.order_id == order_id, OrderRefund.status != RefundStatus.ABANDONED
    )
    return int(session.scalar(total) or 0)


def _tail(amount_fen: int, quantity: int, kept: int) -> int:
    """The share of the last `kept` pieces: pieces go back from the first on."""
    return units_share(amount_fen, quantity, quantity - kept, quantity)


def _losses(
    quote: Mapping[str, Any],
    alone: pricing.Quote,
    quantities: Mapping[int, int],
    kept: Mapping[int, int],
) -> tuple[Loss, ...]:
    after = {
        (one.promotion_id, one.coupon_id): sum(one.shares.values()) for one in alone.adjustments
    }
    losses = []
    for each in quote["adjustments"]:
        before_fen = sum(
            _tail(part["amount_fen"], quantities[part["line_id"]], kept[part["line_id"]])
            for part in each["shares"]
        )
        after_fen = after.get((each["promotion_id"], each["coupon_id"]), 0)
        if after_fen < before_fen:
            losses.append(Loss(each["promotion_id"], each["title"], before_fen, after_fen))
    return tuple(losses)
