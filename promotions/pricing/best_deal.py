"""
The best deal among candidates that compete.

It leaves the least to pay; among equals it gives the most, then takes the fewest promotions, then
those of the first rank. Up to `EXACT_UP_TO` candidates the search is exact, branch and bound over
the combinations that are allowed; beyond, it is greedy by what each further candidate adds, then
one pass of swaps.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from promotions.pricing.combining import FREIGHT, FREIGHT_ONLY, Eligible, apart, conflict
from promotions.pricing.money import pct_round
from promotions.pricing.rule import NOTHING_GIVEN, Offer
from promotions.pricing.tally import Miss, Tally

EXACT_UP_TO = 12

Step = tuple[Eligible, Offer]
Gives = tuple[int, int, int]
Cost = tuple[int, Gives, int]
"""Fen saved and what is given, both negative, and the promotions it takes: the less the better."""


@dataclass(slots=True, eq=False)
class Deal:
    """Promotions that apply together, in the order they apply, and the tally after them."""

    tally: Tally
    steps: tuple[Step, ...] = ()
    chosen: frozenset[int] = frozenset()
    """The places of the promotions within the part that is searched."""
    saves_fen: int = 0
    gives: Gives = NOTHING_GIVEN
    before: "Deal | None" = None
    """The deal without the last step."""
    place: int = -1
    """The place of the last promotion; places rise from step to step."""

    @property
    def cost(self) -> Cost:
        """What the best deal has the least of, but for ranks."""
        return -self.saves_fen, _minus(self.gives), len(self.steps)

    @property
    def cost_and_ranks(self) -> tuple[Cost, list[int]]:
        """What the best deal has the least of; a place in the part is a rank."""
        return self.cost, sorted(self.chosen)


class Search:
    """The search over one independent part of a lane, whose candidates come in rank order."""

    def __init__(self, part: Sequence[Eligible], tally: Tally) -> None:
        self._part = part
        self._start = Deal(tally)
        places = range(len(part))
        self._after: list[set[int]] = [set() for _ in places]
        """The later candidates that may follow each."""
        self._apart: list[set[int]] = [set() for _ in places]
        """The later candidates each leaves as they are."""
        for first, second in combinations(places, 2):
            if not conflict(part[first].candidate, part[second].candidate):
                self._after[first].add(second)
            if apart(part[first], part[second]):
                self._apart[first].add(second)
        self._touched = frozenset[int]().union(*(one.touches for one in part))
        self._payable_fen = _payable_fen(tally, self._touched)
        self._best, self._best_cost = self._start, self._start.cost
        self._most_alone_first = sorted(places, key=lambda place: -part[place].alone.saves_fen)

    def run(self) -> tuple[Deal, bool]:
        """Return the best deal found and whether it is proven to be the best."""
        if len(self._part) <= EXACT_UP_TO:
            self._explore(self._start, range(len(self._part)))
            return self._best, True
        return self._swapped(self._greedy()), False

    def _explore(self, deal: Deal, rest: Sequence[int]) -> None:
        cost = deal.cost
        # A tie goes to what was found first: combinations come in the order of their ranks.
        if cost < self._best_cost:
            self._best, self._best_cost = deal, cost
        for number, place in enumerate(rest):
            if self._hope(deal, rest[number:]) >= self._best_cost:
                return
            further = self._with(deal, place)
            if further is not None:
                after = self._after[place]
                self._explore(further, [it for it in rest[number + 1 :] if it in after])

    def _hope(self, deal: Deal, rest: Sequence[int]) -> Cost:
        """
        Return a cost that no deal undercuts which adds one or more of `rest` to `deal`.

        Each takes at most what it takes alone, and at most the rate it promises of what is payable.
        What it leaves at most so is the less, the less it finds; so all of `rest`, one after the
        other, leave no more than any choice of them does.
        """
        left_fen = self._payable_fen - deal.saves_fen
        gives = deal.gives
        for place in rest:
            alone = self._part[place].alone
            left_fen -= min(_most_fen(alone, left_fen), left_fen)
            gives = _plus(gives, alone.gives)
        return left_fen - self._payable_fen, _minus(gives), len(deal.steps) + 1

    def _with(self, deal: Deal, place: int) -> Deal | None:
        """Apply the candidate at `place` after all of `deal`; None if it then has no effect."""
        one = self._part[place]
        offer = one.alone
        if not all(place in self._apart[chosen] for chosen in deal.chosen):
            answer = deal.tally.evaluate(one.candidate)
            if isinstance(answer, Miss):
                return None
            offer = answer
        return Deal(
            deal.tally.after(one.candidate, offer),
            (*deal.steps, (one, offer)),
            deal.chosen | {place},
            deal.saves_fen + offer.saves_fen,
            _plus(deal.gives, offer.gives),
            deal,
            place,
        )

    def _followed(self, deal: Deal, place: int) -> Deal | None:
        """Apply the candidate at `place` after `deal`; None if it may not or has no effect."""
        if not all(place in self._after[earlier] for earlier in deal.chosen):
            return None
        return self._with(deal, place)

    def _deal_of(self, chosen: Iterable[int]) -> Deal | None:
        """Apply `chosen` in rank order; None if two of them conflict or one has no effect."""
        deal: Deal | None = self._start
        for place in sorted(chosen):
            deal = None if deal is None else self._followed(deal, place)
        return deal

    def _greedy(self) -> Deal:
        best = self._start
        while True:
            further = self._with_one_more(best)
            if further is None or further.cost_and_ranks >= best.cost_and_ranks:
                return best
            best = further

    def _with_one_more(self, deal: Deal) -> Deal | None:
        """Return the best deal of one candidate more; None if no other may join."""
        best: Deal | None = None
        for place in self._most_alone_first:
            if place in deal.chosen:
                continue
            # One more takes at most what it takes alone, and lets nobody else take more.
            least_fen = 0 if best is None else best.saves_fen
            if deal.saves_fen + self._part[place].alone.saves_fen < least_fen:
                break
            trial = self._joined(deal, place, least_fen)
            if trial is not None and (best is None or trial.cost_and_ranks < best.cost_and_ranks):
                best = trial
        return best

    def _joined(self, deal: Deal, place: int, least_fen: int) -> Deal | None:
        """
        Apply one more, where it belongs among those of `deal`.

        None if it may not, or leaves one of them without effect, or surely saves below `least_fen`:
        those after it take no more than they do without it.
        """
        steps: list[tuple[int, int]] = []
        while deal.before is not None and deal.place > place:
            steps.append((deal.place, deal.saves_fen - deal.before.saves_fen))
            deal = deal.before
        left_fen = self._payable_fen - deal.saves_fen
        steps.append((place, _most_fen(self._part[place].alone, left_fen)))
        most_fen = sum([fen for _, fen in steps])
        for number, fen in reversed(steps):
            if deal.saves_fen + most_fen < least_fen:
                return None
            further = self._followed(deal, number)
            if further is None:
                return None
            deal = further
            most_fen -= fen
        return deal

    def _swapped(self, best: Deal) -> Deal:
        for leaving in sorted(best.chosen):
            trials = self._deals_with_another(best, best.chosen - {leaving})
            best = min((best, *trials), key=lambda deal: deal.cost_and_ranks)
        return best

    def _deals_with_another(self, deal: Deal, staying: frozenset[int]) -> Iterator[Deal]:
        for place in range(len(self._part)):
            if place not in deal.chosen:
                further = self._deal_of(staying | {place})
                if further is not None:
                    yield further


def _most_fen(alone: Offer, left_fen: int) -> int:
    """Return the most that an offer takes of `left_fen`, by itself and by the rate it promises."""
    if alone.rate_bp is None:
        return alone.saves_fen
    return min(alone.saves_fen, pct_round(left_fen, alone.rate_bp) + alone.freight_fen)


def _payable_fen(tally: Tally, targets: frozenset[int]) -> int:
    """Return what is still payable for these lines, and for freight if it is one of them."""
    freight_fen = tally.freight_fen if FREIGHT in targets else 0
    return tally.payable_fen(targets - FREIGHT_ONLY) + freight_fen


def _plus(one: Gives, other: Gives) -> Gives:
    if other == NOTHING_GIVEN:
        return one
    return one[0] + other[0], one[1] + other[1], one[2] + other[2]


def _minus(gives: Gives) -> Gives:
    return -gives[0], -gives[1], -gives[2]
