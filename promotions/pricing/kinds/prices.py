"""
Lists of prices, and pieces sold at a price of their own as long as there are any.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from promotions.pricing.cart import CartLine
from promotions.pricing.kinds.terms import require_distinct
from promotions.pricing.money import whole
from promotions.pricing.rule import Basket, Offer


@dataclass(frozen=True, slots=True, kw_only=True)
class SkuPrice:
    """One piece of `sku_id` costs `price_fen`; 0 is allowed."""

    sku_id: int
    price_fen: int

    def __post_init__(self) -> None:
        whole(self.sku_id, "sku_id")
        whole(self.price_fen, "price_fen")

    def to_json(self) -> dict[str, Any]:
        """Return the price as plain data."""
        return {"sku_id": self.sku_id, "price_fen": self.price_fen}


def price_list(entries: Iterable[Mapping[str, Any]]) -> tuple[SkuPrice, ...]:
    """Read prices as `SkuPrice.to_json` writes them, by SKU."""
    return tuple(sorted((SkuPrice(**entry) for entry in entries), key=lambda it: it.sku_id))


def by_sku(prices: Iterable[SkuPrice], field: str = "prices") -> dict[int, int]:
    """
    Return the prices by SKU id.

    :raises BadTerms: there is none, or a SKU has two.
    """
    kept = list(prices)
    require_distinct((price.sku_id for price in kept), field)
    return {price.sku_id: price.price_fen for price in kept}


def off_a_piece(listed: Mapping[int, int], line: CartLine) -> int:
    """Return the fen by which a price by SKU id beats what a piece of `line` costs, or 0."""
    own_fen = line.base_price_fen
    return max(own_fen - listed.get(line.sku_id, own_fen), 0)


def sell(
    basket: Basket,
    off_fen: Callable[[CartLine], int],
    *,
    most: int | None,
    is_strict: bool = False,
) -> Offer:
    """
    Take `off_fen(line)` off each piece, line by line, while pieces are left of `most` an order.

    The rest of a line keeps its price; if `is_strict` the offer refuses such a line instead.
    """
    left = _least(most, basket)
    shares: dict[int, int] = {}
    units: dict[int, int] = {}
    refuses: dict[int, int] = {}
    for line in basket.lines:
        off = min(off_fen(line), line.base_price_fen)
        if not off:
            continue
        count = line.quantity if left is None else min(line.quantity, left)
        if left is not None:
            left -= count
        if count < line.quantity and is_strict:
            refuses[line.line_id] = count
        if count:
            units[line.line_id] = count
            shares[line.line_id] = min(off * count, basket.running[line.line_id])
    return Offer(shares=shares, units=units, refuses=refuses)


def _least(most: int | None, basket: Basket) -> int | None:
    """Return how many pieces are left, of `most` an order and of the buyer's; None: any number."""
    left = basket.units_left
    if most is not None:
        of_order = most - basket.units_taken
        left = of_order if left is None else min(left, of_order)
    return None if left is None else max(left, 0)
