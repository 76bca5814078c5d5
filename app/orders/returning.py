"""
What goes back when pieces of an order come back: their stored share, never a new price.

The shares of a line's pieces are cut cumulatively and its last pieces take what is left of it, so
the parts of an order, in whatever order they come back, sum to exactly what was paid, less what was
retained. Freight goes with the last of the goods, a gift with the goods that earned it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any

from app.core.errors import Conflict
from app.orders.granted import gifts_lost
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
    """0: only money that was retained of the line goes back."""
    amount_fen: int
    """What goes back for them, after what is deducted."""
    deducted_fen: int
    """The stated value of gift pieces that were shipped and do not come back."""
    retained_fen: int = 0
    """What of their share stays with the shop; below 0: what is given back of it after all."""


@dataclass(frozen=True, slots=True)
class Return:
    """Which pieces come back and what goes back for each; it decides nothing by itself."""

    lines: tuple[ReturnLine, ...]
    freight_fen: int
    deducted_fen: int
    rest_fen: int = 0
    """What is deducted for discounts the rest loses; below 0: given back, for the rest is gone."""

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
        return {line.line_id: line.quantity for line in self.lines if line.quantity}

    @property
    def retained(self) -> dict[int, int]:
        """Fen by `order_line.id` that stay with the shop."""
        return {line.line_id: line.retained_fen for line in self.lines if line.retained_fen}

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
            rest_fen=document.get("rest_fen", 0),
        )

    def cut_to(self, amount_fen: int) -> "Return":
        """
        Return the same pieces for `amount_fen`, at most as much; the shop keeps the difference.

        What is cut comes off the goods in proportion, and off freight only when they are used up.
        """
        goods = {line.line_id: line.amount_fen for line in self.lines}
        cut_fen = self.amount_fen - amount_fen
        off_freight = max(0, cut_fen - sum(goods.values()))
        cuts = apportion(goods, cut_fen - off_freight)
        return replace(
            self,
            freight_fen=self.freight_fen - off_freight,
            lines=tuple(
                replace(
                    line,
                    amount_fen=line.amount_fen - cuts[line.line_id],
                    retained_fen=line.retained_fen + cuts[line.line_id],
                )
                for line in self.lines
            ),
        )


class Which(StrEnum):
    """Of which pieces of an order something is asked."""

    ANY = "any"
    WAITING = "waiting"
    """Those that are still to leave."""
    LEFT = "left"
    """Those that have left."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What open cases ask for of each line, by `order_line.id`: nobody else may ask for it too."""

    pieces: Mapping[int, int] = field(default_factory=dict)
    waiting: Mapping[int, int] = field(default_factory=dict)
    """How many of these have not left."""
    going: Mapping[int, int] = field(default_factory=dict)
    """How many of these go back for money; not those exchanged, nor those only compensated for."""
    fen: Mapping[int, int] = field(default_factory=dict)
    """What they bring, and what is retained of it."""
    freight_fen: int = 0
    rest_fen: int = 0
    """What is deducted in them for discounts the rest loses."""


NOTHING_ASKED = Asked()

Rest = Callable[[Mapping[int, int]], int]
"""
Given what will be kept (pieces by `order_line.id`): the fen to deduct for the discounts it loses,
beyond those retained before; below 0, what of those is due again.
"""


def plan(
    order: Order,
    lines: Sequence[OrderLine],
    quantities: Mapping[int, int] | None = None,
    *,
    which: Which = Which.ANY,
    asked: Asked = NOTHING_ASKED,
    rest: Rest | None = None,
    with_freight: bool = True,
) -> Return:
    """
    Say what goes back for these pieces (by `order_line.id`), or for all `which` are left.

    The last pieces that cost something take all that is left with them, gifts included, and, unless
    `with_freight` is false, the freight.

    :raises ReturnExceedsLine: a line has fewer pieces left, or is not one of the order's.
    """
    left = {line.id: _pieces_left(line, which, asked) for line in lines}
    wanted = _wanted(lines, quantities, left)
    is_last = _is_last(lines, wanted)
    amounts = {line.id: _share(line, wanted.get(line.id, 0), asked) for line in lines}
    gone = {line.id: _gone(line) + asked.going.get(line.id, 0) for line in lines}
    settled = wanted if is_last else wanted | gifts_lost(order, lines, gone, wanted)
    owed = _owed(lines, wanted if quantities is None else quantities, settled)
    deducted_fen = min(sum(owed.values()), sum(amounts.values()))
    deductions = apportion(owed, deducted_fen)
    taken = apportion(amounts, deducted_fen)
    net = {line_id: fen - taken[line_id] for line_id, fen in amounts.items()}
    kept = {line.id: line.quantity - gone[line.id] - wanted.get(line.id, 0) for line in lines}
    rest_of = _rest_of(lines, net, 0 if rest is None else rest(kept))
    found = []
    for line in lines:
        count, stays = settled.get(line.id, 0), taken[line.id] + rest_of[line.id]
        if count or stays:
            found.append(_line(line, count, amounts[line.id], deductions[line.id], stays))
    has_freight = is_last and with_freight
    return Return(
        lines=tuple(found),
        freight_fen=freight_left(order) - asked.freight_fen if has_freight else 0,
        deducted_fen=deducted_fen,
        rest_fen=sum(rest_of.values()),
    )


