"""
Bulk buy (团购): the more pieces all buyers take together until its end, the less each one costs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, ClassVar, Self

from promotions.pricing.kinds import tiers as steps
from promotions.pricing.kinds.deal import DealRule
from promotions.pricing.kinds.prices import SkuPrice, by_sku, price_list
from promotions.pricing.money import units_share, whole
from promotions.pricing.rule import BadTerms, Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkTier:
    """From `pieces` collected on, these SKUs cost these prices a piece."""

    pieces: int
    prices: tuple[SkuPrice, ...]

    def __post_init__(self) -> None:
        whole(self.pieces, "pieces", least=1)

    @property
    def threshold(self) -> int:
        """How many pieces it takes."""
        return self.pieces

    def to_json(self) -> dict[str, Any]:
        """Return the tier as plain data."""
        return {"pieces": self.pieces, "prices": [price.to_json() for price in self.prices]}


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkBuy(DealRule):
    """
    A deal whose price falls, tier by tier, with the pieces that all buyers take until its end.

    Everybody pays `prices` and gets back what the tier reached is cheaper by: 3 pieces at 99 yuan,
    with 79 yuan reached, cost 297 yuan and bring 60 yuan back. With `min_pieces` it happens only if
    so many are collected; otherwise everybody is refunded whole.

    :raises BadTerms: neither tiers nor `min_pieces`; tiers that do not rise, that make nothing
        cheaper or something dearer, or price a SKU that `prices` does not.
    """

    kind: ClassVar[str] = "bulk_buy"

    tiers: tuple[BulkTier, ...] = ()
    """The lower prices; of a SKU not named, that of the tier before."""
    min_pieces: int | None = None
    """Without so many pieces nobody buys; None: it happens anyway."""
    pay_minutes: int = 30
    _lists: Sequence[Mapping[int, int]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        DealRule.__post_init__(self)
        if self.min_pieces is not None:
            whole(self.min_pieces, "min_pieces", least=2)
        if self.tiers or self.min_pieces is None:
            steps.require_rising(self.tiers)
        if self.tiers and self.tiers[0].pieces <= (self.min_pieces or 1):
            raise BadTerms("tiers", Problem.NOT_RISING)
        lists = [self.price_of]
        for tier in self.tiers:
            own = by_sku(tier.prices, "tiers")
            if not own.keys() <= self.price_of.keys():
                raise BadTerms("tiers", Problem.UNKNOWN_SKU)
            lists.append({**lists[-1], **own})
        for dearer, cheaper in pairwise(lists):
            if dearer == cheaper or any(cheaper[sku_id] > dearer[sku_id] for sku_id in dearer):
                raise BadTerms("tiers", Problem.NOT_WORTH_IT)
        object.__setattr__(self, "_lists", tuple(lists))

    @property
    def lists(self) -> Sequence[Mapping[int, int]]:
        """Fen a piece by SKU id: what everybody pays, then each tier."""
        return self._lists

    @classmethod
    def parse(cls, terms: Mapping[str, Any]) -> Self:
        """
        Read the terms as `to_json` writes them.

        :raises BadTerms: they contradict themselves.
        """
        tiers = tuple(
            BulkTier(pieces=tier["pieces"], prices=price_list(tier["prices"]))
            for tier in terms.get("tiers", ())
        )
        return cls(**{**terms, "prices": price_list(terms["prices"]), "tiers": tiers})

    def to_json(self) -> dict[str, Any]:
        """Return the terms as plain data."""
        return {
            **DealRule.to_json(self),
            "tiers": [tier.to_json() for tier in self.tiers],
            "min_pieces": self.min_pieces,
        }

    def reached(self, collected: int) -> int | None:
        """Return which of `lists` so many pieces reach; None: too few for it to happen at all."""
        if self.min_pieces is not None and collected < self.min_pieces:
            return None
        return len(steps.reached(self.tiers, collected))

    def final_fen(self, sku_id: int, *, quantity: int, paid_fen: int, tier: int) -> int:
        """
        Return what a line of `quantity` pieces, paid with `paid_fen`, costs at a tier's price.

        What coupons and points paid of it stays paid, so it may cost nothing but never less.
        """
        off_fen = self.lists[0][sku_id] - self.lists[tier][sku_id]
        return max(paid_fen - off_fen * quantity, 0)


def due_back_fen(*, paid_fen: int, final_fen: int, quantity: int, gone: int) -> int:
    """
    Return what goes back of a line whose price fell, when its first `gone` pieces went back before.

    Those took their share of `paid_fen` with them; the others keep theirs of `final_fen`.
    """
    paid = units_share(paid_fen, quantity, gone, quantity)
    return paid - units_share(final_fen, quantity, gone, quantity)
