"""
What the kept goods of an order still earn: its gifts, its coupons, its points.

It is read off what the quote says of each condition when the order was placed, not today's terms.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from app.orders import queries
from app.orders.models import LineKind, Order, OrderLine
from promotions.pricing import units_share


def still_granted(order: Order, lines: Sequence[OrderLine]) -> tuple[dict[int, int], int]:
    """
    Return which coupons (pieces by template) and points of an order its kept goods still earn.

    Pieces that are only on their way back count as kept: their refund may yet be abandoned.
    """
    gone = {
        line.seq: (line.quantity, line.refunded_quantity)
        for line in lines
        if line.kind == LineKind.GOODS
    }
    coupons: dict[int, int] = {}
    points = 0
    for adjustment in queries.quote_of(order)["adjustments"]:
        met = adjustment.get("met")
        kept, whole = (1, 1) if met is None else (_times_met(met, gone), met["times"])
        for each in adjustment.get("coupons", ()):
            template = each["promotion_id"]
            coupons[template] = coupons.get(template, 0) + each["count"] * kept // whole
        points += adjustment.get("points", 0) * kept // whole
    return coupons, points


def gifts_lost(
    order: Order,
    lines: Sequence[OrderLine],
    gone: Mapping[int, int],
    quantities: Mapping[int, int],
) -> dict[int, int]:
    """
    Return the gift pieces by line that are no longer earned once `quantities` are back too.

    `gone` are the pieces of each line that went back before, or are on their way.
    """
    gifts = [line for line in lines if line.kind == LineKind.GIFT]
    if not gifts:
        return {}
    back = {
        line.seq: (line.quantity, gone[line.id] + quantities.get(line.id, 0))
        for line in lines
        if line.kind == LineKind.GOODS
    }
    conditions = {
        each["promotion_id"]: each["met"] for each in queries.quote_of(order)["adjustments"]
    }
    lost: dict[int, int] = {}
    for gift in gifts:
        met = conditions[gift.promotion_id]
        earned = gift.quantity * _times_met(met, back) // met["times"]
        returned = quantities.get(gift.id, 0)
        settled = gone[gift.id] + returned
        if gift.quantity - earned > settled:
            lost[gift.id] = gift.quantity - earned - settled + returned
    return lost


def _times_met(met: Mapping[str, Any], gone: Mapping[int, tuple[int, int]]) -> int:
    """How many times what is kept still meets the condition of a gift."""
    have = 0
    for each in met["counted"]:
        quantity, returned = gone[each["line_id"]]
        have += units_share(each["amount"], quantity, returned, quantity)
    return min(int(met["times"]), have // int(met["need"]))
