"""
The answer: what each line costs, what took how much off, and a verdict on every candidate.

A quote is plain data with one canonical text, so the same input gives the same bytes.
"""

from dataclasses import dataclass
from typing import Any

from promotions.pricing import cart as carts
from promotions.pricing.cart import CartLine
from promotions.pricing.rule import Lane, Shortfall
from promotions.pricing.tally import Code

ENGINE_VERSION = 1
"""Raised whenever the same input may give another quote or another text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjustment:
    """What one applied promotion takes off: fen by line id, and fen of freight."""

    promotion_id: int
    kind: str
    lane: Lane
    title: str
    shares: dict[int, int]
    freight_fen: int

    @property
    def amount_fen(self) -> int:
        """The whole of it; what its budget is charged."""
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

    def to_json(self) -> dict[str, Any]:
        """Return the verdict as plain data."""
        return {
            "promotion_id": self.promotion_id,
            "title": self.title,
            "code": self.code.value,
            "amount_fen": self.amount_fen,
            "by": self.by,
            "shortfall": None if self.shortfall is None else self.shortfall.to_json(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedLine:
    """A cart line with what each promotion takes off it, in the order they apply."""

    line_id: int
    sku_id: int
    quantity: int
    unit_price_fen: int
    payable_fen: int
    discounts: tuple[tuple[int, int], ...]
    """(promotion id, fen), all positive."""

    @property
    def amount_fen(self) -> int:
        """The line before any promotion."""
        return self.unit_price_fen * self.quantity

    @property
    def discount_fen(self) -> int:
        """What all promotions together take off the line."""
        return self.amount_fen - self.payable_fen

    def to_json(self) -> dict[str, Any]:
        """Return the line as plain data."""
        return {
            "line_id": self.line_id,
            "sku_id": self.sku_id,
            "quantity": self.quantity,
            "unit_price_fen": self.unit_price_fen,
            "amount_fen": self.amount_fen,
            "discount_fen": self.discount_fen,
            "payable_fen": self.payable_fen,
            "discounts": [
                {"promotion_id": promotion_id, "amount_fen": share}
                for promotion_id, share in self.discounts
            ],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """
    The price of a cart, explained.

    `items_fen - discount_fen + freight_fen = payable_fen`, the lines' payables and freight sum to
    `payable_fen`, and the trace holds each candidate once.
    """

    snapshot_version: int
    input_digest: str
    lines: tuple[PricedLine, ...]
    adjustments: tuple[Adjustment, ...]
    trace: tuple[Verdict, ...]
    is_optimal: bool
    """Every lane's choice is proven the best, not only searched for."""
    freight_list_fen: int
    freight_fen: int
    """Freight to pay, after promotions."""

    @property
    def items_fen(self) -> int:
        """The goods before any promotion."""
        return sum(line.amount_fen for line in self.lines)

    @property
    def discount_fen(self) -> int:
        """What promotions take off the goods; freight is not in it."""
        return sum(line.discount_fen for line in self.lines)

    @property
    def payable_fen(self) -> int:
        """What the buyer pays."""
        return sum(line.payable_fen for line in self.lines) + self.freight_fen

    def to_json(self) -> dict[str, Any]:
        """Return the quote as plain data: integers, text and lists in a fixed order."""
        return {
            "engine_version": ENGINE_VERSION,
            "snapshot_version": self.snapshot_version,
            "input_digest": self.input_digest,
            "is_optimal": self.is_optimal,
            "items_fen": self.items_fen,
            "discount_fen": self.discount_fen,
            "freight_list_fen": self.freight_list_fen,
            "freight_fen": self.freight_fen,
            "payable_fen": self.payable_fen,
            "lines": [line.to_json() for line in self.lines],
            "adjustments": [adjustment.to_json() for adjustment in self.adjustments],
            "trace": [verdict.to_json() for verdict in self.trace],
        }

    def canonical(self) -> bytes:
        """Return the one text of this quote, UTF-8 JSON."""
        return carts.canonical(self.to_json())

    @property
    def digest(self) -> str:
        """The SHA-256 of the canonical text, in hex."""
        return carts.digest(self.to_json())


def priced_line(line: CartLine, adjustments: tuple[Adjustment, ...]) -> PricedLine:
    """Return `line` with the shares that `adjustments` take off it."""
    shares = [(one.promotion_id, one.shares.get(line.line_id, 0)) for one in adjustments]
    discounts = tuple((promotion_id, share) for promotion_id, share in shares if share)
    return PricedLine(
        line_id=line.line_id,
        sku_id=line.sku_id,
        quantity=line.quantity,
        unit_price_fen=line.unit_price_fen,
        payable_fen=line.amount_fen - sum(share for _, share in discounts),
        discounts=discounts,
    )
