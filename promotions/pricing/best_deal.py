"""
The best deal among candidates that compete: lowest payable, then fewest promotions, then rank.

Up to `EXACT_UP_TO` candidates the search is exact, branch and bound over the combinations that
are allowed; beyond, it is greedy by what each further candidate adds, then one pass of swaps.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from promotions.pricing.buyer import Allowance
from promotions.pricing.combining import Candidate, Eligible, conflict
from promotions.pricing.rule import Offer
from promotions.pricing.tally import Miss, Tally

EXACT_UP_TO = 12

Step = tuple[Eligible, Offer]


@dataclass(frozen=True, slots=True)
class Deal:
    """Promotions that apply together, in the order they apply, and the tally after them."""

    tally: Tally
    steps: tuple[Step, ...] = ()
    saves_fen: int = 0

    @property
    def badness(self) -> tuple[int, int, tuple[tuple[int, int], ...]]:
        """What the best deal has the least of."""
        return (
            -self.saves_fen,
            len(self.steps),
            tuple(one.candidate.rank for one, _ in self.steps),
        )

    def has(self, one: Eligible) -> bool:
        """Say whether `one` is part of the deal."""
        return any(one is chosen for chosen, _ in self.steps)


class Search:
    """The search over one independent part of a lane, whose candidates come in rank order."""

    def __init__(
        self, part: Sequence[Eligible], tally: Tally, allowances: Mapping[int, Allowance]
    ) -> None:
        self._part = part
        self._start = Deal(tally)
        self._allowances = allowances
        self._best = self._start
        reach = {target for one in part for target in one.candidate.reach}
        self._ceiling_fen = sum(tally.payable_fen(target) for target in reach)

    def run(self) -> tuple[Deal, bool]:
        """Return the best deal found and whether it is proven to be the best."""
        if len(self._part) <= EXACT_UP_TO:
            self._explore(self._start, self._part)
            return self._best, True
        return self._swapped(self._greedy()), False

    def _explore(self, deal: Deal, rest: Sequence[Eligible]) -> None:
        if deal.badness < self._best.badness:
            self._best = deal
        hope_fen = deal.saves_fen + sum(one.alone.saves_fen for one in rest)
        for position, one in enumerate(rest):
            # Whatever follows adds at least one promotion and saves at most what each does alone.
            # A tie goes to what was found first: combinations come in the order of their ranks.
            bound = (-min(hope_fen, self._ceiling_fen), len(deal.steps) + 1)
            if bound >= self._best.badness[:2]:
                return
            hope_fen -= one.alone.saves_fen
            further = self._with(deal, one)
            if further is not None:
                later = rest[position + 1 :]
                self._explore(
                    further, [it for it in later if not conflict(one.candidate, it.candidate)]
                )

    def _with(self, deal: Deal, one: Eligible) -> Deal | None:
        """Apply `one` after all of `deal`; None if it then has no effect."""
        offer = one.alone
        if not all(apart(chosen.candidate, one.candidate) for chosen, _ in deal.steps):
            answer = deal.tally.evaluate(one.candidate, self._allowances)
            if isinstance(answer, Miss):
                return None
            offer = answer
        return Deal(
            deal.tally.after(one.candidate, offer),
            (*deal.steps, (one, offer)),
            deal.saves_fen + offer.saves_fen,
        )

    def _deal_of(self, chosen: Sequence[Eligible]) -> Deal | None:
        """Apply `chosen` in rank order; None if two of them conflict or one has no effect."""
        deal = self._start
        for one in sorted(chosen, key=lambda it: it.candidate.rank):
            is_shut_out = any(conflict(it.candidate, one.candidate) for it, _ in deal.steps)
            further = None if is_shut_out else self._with(deal, one)
            if further is None:
                return None
            deal = further
        return deal

    def _greedy(self) -> Deal:
        best = self._start
        while True:
            chosen = [one for one, _ in best.steps]
            trials = self._deals([*chosen, one] for one in self._part if not best.has(one))
            further = min(trials, key=lambda deal: deal.badness, default=best)
            if further.badness >= best.badness:
                return best
            best = further

    def _swapped(self, best: Deal) -> Deal:
        for leaving, _ in best.steps:
            staying = [one for one, _ in best.steps if one is not leaving]
            trials = self._deals([*staying, one] for one in self._part if not best.has(one))
            best = min((best, *trials), key=lambda deal: deal.badness)
        return best

    def _deals(self, choices: Iterator[list[Eligible]]) -> Iterator[Deal]:
        for chosen in choices:
            deal = self._deal_of(chosen)
            if deal is not None:
                yield deal


def apart(first: Candidate, second: Candidate) -> bool:
    """Say whether neither can change what the other takes off."""
    return first.reach.isdisjoint(second.reach)
