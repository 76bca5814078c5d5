"""
First-order price (新人价): a coupon that sells some SKUs at a price of their own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

from promotions.pricing.kinds.prices import (
    SkuPrice,
    by_sku,
    off_a_piece,
    price_list,
    sell,
)
from promotions.pricing.money import whole
from promotions.pricing.rule import Basket, Lane, Offer


@dataclass(frozen=True, slots=True, kw_only=True)
class CouponPrice:
    """
    A price by SKU for at most `max_units` pieces of the order together, the first lines first.

    新人价 9.90 yuan, one piece: 3 pieces at 29.90 yuan cost 9.90 + 2 × 29.90 = 69.70 yuan.

    :raises BadTerms: no SKU has a price, or one has two.
    """

    kind: ClassVar[str] = "coupon_price"
    lane: ClassVar[Lane] = Lane.PRICE

    prices: tuple[SkuPrice, ...]
    max_units: int = 1
    _listed: Mapping[int, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        whole(self.max_units, "max_units", least=1)
        object.__setattr__(self, "_listed", by_sku(self.prices))

    @property
    def sku_ids(self) -> frozenset[int] | None:
        """The SKUs that have a price here."""
        return frozenset(self._listed)

    @classmethod
    def parse(cls, terms: Mapping[str, Any]) -> Self:
        """
        Read the terms as `to_json` writes them.

        :raises BadTerms: they contradict themselves.
        """
        return cls(prices=price_list(terms["prices"]), max_units=terms.get("max_units", 1))

    def to_json(self) -> dict[str, Any]:
        """Return the terms as plain data."""
        return {
            "prices": [price.to_json() for price in self.prices],
            "max_units": self.max_units,
        }

    def offer(self, basket: Basket) -> Offer:
        """Lower the price of as many pieces as the coupon is good for."""
        return sell(basket, lambda line: off_a_piece(self._listed, line), most=self.max_units)
