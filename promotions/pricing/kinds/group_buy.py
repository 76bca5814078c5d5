"""
Group buy (拼团): a lower price for a team of buyers, once it is complete.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, Self

from promotions.pricing.kinds.deal import DealRule
from promotions.pricing.kinds.prices import SkuPrice, by_sku, off_a_piece, price_list, sell
from promotions.pricing.money import whole
from promotions.pricing.rule import BadTerms, Basket, Offer, Problem

TEAM_SIZE = 100
TEAM_MINUTES = 30 * 24 * 60


class Seats(StrEnum):
    """Whose the last seat of a team is."""

    HELD = "held"
    """Whoever ordered first: an unpaid order holds its seat."""
    FIRST_PAID = "first_paid"
    """Whoever pays first."""


class WhenLate(StrEnum):
    """What becomes of money that finds its team full, failed or over."""

    JOIN = "join"
    """Its order joins the oldest open team with room; if there is none it opens one."""
    OPEN = "open"
    """Its order opens a team."""
    REFUND = "refund"
    """It goes back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupBuy(DealRule):
    """
    A deal for `team_size` buyers who pay within `team_minutes`: 拼团价 59 yuan, 团长 49 yuan.

    :raises BadTerms: no SKU has a price, one has two, or an opener's price is of another SKU.
    """

    kind: ClassVar[str] = "group_buy"

    team_size: int
    team_minutes: int
    opener_prices: tuple[SkuPrice, ...] | None = None
    """What a piece costs who opens a team; of a SKU not named, the same as everybody."""
    newcomers_only: bool = False
    """老带新: who has paid for an order before may open a team and not join one."""
    auto_complete: bool = False
    """A team with empty seats is complete at its end. Pages and orders must say so."""
    seats: Seats = Seats.HELD
    when_late: WhenLate = WhenLate.JOIN
    _of_opener: Mapping[int, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        DealRule.__post_init__(self)
        whole(self.team_size, "team_size", least=2, most=TEAM_SIZE)
        whole(self.team_minutes, "team_minutes", least=1, most=TEAM_MINUTES)
        own = {} if self.opener_prices is None else by_sku(self.opener_prices, "opener_prices")
        if not own.keys() <= self._listed.keys():
            raise BadTerms("opener_prices", Problem.UNKNOWN_SKU)
        object.__setattr__(self, "_of_opener", {**self._listed, **own})

    @classmethod
    def parse(cls, terms: Mapping[str, Any]) -> Self:
        """
        Read the terms as `to_json` writes them.

        :raises BadTerms: they contradict themselves.
        """
        opener = terms.get("opener_prices")
        return cls(
            **{
                **terms,
                "prices": price_list(terms["prices"]),
                "opener_prices": None if opener is None else price_list(opener),
                "seats": Seats(terms.get("seats", Seats.HELD)),
                "when_late": WhenLate(terms.get("when_late", WhenLate.JOIN)),
            }
        )

    def to_json(self) -> dict[str, Any]:
        """Return the terms as plain data."""
        opener = self.opener_prices
        return {
            **DealRule.to_json(self),
            "team_size": self.team_size,
            "team_minutes": self.team_minutes,
            "opener_prices": None if opener is None else [price.to_json() for price in opener],
            "newcomers_only": self.newcomers_only,
            "auto_complete": self.auto_complete,
            "seats": self.seats.value,
            "when_late": self.when_late.value,
        }

    def offer(self, basket: Basket) -> Offer:
        """Lower the price of every piece to that of the buyer's part in the team."""
        listed = self._of_opener if basket.as_opener else self._listed
        return sell(
            basket,
            lambda line: off_a_piece(listed, line),
            most=self.max_units_per_order,
            is_strict=True,
        )
