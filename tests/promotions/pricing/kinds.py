"""A kind of promotion for tests: an amount off the freight from a threshold on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from promotions.pricing import Basket, Lane, Measure, Offer, Shortfall


@dataclass(frozen=True, slots=True, kw_only=True)
class FreightOff:
    """Spend `threshold_fen`, save `off_fen` of freight."""

    kind: ClassVar[str] = "freight_off"
    lane: ClassVar[Lane] = Lane.SHIPPING

    threshold_fen: int
    off_fen: int

    @property
    def sku_ids(self) -> frozenset[int] | None:
        return None

    @classmethod
    def parse(cls, terms: Mapping[str, Any]) -> Self:
        return cls(**terms)

    def to_json(self) -> dict[str, Any]:
        return {"threshold_fen": self.threshold_fen, "off_fen": self.off_fen}

    def offer(self, basket: Basket) -> Offer | Shortfall:
        if basket.amount_fen < self.threshold_fen:
            return Shortfall(
                measure=Measure.AMOUNT_FEN,
                need=self.threshold_fen,
                have=basket.amount_fen,
                saves_fen=self.off_fen,
            )
        return Offer(freight_fen=min(self.off_fen, basket.freight_fen))
