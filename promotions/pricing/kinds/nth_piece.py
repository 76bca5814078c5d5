"""
Nth-piece discount (第N件X折): every nth piece costs less.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar, Self

from promotions.pricing.cart import CartLine
from promotions.pricing.kinds.pieces import (
    Run,
    cost_of,
    dearest_first,
    pick_each,
    take_off,
)
from promotions.pricing.kinds.terms import ByScope, promised
from promotions.pricing.money import ALL_BP, pct_round, whole
from promotions.pricing.rule import Basket, Lane, Measure, Offer, Shortfall


class Per(StrEnum):
    """Which pieces are counted together."""

    SKU = "sku"
    SCOPE = "scope"


@dataclass(frozen=True, slots=True, kw_only=True)
class NthPiece(ByScope):
    """
    Of the pieces, dearest first and then by line id, each nth is `off_bp` off.

    第2件半价 over the scope: pieces at 100, 90 and 10 yuan cost 100 + 45 + 10; a fourth at 10 would
    cost 5. Per SKU, pieces of one SKU are counted together whatever line they stand on. At most
    `max_times` pieces, per SKU or of the scope, are discounted; None: as many as there are. The
    percentage is taken once, of all discounted pieces together.
    """

    kind: ClassVar[str] = "nth_piece"
    lane: ClassVar[Lane] = Lane.LINE

    nth: int
    off_bp: int
    per: Per = Per.SKU
    max_times: int | None = None

    def __post_init__(self) -> None:
        whole(self.nth, "nth", least=2)
        whole(self.off_bp, "off_bp", least=1, most=ALL_BP)
        if self.max_times is not None:
            whole(self.max_times, "max_times", least=1)

    @classmethod
    def parse(cls, terms: Mapping[str, Any]) -> Self:
        """
        Read the terms as `to_json` writes them.

        :raises BadTerms: never; the ranges are the whole of it.
        """
        return cls(**{**terms, "per": Per(terms.get("per", Per.SKU))})

    def to_json(self) -> dict[str, Any]:
        """Return the terms as plain data."""
        return {
            "nth": self.nth,
            "off_bp": self.off_bp,
            "per": self.per.value,
            "max_times": self.max_times,
        }

    def offer(self, basket: Basket) -> Offer | Shortfall:
        """Discount each nth piece, or say how many pieces the nearest one is away."""
        heaps = self._heaps(basket)
        costs: dict[int, int] = {}
        for runs in heaps:
            costs.update(pick_each(runs, self.nth, self.max_times))
        next_step = self._next_step(heaps, costs)
        if not costs:
            assert next_step is not None, "whoever has no discounted piece can have one"
            return next_step
        saved_fen = pct_round(cost_of(costs), self.off_bp)
        return Offer(
            shares=take_off(basket, costs, saved_fen),
            next_step=next_step,
            rate_bp=promised(basket, self.off_bp),
        )

    def _heaps(self, basket: Basket) -> list[list[Run]]:
        """Return the pieces that are counted together, heap by heap, by SKU id."""
        if self.per is Per.SCOPE:
            return [dearest_first(basket, basket.lines)]
        by_sku: defaultdict[int, list[CartLine]] = defaultdict(list)
        for line in basket.lines:
            by_sku[line.sku_id].append(line)
        return [dearest_first(basket, by_sku[sku_id]) for sku_id in sorted(by_sku)]

    def _discounted(self, pieces: int) -> int:
        times = pieces // self.nth
        return times if self.max_times is None else min(times, self.max_times)

    def _next_step(self, heaps: list[list[Run]], costs: Mapping[int, int]) -> Shortfall | None:
        """Return what the nearest heap lacks for one more, at the price of its cheapest piece."""
        total_fen = cost_of(costs)
        best: Shortfall | None = None
        for runs in heaps:
            have = sum([run.quantity for run in runs])
            need = (have // self.nth + 1) * self.nth
            if self._discounted(need) == self._discounted(have):
                continue
            if best is not None and best.gap < need - have:
                continue
            step = Shortfall(
                measure=Measure.PIECES,
                need=need,
                have=have,
                saves_fen=pct_round(total_fen + runs[-1].price_fen, self.off_bp),
            )
            if best is None or (step.gap, -step.saves_fen) < (best.gap, -best.saves_fen):
                best = step
        return best
