"""
What all deals have in common: prices that hold for a cart which names the deal, and for no other.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

from promotions.pricing.cart import CartLine
from promotions.pricing.kinds.prices import SkuPrice, by_sku, off_a_piece, price_list, sell
from promotions.pricing.money import whole
from promotions.pricing.rule import Basket, Lane, Offer

PAY_MINUTES = 60
"""The longest a buyer may have to pay for a deal, in minutes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DealRule:
    """
    A price by SKU for every piece of the order; more pieces than one order may have are refused.

    :raises BadTerms: no SKU has a price, or one has two.
    """

    kind: ClassVar[str]
    lane: ClassVar[Lane] = Lane.PRICE

    prices: tuple[SkuPrice, ...]
    max_units_per_order: int | None = None
    with_coupons: bool = False
    """Coupons may price the order too."""
    with_points: bool = False
    """Points may pay a part of it."""
    pay_minutes: int = 5
    """How long an order holds what it took before it must be paid."""
    _listed: Mapping[int, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        whole(self.pay_minutes, "pay_minutes", least=1, most=PAY_MINUTES)
        if self.max_units_per_order is not None:
            whole(self.max_units_per_order, "max_units_per_order", least=1)
        object.__setattr__(self, "_listed", by_sku(self.prices))

    @property
    def sku_ids(self) -> frozenset[int] | None:
        """The SKUs that are in the deal."""
        return frozenset(self._listed)

    @property
    def price_of(self) -> Mapping[int, int]:
        """What one piece costs in the deal, by SKU id."""
        return self._listed

    @classmethod
    def parse(cls, terms: Mapping[str, Any]) -> Self:
        """
        Read the terms as `to_json` writes them.

        :raises BadTerms: they contradict themselves.
        """
        return cls(**{**terms, "prices": price_list(terms["prices"])})

    def to_json(self) -> dict[str, Any]:
        """Return the terms as plain data."""
        return {
            "prices": [price.to_json() for price in self.prices],
            "max_units_per_order": self.max_units_per_order,
            "with_coupons": self.with_coupons,
            "with_points": self.with_points,
            "pay_minutes": self.pay_minutes,
        }

    def offer(self, basket: Basket) -> Offer:
        """Lower the price of every piece, or say how many a line may have."""
        return sell(basket, self._off_a_piece, most=self.max_units_per_order, is_strict=True)

    def _off_a_piece(self, line: CartLine) -> int:
        return off_a_piece(self._listed, line)
