"""
What goes back when pieces of an order come back: their stored share, never a new price.

The shares of a line's pieces are cut cumulatively, so the parts of an order, in whatever order they
come back, sum to exactly what was paid. Freight goes with the last of the goods. A gift goes with
the goods that earned it: by what the quote says of its condition, not by today's terms.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from app.core.errors import Conflict
from app.orders import queries
from app.orders.models import LineKind, Order, OrderLine
from promotions.pricing import apportion, units_share


class ReturnExceedsLine(Conflict):
    """More pieces would come back than are left of the line; `line_id` and `left` say which."""

    code, title = "return_exceeds_line", "退款数量超过可退数量"


@dataclass(frozen=True, slots=True)
class ReturnLine:
    """Pieces of one line that come back, or, if `deducted_fen`, a gift that is paid for."""

    line_id: int
    kind: str
    sku_id: int
    title: str
    spec_text: str
    image_url: str
    quantity: int
    amount_fen: int
    """What goes back for them, after what is deducted for gifts that stay."""
    deducted_fen: int
    """The stated value of gift pieces that were shipped and do not come back."""


@dataclass(frozen=True, slots=True)
class Return:
    """Which pieces come back and what goes back for each; it decides nothing by itself."""

    lines: tuple[ReturnLine, ...]
    freight_fen: int
    deducted_fen: int

    @property
    def amount_fen(self) -> int:
        """What goes back in all, freight included."""
        return sum(line.amount_fen for line in self.lines) + self.freight_fen

    @property
    def line_amounts(self) -> dict[int, int]:
        """Fen by `order_line.id`, as a refund takes them."""
        return {line.line_id: line.amount_fen for line in self.lines if line.amount_fen}

    @property
    def quantities(self) -> dict[int, int]:
        """Pieces by `order_line.id`, gifts included."""
        return {line.line_id: line.quantity for line in self.lines}

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {**asdict(self), "amount_fen": self.amount_fen}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Return":
        """Read what `to_json` wrote."""
        return cls(
            lines=tuple(ReturnLine(**line) for line in document["lines"]),
            freight_fen=document["freight_fen"],
            deducted_fen=document["deducted_fen"],
        )


def plan(
    order: Order, lines: Sequence[OrderLine], quantities: Mapping[int, int] | None = None
) -> Return:
    """
    Say what goes back for these pieces (by `order_line.id`), or for all that is left.

    The last pieces that cost something take all that is left with them, freight and gifts included.

    :raises ReturnExceedsLine: a line has fewer pieces left, or is not one of the order's.
    """
    left = {line.id: _pieces_left(line) for line in lines}
    wanted = {id_: count for id_, count in left.items() if count}
    if quantities is not None:
        for line_id, count in quantities.items():
            if count > left.get(line_id, 0):
                raise ReturnExceedsLine(line_id=line_id, left=left.get(line_id, 0))
        if not _is_last(lines, quantities):
            wanted = dict(quantities)
    is_last = _is_last(lines, wanted)
    amounts = {line.id: _share(line, wanted.get(line.id, 0)) for line in lines}
    settled = wanted if is_last else wanted | _gifts_lost(order, lines, wanted)
    owed = _owed(lines, wanted if quantities is None else quantities, settled)
    deducted_fen = min(sum(owed.values()), sum(amounts.values()))
    taken = apportion(amounts, deducted_fen)
    deductions = apportion(owed, deducted_fen)
    return Return(
        lines=tuple(
            _line(line, settled[line.id], amounts[line.id] - taken[line.id], deductions[line.id])
            for line in lines
            if settled.get(line.id)
        ),
        freight_fen=_freight_left(order) if is_last else 0,
        deducted_fen=deducted_fen,
    )


def unshipped(
    lines: Sequence[OrderLine], quantities: Mapping[int, int] | None
) -> dict[int, int] | None:
    """
    Say which pieces come back if only what has not left may; None still means all of the order.

    :raises ReturnExceedsLine: fewer pieces of a line have not left.
    """
    if not any(line.shipped_quantity for line in lines):
        return None if quantities is None else dict(quantities)
    waiting = {line.id: line.waiting_quantity for line in lines if line.waiting_quantity}
    if quantities is None:
        return waiting
    for line_id, count in quantities.items():
        if count > waiting.get(line_id, 0):
            raise ReturnExceedsLine(line_id=line_id, left=waiting.get(line_id, 0))
    return dict(quantities)


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


def _pieces_left(line: OrderLine) -> int:
    return line.quantity - line.refunding_quantity - line.refunded_quantity


def _freight_left(order: Order) -> int:
    return order.freight_fen - order.freight_refunding_fen - order.freight_refunded_fen


def _share(line: OrderLine, count: int) -> int:
    """What the next `count` pieces of a line cost; no more than is left of its money."""
    first = line.quantity - _pieces_left(line)
    share = units_share(line.price_fen, line.quantity, first, first + count)
    return min(share, line.payable_fen - line.refunding_fen - line.refunded_fen)


def _is_last(lines: Sequence[OrderLine], quantities: Mapping[int, int]) -> bool:
    """Say whether, once these pieces are back, none is left, or none that cost anything."""
    goods = [line for line in lines if line.kind == LineKind.GOODS]
    kept = {line.id: _pieces_left(line) - quantities.get(line.id, 0) for line in goods}
    if not any(kept.values()):
        return True
    cost = {line.id: line.payable_fen + line.tender_fen for line in goods}
    return any(cost.values()) and not any(kept[line.id] and cost[line.id] for line in goods)


def _gifts_lost(
    order: Order, lines: Sequence[OrderLine], quantities: Mapping[int, int]
) -> dict[int, int]:
    """Gift pieces by line that are no longer earned once `quantities` are back."""
    gifts = [line for line in lines if line.kind == LineKind.GIFT]
    if not gifts:
        return {}
    gone = {
        line.seq: (line.quantity, line.quantity - _pieces_left(line) + quantities.get(line.id, 0))
        for line in lines
        if line.kind == LineKind.GOODS
    }
    conditions = {
        each["promotion_id"]: each["met"] for each in queries.quote_of(order)["adjustments"]
    }
    lost: dict[int, int] = {}
    for gift in gifts:
        met = conditions[gift.promotion_id]
        earned = gift.quantity * _times_met(met, gone) // met["times"]
        settled = gift.quantity - _pieces_left(gift) + quantities.get(gift.id, 0)
        if gift.quantity - earned > settled:
            lost[gift.id] = gift.quantity - earned - settled + quantities.get(gift.id, 0)
    return lost


def _times_met(met: Mapping[str, Any], gone: Mapping[int, tuple[int, int]]) -> int:
    """How many times what is kept still meets the condition of a gift."""
    have = 0
    for each in met["counted"]:
        quantity, returned = gone[each["line_id"]]
        have += units_share(each["amount"], quantity, returned, quantity)
    return min(int(met["times"]), have // int(met["need"]))


def _owed(
    lines: Sequence[OrderLine], returned: Mapping[int, int], settled: Mapping[int, int]
) -> dict[int, int]:
    """The stated value, by line, of gifts that left with the goods and do not come back."""
    kept = {
        line.id: settled.get(line.id, 0) - max(returned.get(line.id, 0), line.waiting_quantity)
        for line in lines
    }
    return {line.id: line.value_fen * max(0, kept[line.id]) for line in lines}


def _line(line: OrderLine, count: int, amount_fen: int, deducted_fen: int) -> ReturnLine:
    return ReturnLine(
        line_id=line.id,
        kind=line.kind,
        sku_id=line.sku_id,
        title=line.title,
        spec_text=line.spec_text,
        image_url=line.image_url,
        quantity=count,
        amount_fen=amount_fen,
        deducted_fen=deducted_fen,
    )
