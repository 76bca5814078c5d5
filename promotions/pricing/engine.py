"""
The price of a cart: each lane in turn settles its candidates, and every candidate gets a verdict.

A pure function of its two arguments. Limits, budgets and coupons are not decided here: what is left
of them comes in with the cart, and the order's transaction is the judge.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

from promotions.pricing.best_deal import Search, Step
from promotions.pricing.cart import Cart, CartLine
from promotions.pricing.combining import (
    Candidate,
    Eligible,
    conflict,
    goes_forward,
    independent_parts,
    keep_by_group,
    shut_out,
)
from promotions.pricing.entrants import Entrant, let_in
from promotions.pricing.outcome import Outcome
from promotions.pricing.promotion import Promotion
from promotions.pricing.quote import Quote
from promotions.pricing.rule import Lane
from promotions.pricing.snapshot import Snapshot
from promotions.pricing.tally import Code, Miss, Tally


def price(cart: Cart, snapshot: Snapshot) -> Quote:
    """
    Return what `cart` costs under the promotions of `snapshot`, and why.

    The same cart and snapshot give the same bytes, whatever the order of lines and promotions.
    """
    matches = snapshot.candidates(cart)
    entrants, others = let_in(cart, matches)
    pricing = _Pricing(cart, Outcome(others))
    for lane, of_lane in groupby(entrants, key=lambda entrant: entrant.promotion.lane):
        if lane is Lane.PRICE:
            pricing.settle_prices(of_lane)
        else:
            pricing.settle(of_lane)
        pricing.close(lane)
    return pricing.outcome.quote(cart, snapshot, matches, pricing.tally.freight_fen)


class _Pricing:
    """One run of `price`: the running tally, what has applied and who holds which lines."""

    def __init__(self, cart: Cart, outcome: Outcome) -> None:
        self.outcome = outcome
        self._base = {line.line_id: line.base_amount_fen for line in cart.lines}
        self.tally = Tally(dict(self._base), cart.freight_fen)
        self._allowances = {one.promotion_id: one for one in cart.allowances}
        self._gift_choices = {one.promotion_id: one.sku_ids for one in cart.gift_choices}
        self._as_opener = cart.deal is not None and cart.deal.as_opener
        self._held: list[tuple[Promotion, frozenset[int]]] = []
        """What has applied in earlier lanes, and where."""
        self._holders: defaultdict[int, int] = defaultdict(int)
        """By line id: a bit for each place in `_held` that holds the line."""
        self._known_ids: dict[frozenset[int], frozenset[int]] = {}

    def settle_prices(self, entrants: Iterable[Entrant]) -> None:
        """Give each line the best of its prices, one line after the other."""
        by_line: defaultdict[int, list[Entrant]] = defaultdict(list)
        lines: dict[int, CartLine] = {}
        for entrant in entrants:
            for line in entrant.lines:
                by_line[line.line_id].append(entrant)
                lines[line.line_id] = line
        for line_id in sorted(by_line):
            self._settle_line(lines[line_id], by_line[line_id])

    def settle(self, entrants: Iterable[Entrant]) -> None:
        """Choose and apply the best of what competes in a lane, part by part."""
        eligible = [
            answer
            for entrant in entrants
            if (candidate := self._unheld(entrant)) is not None
            if isinstance(answer := self._look(candidate), Eligible)
        ]
        for part in independent_parts(eligible):
            kept = keep_by_group(part)
            forward = [one for one in part if goes_forward(one, kept)]
            deal, is_proven = Search(forward, self.tally).run()
            self.tally = deal.tally
            self.outcome.is_optimal = self.outcome.is_optimal and is_proven
            self._conclude(part, deal.steps, kept)

    def close(self, lane: Lane) -> None:
        """Let what has applied in `lane` hold its lines against the lanes to come."""
        for applied in self.outcome.applied.values():
            if applied.promotion.lane is lane:
                for line_id in applied.reach:
                    self._holders[line_id] |= 1 << len(self._held)
                self._held.append((applied.promotion, applied.reach))

    def _settle_line(self, line: CartLine, entrants: Iterable[Entrant]) -> None:
        """Apply the best price of one line; a refusal counts if the line would be priced so."""
        part: list[Eligible] = []
        refused: list[tuple[Promotion, Mapping[int, int]]] = []
        lines, line_ids = (line,), frozenset((line.line_id,))
        for entrant in entrants:
            answer = self._look(self._candidate(entrant, lines, line_ids))
            if isinstance(answer, Eligible):
                part.append(answer)
            else:
                refused.append((entrant.promotion, answer.refuses))
        if part:
            kept = keep_by_group(part)
            forward = [one for one in part if goes_forward(one, kept)]
            best = min(forward, key=lambda one: one.alone.cost)
            self.tally = self.tally.after(best.candidate, best.alone)
            self._conclude(part, [(best, best.alone)], kept)
            return
        for promotion, most in refused:
            self.outcome.refuse(promotion, most)

    def _unheld(self, entrant: Entrant) -> Candidate | None:
        """Leave out the lines held by an earlier lane; record the last holder if none remains."""
        promotion, lines = entrant.promotion, entrant.lines
        if promotion.lane is not Lane.SHIPPING:
            near = 0
            for line in lines:
                near |= self._holders[line.line_id]
            against = self._against(promotion, near) if near else ()
            if against:
                held = frozenset[int]().union(*(reach for _, reach in against))
                lines = tuple([line for line in lines if line.line_id not in held])
                if not lines:
                    last = against[-1][0].promotion_id
                    self.outcome.lose(promotion, entrant.coupon_id, Code.BLOCKED, by=last)
                    return None
        return self._candidate(entrant, lines)

    def _against(
        self, promotion: Promotion, near: int
    ) -> Sequence[tuple[Promotion, frozenset[int]]]:
        """Return those of the holders whose bits are in `near` that shut `promotion` out."""
        against: list[tuple[Promotion, frozenset[int]]] = []
        while near:
            holding = self._held[(near & -near).bit_length() - 1]
            if shut_out(holding[0], promotion):
                against.append(holding)
            near &= near - 1
        return against

    def _candidate(
        self, entrant: Entrant, lines: tuple[CartLine, ...], line_ids: frozenset[int] | None = None
    ) -> Candidate:
        if line_ids is None:
            line_ids = frozenset([line.line_id for line in lines])
            # The same lines are the same object, so a tally knows them again at a glance.
            line_ids = self._known_ids.setdefault(line_ids, line_ids)
        promotion = entrant.promotion
        promotion_id = promotion.promotion_id
        applied = self.outcome.applied.get(promotion_id)
        return Candidate(
            promotion,
            lines,
            line_ids,
            sum(map(self._base.__getitem__, line_ids)),
            entrant.coupon_id,
            self._allowances.get(promotion_id),
            self._gift_choices.get(promotion_id, ()),
            0 if applied is None else applied.saves_fen,
            0 if applied is None else sum(applied.units.values()),
            self._as_opener,
        )

    def _look(self, candidate: Candidate) -> Eligible | Miss:
        """Return what the candidate would take alone, or record why nothing."""
        answer = self.tally.evaluate(candidate)
        if isinstance(answer, Miss):
            self.outcome.lose(
                candidate.promotion,
                candidate.coupon_id,
                answer.code,
                shortfall=answer.shortfall,
            )
            return answer
        return Eligible(candidate, answer)

    def _conclude(
        self, part: Sequence[Eligible], steps: Sequence[Step], kept: Mapping[str, Eligible]
    ) -> None:
        """Record what the best deal, in `steps`, did with each of the part."""
        chosen = {one for one, _ in steps}
        for one, offer in steps:
            self.outcome.apply(one.candidate, offer)
        for one in part:
            promotion = one.candidate.promotion
            if one not in chosen and not self.outcome.has_said(promotion):
                code, by = _why_not(one, steps, kept)
                self.outcome.lose(
                    promotion, one.candidate.coupon_id, code, one.alone.saves_fen, by=by
                )


def _why_not(
    one: Eligible, steps: Sequence[Step], kept: Mapping[str, Eligible]
) -> tuple[Code, int | None]:
    """Say why `one` is not part of the best deal, and which promotion stands in its way."""
    if not goes_forward(one, kept):
        sent = kept[one.candidate.promotion.group or ""]
        return Code.NOT_CHOSEN, sent.candidate.promotion.promotion_id
    for chosen, _ in steps:
        first, second = sorted((chosen.candidate, one.candidate), key=lambda it: it.rank)
        if conflict(first, second):
            return Code.DOMINATED, chosen.candidate.promotion.promotion_id
    return Code.NOT_CHOSEN, None
