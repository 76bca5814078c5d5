"""
Buy-x-get-y (买X送Y / 买X件，Y件X折): with so many pieces bought, others cost less or nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from promotions.pricing.kinds.pieces import (
    Run,
    cost_of,
    dearest_first,
    pick,
    pick_first,
    take_off,
    with_more,
)
from promotions.pricing.kinds.terms import ByScope, promised, require_distinct
from promotions.pricing.money import ALL_BP, pct_round, whole
from promotions.pricing.rule import Basket, Lane, Measure, Offer, Shortfall


@dataclass(frozen=True, slots=True, kw_only=True)
class BuyXGetY(ByScope):
    """
    For each `buy` pieces bought, `get` pieces are `off_bp` off; `off_bp` 10,000 is for nothing.

    买2送1 within the scope: the pieces, dearest first and then by line id, are cut into groups of
    `buy + get`, and the last `get` of each group are discounted: of pieces at 50, 40, 30 and 20
    yuan the third is free and 110 are paid.

    With `get_sku_ids`, which the scope must hold too, those SKUs are what is got and everything
    else in scope is what is bought: 买2件上衣，袜子1双免费. The dearest of them go first.

    At most `max_times` groups; None: as many as there are. The percentage is taken once, of all
    discounted pieces together.

    :raises BadTerms: `get_sku_ids` is empty or names one twice.
    """

    kind: ClassVar[str] = "buy_x_get_y"
    lane: ClassVar[Lane] = Lane.LINE

    buy: int
    get: int
    get_sku_ids: tuple[int, ...] | None = None
    off_bp: int = ALL_BP
    max_times: int | None = None

    def __post_init__(self) -> None:
        whole(self.buy, "buy", least=1)
        whole(self.get, "get", least=1)
        whole(self.off_bp, "off_bp", least=1, most=ALL_BP)
        if self.max_times is not None:
            whole(self.max_times, "max_times", least=1)
        if self.get_sku_ids is not None:
            for sku_id in self.get_sku_ids:
                whole(sku_id, "get_sku_ids")
            require_distinct(self.get_sku_ids, "get_sku_ids")

    @classmethod
    def parse(cls, terms: Mapping[str, Any]) -> Self:
        """
        Read the terms as `to_json` writes them.

        :raises BadTerms: they contradict themselves.
        """
        named = terms.get("get_sku_ids")
        return cls(**{**terms, "get_sku_ids": None if named is None else tuple(sorted(named))})

    def to_json(self) -> dict[str, Any]:
        """Return the terms as plain data."""
        return {
            "buy": self.buy,
            "get": self.get,
            "get_sku_ids": None if self.get_sku_ids is None else list(self.get_sku_ids),
            "off_bp": self.off_bp,
            "max_times": self.max_times,
        }

    def offer(self, basket: Basket) -> Offer | Shortfall:
        """Discount what is got, or say how many pieces are missing."""
        if self.get_sku_ids is None:
            costs, next_step = self._of_one_heap(dearest_first(basket, basket.lines))
        else:
            named = [line for line in basket.lines if line.sku_id in self.get_sku_ids]
            bought = basket.pieces - sum(line.quantity for line in named)
            costs, next_step = self._of_named(bought, dearest_first(basket, named))
        if not costs:
            assert next_step is not None, "whoever gets nothing can get something"
            return next_step
        shares = take_off(basket, costs, self._saves(costs))
        return Offer(shares=shares, next_step=next_step, rate_bp=promised(basket, self.off_bp))

    def _saves(self, costs: Mapping[int, int]) -> int:
        return pct_round(cost_of(costs), self.off_bp)

    def _within(self, times: int) -> int:
        return times if self.max_times is None else min(times, self.max_times)

    def _got(self, pieces: int) -> int:
        """Return how many of the first `pieces` pieces are got: the last `get` of each group."""
        groups, rest = divmod(pieces, self.buy + self.get)
        if self.max_times is not None and groups >= self.max_times:
            return self.max_times * self.get
        return groups * self.get + max(rest - self.buy, 0)

    def _of_one_heap(self, runs: list[Run]) -> tuple[dict[int, int], Shortfall | None]:
        """Return what the discounted pieces cost, and how far the next one is."""
        have = sum(run.quantity for run in runs)
        group = self.buy + self.get
        need = have + 1 if have % group >= self.buy else have // group * group + self.buy + 1
        costs = pick(runs, self._got)
        if self._got(need) == self._got(have):
            return costs, None
        then = pick(with_more(runs, need - have), self._got)
        return costs, Shortfall(
            measure=Measure.PIECES, need=need, have=have, saves_fen=self._saves(then)
        )

    def _of_named(self, bought: int, runs: list[Run]) -> tuple[dict[int, int], Shortfall | None]:
        """Return what the discounted pieces cost, and what is missing: to be bought, or to get."""
        named = sum(run.quantity for run in runs)
        allowed = self._within(bought // self.buy) * self.get
        costs = pick_first(runs, min(allowed, named))
        if allowed > named:
            then = pick_first(with_more(runs, allowed - named), allowed)
            need, have = allowed, named
        else:
            times = allowed // self.get + 1
            if self.max_times is not None and times > self.max_times:
                return costs, None
            then = pick_first(runs, min(times * self.get, named))
            need, have = times * self.buy, bought
        return costs, Shortfall(
            measure=Measure.PIECES, need=need, have=have, saves_fen=self._saves(then)
        )
