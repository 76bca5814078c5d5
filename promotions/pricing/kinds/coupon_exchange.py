"""
Exchange coupon (兑换券): so many pieces of one SKU for nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

from promotions.pricing.kinds.pieces import (
    cost_of,
    dearest_first,
    pick_first,
    take_off,
    with_more,
)
from promotions.pricing.money import whole
from promotions.pricing.rule import Base, Basket, Lane, Measure, Offer, Shortfall


@dataclass(frozen=True, slots=True, kw_only=True)
class CouponExchange:
    """
    `quantity` pieces of `sku_id` in the cart cost nothing: the dearest first, then by line id.

    A coupon for 2 cups: with 3 in the cart at 10 yuan, 10 are left to pay; with 1 the coupon is
    kept, and one piece is missing. What they cost is what is payable for them by then, whatever
    base the campaign has.
    """

    kind: ClassVar[str] = "coupon_exchange"
    lane: ClassVar[Lane] = Lane.COUPON

    sku_id: int
    quantity: int = 1

    def __post_init__(self) -> None:
        whole(self.sku_id, "sku_id")
        whole(self.quantity, "quantity", least=1)

    @property
    def sku_ids(self) -> frozenset[int] | None:
        """The SKU it is exchanged for."""
        return frozenset((self.sku_id,))

    @classmethod
    def parse(cls, terms: Mapping[str, Any]) -> Self:
        """
        Read the terms as `to_json` writes them.

        :raises BadTerms: never; the ranges are the whole of it.
        """
        return cls(**terms)

    def to_json(self) -> dict[str, Any]:
        """Return the terms as plain data."""
        return {"sku_id": self.sku_id, "quantity": self.quantity}

    def offer(self, basket: Basket) -> Offer | Shortfall:
        """Let the pieces go for nothing, or say how many are missing."""
        basket = replace(basket, base=Base.RUNNING)
        lines = [line for line in basket.lines if line.sku_id == self.sku_id]
        have = sum(line.quantity for line in lines)
        runs = dearest_first(basket, lines)
        if have >= self.quantity:
            costs = pick_first(runs, self.quantity)
            return Offer(shares=take_off(basket, costs, cost_of(costs)))
        promised = with_more(runs, self.quantity - have)
        return Shortfall(
            measure=Measure.PIECES,
            need=self.quantity,
            have=have,
            saves_fen=cost_of(pick_first(promised, self.quantity)),
        )
