"""
Limited-time offer (限时购 / 限时折扣): goods at a lower price for a while, or for so many pieces.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, Self

from promotions.pricing.cart import CartLine
from promotions.pricing.kinds.prices import (
    SkuPrice,
    by_sku,
    off_a_piece,
    price_list,
    sell,
)
from promotions.pricing.money import ALL_BP, pct_round, whole
from promotions.pricing.rule import BadTerms, Basket, Lane, Offer, Problem


class OverLimit(StrEnum):
    """What becomes of the pieces beyond the limit."""

    NORMAL = "normal"
    """They cost what they cost without the offer."""
    REFUSE = "refuse"
    """The cart cannot be ordered with them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitedTime:
    """
    A price by SKU, or a percentage or an amount off each piece; for some pieces of an order or all.

    限时8折 (`off_bp` 2,000), at most 2 an order: 3 pieces at 10.05 yuan cost 8.04 + 8.04 + 10.05 =
    26.13 yuan. The price of one piece is rounded, half a fen of the discount up, because that is
    the price on the shelf: n pieces cost n times it, however the lines are cut. A price that does
    not lie below the buyer's own changes nothing and uses up no piece.

    :raises BadTerms: not exactly one of `prices`, `off_bp` and `off_fen`; no SKU, or one twice.
    """

    kind: ClassVar[str] = "limited_time"
    lane: ClassVar[Lane] = Lane.PRICE

    prices: tuple[SkuPrice, ...] | None = None
    off_bp: int = 0
    off_fen: int = 0
    max_units_per_order: int | None = None
    over_limit: OverLimit = OverLimit.NORMAL
    _listed: Mapping[int, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        whole(self.off_bp, "off_bp", most=ALL_BP)
        whole(self.off_fen, "off_fen")
        if self.max_units_per_order is not None:
            whole(self.max_units_per_order, "max_units_per_order", least=1)
        given = [self.prices is not None, self.off_bp > 0, self.off_fen > 0]
        if sum(given) != 1:
            raise BadTerms("prices", Problem.AMBIGUOUS)
        listed = {} if self.prices is None else by_sku(self.prices)
        object.__setattr__(self, "_listed", listed)

    @property
    def sku_ids(self) -> frozenset[int] | None:
        """The SKUs that have a price here; None if the scope decides."""
        return None if self.prices is None else frozenset(self._listed)

    @classmethod
    def parse(cls, terms: Mapping[str, Any]) -> Self:
        """
        Read the terms as `to_json` writes them.

        :raises BadTerms: they contradict themselves.
        """
        prices = terms.get("prices")
        return cls(
            prices=None if prices is None else price_list(prices),
            off_bp=terms.get("off_bp", 0),
            off_fen=terms.get("off_fen", 0),
            max_units_per_order=terms.get("max_units_per_order"),
            over_limit=OverLimit(terms.get("over_limit", OverLimit.NORMAL)),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the terms as plain data."""
        prices = self.prices
        return {
            "prices": None if prices is None else [price.to_json() for price in prices],
            "off_bp": self.off_bp,
            "off_fen": self.off_fen,
            "max_units_per_order": self.max_units_per_order,
            "over_limit": self.over_limit.value,
        }

    def offer(self, basket: Basket) -> Offer:
        """Lower the price of as many pieces as are left, the first lines first."""
        return sell(
            basket,
            self._off_a_piece,
            most=self.max_units_per_order,
            is_strict=self.over_limit is OverLimit.REFUSE,
        )

    def _off_a_piece(self, line: CartLine) -> int:
        if self.prices is not None:
            return off_a_piece(self._listed, line)
        return self.off_fen or pct_round(line.base_price_fen, self.off_bp)
