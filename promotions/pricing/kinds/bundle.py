"""
Bundle price (组合套餐): certain SKUs together at one price.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Self

from promotions.pricing.kinds.pieces import (
    Costs,
    Run,
    dearest_first,
    pick_first,
    sets_worth_taking,
    take_off,
    with_more,
)
from promotions.pricing.kinds.terms import require_distinct
from promotions.pricing.money import whole
from promotions.pricing.rule import (
    BadTerms,
    Basket,
    Lane,
    Measure,
    Offer,
    Problem,
    Shortfall,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """So many pieces of one SKU."""

    sku_id: int
    quantity: int = 1

    def __post_init__(self) -> None:
        whole(self.sku_id, "sku_id")
        whole(self.quantity, "quantity", least=1)

    def to_json(self) -> dict[str, Any]:
        """Return the part as plain data."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """
    As many whole sets of `parts` as the cart holds, up to `max_times`, cost `price_fen` each.

    上衣 + 裤子 199: a shirt of 129 and trousers of 99 cost 199 instead of 228; a second shirt costs
    129. Pieces of one SKU on several lines go in the dearest first, then by line id; a set that
    costs less than the bundle without it is left alone.

    :raises BadTerms: no part, a SKU twice, or a bundle of one piece.
    """

    kind: ClassVar[str] = "bundle"
    lane: ClassVar[Lane] = Lane.LINE

    parts: tuple[Part, ...]
    price_fen: int
    max_times: int | None = None

    def __post_init__(self) -> None:
        whole(self.price_fen, "price_fen")
        if self.max_times is not None:
            whole(self.max_times, "max_times", least=1)
        require_distinct((part.sku_id for part in self.parts), "parts")
        if sum(part.quantity for part in self.parts) == 1:
            raise BadTerms("parts", Problem.TOO_FEW)

    @property
    def sku_ids(self) -> frozenset[int] | None:
        """The SKUs of the bundle."""
        return frozenset(part.sku_id for part in self.parts)

    @classmethod
    def parse(cls, terms: Mapping[str, Any]) -> Self:
        """
        Read the terms as `to_json` writes them.

        :raises BadTerms: they contradict themselves.
        """
        parts = sorted((Part(**part) for part in terms["parts"]), key=lambda part: part.sku_id)
        return cls(
            parts=tuple(parts), price_fen=terms["price_fen"], max_times=terms.get("max_times")
        )

    def to_json(self) -> dict[str, Any]:
        """Return the terms as plain data."""
        return {
            "parts": [part.to_json() for part in self.parts],
            "price_fen": self.price_fen,
            "max_times": self.max_times,
        }

    def offer(self, basket: Basket) -> Offer | Shortfall:
        """Sell the whole sets at the bundle's price, or say how many pieces the first lacks."""
        heaps = {part.sku_id: self._heap(basket, part) for part in self.parts}
        have = {sku_id: sum(run.quantity for run in runs) for sku_id, runs in heaps.items()}
        whole_sets = min(have[part.sku_id] // part.quantity for part in self.parts)
        most = whole_sets if self.max_times is None else min(whole_sets, self.max_times)
        sets, saved_fen = self._best(heaps, most)
        next_step = self._next_step(heaps, have, whole_sets + 1)
        if not whole_sets:
            assert next_step is not None, "short of the first set there is a next one"
            return next_step
        is_more = next_step is not None and next_step.saves_fen > saved_fen
        return Offer(
            shares=take_off(basket, self._costs(heaps, sets), saved_fen),
            next_step=next_step if is_more else None,
        )

    def _heap(self, basket: Basket, part: Part) -> list[Run]:
        lines = [line for line in basket.lines if line.sku_id == part.sku_id]
        return dearest_first(basket, lines)

    def _costs(self, heaps: Mapping[int, list[Run]], sets: int) -> dict[int, int]:
        """Return what the pieces of the first `sets` sets cost, by line id."""
        costs: dict[int, int] = {}
        for part in self.parts:
            costs.update(pick_first(heaps[part.sku_id], sets * part.quantity))
        return costs

    def _best(self, heaps: Mapping[int, list[Run]], most: int) -> tuple[int, int]:
        """Return how many sets to sell and what they save."""
        costs = [(part.quantity, Costs(heaps[part.sku_id])) for part in self.parts]

        def cost_of_sets(number: int) -> int:
            return sum([heap.of_first(number * quantity) for quantity, heap in costs])

        sets = sets_worth_taking(cost_of_sets, self.price_fen, most)
        return sets, cost_of_sets(sets) - sets * self.price_fen

    def _next_step(
        self, heaps: Mapping[int, list[Run]], have: Mapping[int, int], sets: int
    ) -> Shortfall | None:
        """Return what set number `sets` lacks; what it saves is unknown (0) if a SKU is missing."""
        if self.max_times is not None and sets > self.max_times:
            return None
        need = {part.sku_id: part.quantity * sets for part in self.parts}
        then = {
            sku_id: with_more(runs, max(need[sku_id] - have[sku_id], 0))
            for sku_id, runs in heaps.items()
        }
        return Shortfall(
            measure=Measure.PIECES,
            need=sum(need.values()),
            have=sum(min(have[sku_id], count) for sku_id, count in need.items()),
            saves_fen=self._best(then, sets)[1] if all(then.values()) else 0,
        )