def share(lines: Sequence[OrderLine], quantities: Mapping[int, int] | None, asked: Asked) -> Return:
    """
    Say what pieces that stay with the buyer cost: the most that may go back for them, no freight.

    :raises ReturnExceedsLine: a line has fewer pieces left, or is not one of the order's.
    """
    left = {line.id: _pieces_left(line, Which.LEFT, asked) for line in lines}
    if quantities is None:
        quantities = {line.id: left[line.id] for line in lines if line.kind == LineKind.GOODS}
    _refuse_more(left, quantities)
    chosen = [(line, quantities.get(line.id, 0)) for line in lines]
    return Return(
        lines=tuple(
            _line(line, count, _share(line, count, asked), 0, 0) for line, count in chosen if count
        ),
        freight_fen=0,
        deducted_fen=0,
    )


def _wanted(
    lines: Sequence[OrderLine],
    quantities: Mapping[int, int] | None,
    left: Mapping[int, int],
) -> dict[int, int]:
    """The pieces meant: all that is left, those named, or, with the last that cost, all again."""
    everything = {line_id: count for line_id, count in left.items() if count}
    if quantities is None:
        return everything
    _refuse_more(left, quantities)
    return everything if _is_last(lines, quantities) else dict(quantities)


def _refuse_more(left: Mapping[int, int], quantities: Mapping[int, int]) -> None:
    for line_id, count in quantities.items():
        if count > left.get(line_id, 0):
            raise ReturnExceedsLine(line_id=line_id, left=left.get(line_id, 0))


def _gone(line: OrderLine) -> int:
    return line.refunding_quantity + line.refunded_quantity


def _pieces_left(line: OrderLine, which: Which, asked: Asked) -> int:
    """
    How many pieces there still are that nobody asks for, in no refund yet.

    Pieces that a case asks to cancel may have left since: they are asked for all the same.
    """
    taken, waiting = asked.pieces.get(line.id, 0), asked.waiting.get(line.id, 0)
    left = line.quantity - _gone(line) - taken
    if which is Which.WAITING:
        left = min(left, line.waiting_quantity - waiting)
    if which is Which.LEFT:
        returned = max(0, _gone(line) - line.withheld_quantity)
        left = min(left, line.shipped_quantity - returned - (taken - waiting))
    return max(0, left)


def freight_left(order: Order) -> int:
    """What is left of the freight of an order, neither back nor on its way."""
    return order.freight_fen - order.freight_refunding_fen - order.freight_refunded_fen


def _share(line: OrderLine, count: int, asked: Asked) -> int:
    """What the next `count` pieces of a line cost; its last take all that is left of its money."""
    left = line.payable_fen - line.refunding_fen - line.refunded_fen - line.retained_fen
    left -= asked.fen.get(line.id, 0)
    first = _gone(line) + asked.going.get(line.id, 0)
    if count and first + count == line.quantity:
        return left
    return min(left, units_share(line.price_fen, line.quantity, first, first + count))


def _is_last(lines: Sequence[OrderLine], quantities: Mapping[int, int]) -> bool:
    """Say whether, once these pieces are back, none is left, or none that cost anything."""
    goods = [line for line in lines if line.kind == LineKind.GOODS]
    kept = {line.id: line.quantity - _gone(line) - quantities.get(line.id, 0) for line in goods}
    if not any(kept.values()):
        return True
    cost = {line.id: line.payable_fen + line.tender_fen for line in goods}
    return any(cost.values()) and not any(kept[line.id] and cost[line.id] for line in goods)


def _rest_of(
    lines: Sequence[OrderLine], amounts: Mapping[int, int], due_fen: int
) -> dict[int, int]:
    """Spread what the rest loses over what goes back, or what is due again over what was kept."""
    if due_fen >= 0:
        return apportion(amounts, min(due_fen, sum(amounts.values())))
    retained = {line.id: line.retained_fen for line in lines}
    due_again = apportion(retained, min(-due_fen, sum(retained.values())))
    return {line_id: -fen for line_id, fen in due_again.items()}


def _owed(
    lines: Sequence[OrderLine], returned: Mapping[int, int], settled: Mapping[int, int]
) -> dict[int, int]:
    """The stated value, by line, of gifts that left with the goods and do not come back."""
    kept = {
        line.id: settled.get(line.id, 0) - max(returned.get(line.id, 0), line.waiting_quantity)
        for line in lines
    }
    return {line.id: line.value_fen * max(0, kept[line.id]) for line in lines}


def _line(
    line: OrderLine, count: int, share_fen: int, deducted_fen: int, stays_fen: int
) -> ReturnLine:
    return ReturnLine(
        line_id=line.id,
        kind=line.kind,
        sku_id=line.sku_id,
        title=line.title,
        spec_text=line.spec_text,
        image_url=line.image_url,
        quantity=count,
        amount_fen=share_fen - stays_fen,
        deducted_fen=deducted_fen,
        retained_fen=stays_fen,
    )
