"""
The answer: what each line costs, what took how much off, and a verdict on every candidate.

A quote is plain data with one canonical text, so the same input gives the same bytes.
"""

from dataclasses import dataclass, field
from typing import Any

from promotions.pricing import canon
from promotions.pricing.cart import Cart
from promotions.pricing.rule import Gift, Lane, Met, Shortfall
from promotions.pricing.tally import Code

ENGINE_VERSION = 2
"""
Raised whenever the same input may give another quote or another text, and with each new kind: a
process of the release before leaves out what it does not know.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjustment:
    """What one applied promotion takes off, by line and of freight, and what it gives."""

    promotion_id: int
    kind: str
    lane: Lane
    title: str
    shares: dict[int, int]
    freight_fen: int
    coupon_id: int | None = None
    units: dict[int, int] = field(default_factory=dict)
    """Pieces sold at its price, by line id."""
    gifts: tuple[Gift, ...] = ()
    points: int = 0
    coupons: tuple[tuple[int, int], ...] = ()
    """(template promotion id, how many), given once the order is paid."""
    met: Met | None = None
    """The condition its gifts were earned with, if it gives any."""

    @property
    def amount_fen(self) -> int:
        """What it takes off; what its budget is charged."""
        return sum(self.shares.values()) + self.freight_fen

    def to_json(self) -> dict[str, Any]:
        """Return the adjustment as plain data, shares by line id."""
        return {
            "promotion_id": self.promotion_id,
            "kind": self.kind,
            "lane": self.lane.value,
            "title": self.title,
            "amount_fen": self.amount_fen,
            "freight_fen": self.freight_fen,
            "shares": [
                {"line_id": line_id, "amount_fen": share}
                for line_id, share in sorted(self.shares.items())
                if share
            ],
            "coupon_id": self.coupon_id,
            "units": [
                {"line_id": line_id, "quantity": quantity}
                for line_id, quantity in sorted(self.units.items())
            ],
            "gifts": [gift.to_json() for gift in self.gifts],
            "points": self.points,
            "coupons": [
                {"promotion_id": promotion_id, "count": count}
                for promotion_id, count in self.coupons
            ],
            "met": None if self.met is None else self.met.to_json(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of one candidate, and why."""

    promotion_id: int
    title: str
    code: Code
    amount_fen: int = 0
    """What it takes off if applied; what it would have alone if dominated or not chosen."""
    by: int | None = None
    """The promotion that stands in its way."""
    shortfall: Shortfall | None = None
    """What the cart lacks for it, or, if it is applied, for its next step."""
    coupon_id: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the verdict as plain data."""
        return {
            "promotion_id": self.promotion_id,
            "title": self.title,
            "code": self.code.value,
            "amount_fen": self.amount_fen,
            "by": self.by,
            "shortfall": None if self.shortfall is None else self.shortfall.to_json(),
            "coupon_id": self.coupon_id,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedLine:
    """A cart line with what each promotion takes off it, in the order they apply."""

    line_id: int
    sku_id: int
    quantity: int
    unit_price_fen: int
    base_price_fen: int
    """A unit before any promotion: the list price, or that of the buyer's level if lower."""
    payable_fen: int
    """The line after promotions; the points that pay part of it are `tender_fen`."""
    discounts: tuple[tuple[int, int], ...]
    """(promotion id, fen), all positive."""
    tender_fen: int = 0

    @property
    def amount_fen(self) -> int:
        """The line at its list price."""
        return self.unit_price_fen * self.quantity

    @property
    def member_saves_fen(self) -> int:
        """What the buyer's level saves before any promotion."""
        return (self.unit_price_fen - self.base_price_fen) * self.quantity

    @property
    def discount_fen(self) -> int:
        """What all promotions together take off the line."""
        return self.base_price_fen * self.quantity - self.payable_fen

    def to_json(self) -> dict[str, Any]:
        """Return the line as plain data."""
        return {
            "line_id": self.line_id,
            "sku_id": self.sku_id,
            "quantity": self.quantity,
            "unit_price_fen": self.unit_price_fen,
            "base_price_fen": self.base_price_fen,
            "amount_fen": self.amount_fen,
            "discount_fen": self.discount_fen,
            "payable_fen": self.payable_fen,
            "tender_fen": self.tender_fen,
            "discounts": [
                {"promotion_id": promotion_id, "amount_fen": share}
                for promotion_id, share in self.discounts
            ],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class GiftLine:
    """Pieces that come with the order for nothing, and the promotion that gives them."""

    promotion_id: int
    sku_id: int
    quantity: int
    value_fen: int
    """The stated value of one piece."""

    def to_json(self) -> dict[str, Any]:
        """Return the gift line as plain data."""
        return {
            "promotion_id": self.promotion_id,
            "sku_id": self.sku_id,
            "quantity": self.quantity,
            "value_fen": self.value_fen,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A line that asks for more pieces than a promotion's terms sell: it may have `most`."""

    promotion_id: int
    line_id: int
    most: int

    def to_json(self) -> dict[str, Any]:
        """Return the refusal as plain data."""
        return {"promotion_id": self.promotion_id, "line_id": self.line_id, "most": self.most}


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """
    The price of a cart, explained.

    `items_fen - member_saves_fen - discount_fen + freight_fen - tender_fen = payable_fen`; the
    lines' payables and freight, less the tender, sum to `payable_fen` too; and the trace holds each
    candidate once, a coupon as one of its own.
    """

    snapshot_version: int
    cart: Cart
    """What was priced."""
    lines: tuple[PricedLine, ...]
    adjustments: tuple[Adjustment, ...]
    trace: tuple[Verdict, ...]
    is_optimal: bool
    """
    Every lane's choice is proven the best, not only searched for. Which lines get the pieces of a
    limited price is no choice: the first ones do.
    """
    freight_list_fen: int
    freight_fen: int
    """Freight to pay, after promotions."""
    tender_fen: int = 0
    """What points pay of the goods, never of freight."""
    gifts: tuple[GiftLine, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    """What keeps the cart from being ordered as it is."""

    @property
    def input_digest(self) -> str:
        """The SHA-256 of the canonical text of the cart, in hex; reckoned when asked for."""
        return canon.digest(self.cart.to_json())

    @property
    def items_fen(self) -> int:
        """The goods at list prices."""
        return sum(line.amount_fen for line in self.lines)

    @property
    def member_saves_fen(self) -> int:
        """What the buyer's level saves on the goods before any promotion."""
        return sum(line.member_saves_fen for line in self.lines)

    @property
    def discount_fen(self) -> int:
        """What promotions take off the goods; freight is not in it."""
        return sum(line.discount_fen for line in self.lines)

    @property
    def payable_fen(self) -> int:
        """What the buyer pays."""
        return sum(line.payable_fen for line in self.lines) + self.freight_fen - self.tender_fen

    def to_json(self) -> dict[str, Any]:
        """Return the quote as plain data: integers, text and lists in a fixed order."""
        return {
            "engine_version": ENGINE_VERSION,
            "snapshot_version": self.snapshot_version,
            "input_digest": self.input_digest,
            "is_optimal": self.is_optimal,
            "items_fen": self.items_fen,
            "member_saves_fen": self.member_saves_fen,
            "discount_fen": self.discount_fen,
            "freight_list_fen": self.freight_list_fen,
            "freight_fen": self.freight_fen,
            "tender_fen": self.tender_fen,
            "payable_fen": self.payable_fen,
            "lines": [line.to_json() for line in self.lines],
            "adjustments": [adjustment.to_json() for adjustment in self.adjustments],
            "gifts": [gift.to_json() for gift in self.gifts],
            "refusals": [refusal.to_json() for refusal in self.refusals],
            "trace": [verdict.to_json() for verdict in self.trace],
        }

    def canonical(self) -> bytes:
        """Return the one text of this quote, UTF-8 JSON."""
        return canon.canonical(self.to_json())

    @property
    def digest(self) -> str:
        """The SHA-256 of the canonical text, in hex."""
        return canon.digest(self.to_json())
