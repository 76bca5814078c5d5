"""
Percentage coupon (折扣券): a percentage off from a threshold on, up to a cap.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from promotions.pricing.kinds.terms import ByScope, promised, short_of
from promotions.pricing.money import ALL_BP, pct_round, whole
from promotions.pricing.rule import Basket, Lane, Offer, Shortfall


@dataclass(frozen=True, slots=True, kw_only=True)
class CouponPercent(ByScope):
    """
    From `threshold_fen` in scope on, `off_bp` of the whole amount, at most `max_off_fen`.

    满100打8折，最高减30: 99.99 yuan save nothing, 100 save 20, 150 save 30, and so do 1,000. The
    percentage is taken once, of the lines together, half a fen up, and then shared.
    """

    kind: ClassVar[str] = "coupon_percent"
    lane: ClassVar[Lane] = Lane.COUPON

    threshold_fen: int = 0
    off_bp: int
    max_off_fen: int | None = None

    def __post_init__(self) -> None:
        whole(self.threshold_fen, "threshold_fen")
        whole(self.off_bp, "off_bp", least=1, most=ALL_BP)
        if self.max_off_fen is not None:
            whole(self.max_off_fen, "max_off_fen", least=1)

    @classmethod
    def parse(cls, terms: Mapping[str, Any]) -> Self:
        """
        Read the terms as `to_json` writes them.

        :raises BadTerms: never; the ranges are the whole of it.
        """
        return cls(**terms)

    def to_json(self) -> dict[str, Any]:
        """Return the terms as plain data."""
        return {
            "threshold_fen": self.threshold_fen,
            "off_bp": self.off_bp,
            "max_off_fen": self.max_off_fen,
        }

    def offer(self, basket: Basket) -> Offer | Shortfall:
        """Take the percentage off, or say what the threshold lacks."""
        lacking = short_of(basket, self.threshold_fen, self._off(self.threshold_fen))
        return lacking or Offer(
            shares=basket.spread(self._off(basket.amount_fen)),
            rate_bp=promised(basket, self.off_bp),
        )

    def _off(self, amount_fen: int) -> int:
        off_fen = pct_round(amount_fen, self.off_bp)
        return off_fen if self.max_off_fen is None else min(off_fen, self.max_off_fen)
