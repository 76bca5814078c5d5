"""
The pieces of a basket, dearest first: for the rules that pick some of them.

Dearest first, so that nobody pays less by cutting a cart into several orders, and one piece more
never takes a discount away.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import accumulate
from operator import itemgetter
from typing import NamedTuple

from promotions.pricing.cart import CartLine
from promotions.pricing.money import apportion
from promotions.pricing.rule import Base, Basket


class Run(NamedTuple):
    """Pieces of one line that cost the same."""

    price_fen: int
    line_id: int
    quantity: int


def dearest_first(basket: Basket, lines: Iterable[CartLine]) -> list[Run]:
    """
    Return the pieces of `lines`, which come by line id: the dearest first, then by line id.

    What a line costs by the basket's base is divided over its pieces as evenly as whole fen go:
    100 fen for 3 pieces are 34, 33 and 33.
    """
    running = None if basket.base is Base.INITIAL else basket.running
    runs: list[Run] = []
    for line in lines:
        line_id, quantity = line.line_id, line.quantity
        cost_fen = line.base_amount_fen if running is None else running[line_id]
        each, dearer = divmod(cost_fen, quantity)
        if dearer:
            runs.append(Run(each + 1, line_id, dearer))
        runs.append(Run(each, line_id, quantity - dearer))
    # Equals stay in the order they have, also when the greatest come first.
    runs.sort(key=itemgetter(0), reverse=True)
    return runs


def with_more(runs: Sequence[Run], quantity: int) -> list[Run]:
    """Return `runs` and `quantity` pieces more that cost what the cheapest does; for nudges."""
    return [*runs, *(run._replace(quantity=quantity) for run in runs[-1:])]


def pick(runs: Iterable[Run], wanted: Callable[[int], int]) -> dict[int, int]:
    """Return what the picked pieces cost by line id: `wanted(n)` of the first n are picked."""
    costs: dict[int, int] = {}
    seen = taken = 0
    for price_fen, line_id, quantity in runs:
        seen += quantity
        upto = wanted(seen)
        if upto > taken:
            costs[line_id] = costs.get(line_id, 0) + (upto - taken) * price_fen
            taken = upto
    return costs


def pick_each(runs: Iterable[Run], nth: int, most: int | None) -> dict[int, int]:
    """Return what each `nth` piece costs by line id, of the dearest `most` of them."""
    costs: dict[int, int] = {}
    seen = taken = 0
    for price_fen, line_id, quantity in runs:
        seen += quantity
        upto = seen // nth
        if upto > taken:
            if most is not None and upto >= most:
                costs[line_id] = costs.get(line_id, 0) + (most - taken) * price_fen
                return costs
            costs[line_id] = costs.get(line_id, 0) + (upto - taken) * price_fen
            taken = upto
    return costs


class Costs:
    """What the first so many pieces cost together: looked up, not added up."""

    def __init__(self, runs: Sequence[Run]) -> None:
        self._runs = runs
        self._pieces = list(accumulate((run.quantity for run in runs), initial=0))
        self._fen = list(accumulate((run.quantity * run.price_fen for run in runs), initial=0))

    def of_first(self, quantity: int) -> int:
        """Return the fen of the `quantity` dearest pieces, which must be there."""
        position = bisect_right(self._pieces, quantity) - 1
        rest = quantity - self._pieces[position]
        return self._fen[position] + (rest * self._runs[position].price_fen if rest else 0)


def pick_first(runs: Iterable[Run], quantity: int) -> dict[int, int]:
    """Return what the `quantity` dearest pieces cost by line id."""
    return pick(runs, lambda seen: min(seen, quantity))


def cost_of(costs: Mapping[int, int]) -> int:
    """Return what picked pieces cost together, in fen."""
    return sum(costs.values())


def sets_worth_taking(cost_of_sets: Callable[[int], int], price_fen: int, most: int) -> int:
    """
    Return how many sets at `price_fen` each save the most, up to `most`.

    `cost_of_sets(n)` is what n sets cost without it; each further set costs no more than the one
    before, so the sets that cost more than `price_fen` come first.
    """

    def is_needless(number: int) -> bool:
        return cost_of_sets(number) - cost_of_sets(number - 1) <= price_fen

    return bisect_left(range(1, most + 1), x=True, key=is_needless)


def take_off(basket: Basket, costs: Mapping[int, int], amount_fen: int) -> dict[int, int]:
    """Split `amount_fen` over picked pieces by what they cost, as far as it is still payable."""
    running = basket.running
    weights = {line_id: min(cost, running[line_id]) for line_id, cost in costs.items()}
    return apportion(weights, min(amount_fen, sum(weights.values())))
