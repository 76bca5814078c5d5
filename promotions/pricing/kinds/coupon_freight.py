"""
Freight coupon (运费券 / 包邮券): freight, or so much of it, from a threshold on.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from promotions.pricing.kinds.terms import ByScope, short_of
from promotions.pricing.money import whole
from promotions.pricing.rule import Basket, Lane, Offer, Shortfall


@dataclass(frozen=True, slots=True, kw_only=True)
class CouponFreight(ByScope):
    """
    From `threshold_fen` of goods in scope on, `off_fen` of the freight, or all of it if None.

    满99运费减8: with goods of 99 yuan, freight of 12 costs 4 and freight of 5 costs nothing; goods
    of 98.99 yuan lack 0.01. It never touches what the goods cost.
    """

    kind: ClassVar[str] = "coupon_freight"
    lane: ClassVar[Lane] = Lane.SHIPPING

    threshold_fen: int = 0
    off_fen: int | None = None

    def __post_init__(self) -> None:
        whole(self.threshold_fen, "threshold_fen")
        if self.off_fen is not None:
            whole(self.off_fen, "off_fen", least=1)

    @classmethod
    def parse(cls, terms: Mapping[str, Any]) -> Self:
        """
        Read the terms as `to_json` writes them.

        :raises BadTerms: never; the ranges are the whole of it.
        """
        return cls(**terms)

    def to_json(self) -> dict[str, Any]:
        """Return the terms as plain data."""
        return {"threshold_fen": self.threshold_fen, "off_fen": self.off_fen}

    def offer(self, basket: Basket) -> Offer | Shortfall:
        """Take freight off, or say what the threshold lacks."""
        freight_fen = basket.freight_fen
        if self.off_fen is not None:
            freight_fen = min(freight_fen, self.off_fen)
        lacking = short_of(basket, self.threshold_fen, freight_fen)
        return lacking or Offer(freight_fen=freight_fen)
