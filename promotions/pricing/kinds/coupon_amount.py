"""
Amount coupon (满减券 / 无门槛券): so much off from a threshold on.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from promotions.pricing.kinds.terms import ByScope, short_of
from promotions.pricing.money import whole
from promotions.pricing.rule import BadTerms, Basket, Lane, Offer, Problem, Shortfall


@dataclass(frozen=True, slots=True, kw_only=True)
class CouponAmount(ByScope):
    """
    From `threshold_fen` in scope on, `off_fen` off, but never more than is payable.

    满200减30: 199.99 yuan save nothing and lack 0.01, 200 yuan save 30. Without a threshold (0) a
    coupon of 30 takes a cart of 12 yuan to 0; the other 18 are lost.

    :raises BadTerms: there is a threshold and it is below what the coupon takes off.
    """

    kind: ClassVar[str] = "coupon_amount"
    lane: ClassVar[Lane] = Lane.COUPON

    threshold_fen: int = 0
    off_fen: int

    def __post_init__(self) -> None:
        whole(self.threshold_fen, "threshold_fen")
        whole(self.off_fen, "off_fen", least=1)
        if 0 < self.threshold_fen < self.off_fen:
            raise BadTerms("off_fen", Problem.MORE_THAN_PAID)

    @classmethod
    def parse(cls, terms: Mapping[str, Any]) -> Self:
        """
        Read the terms as `to_json` writes them.

        :raises BadTerms: they contradict themselves.
        """
        return cls(**terms)

    def to_json(self) -> dict[str, Any]:
        """Return the terms as plain data."""
        return {"threshold_fen": self.threshold_fen, "off_fen": self.off_fen}

    def offer(self, basket: Basket) -> Offer | Shortfall:
        """Take the amount off, or say what the threshold lacks."""
        lacking = short_of(basket, self.threshold_fen, self.off_fen)
        return lacking or Offer(shares=basket.spread(self.off_fen))
