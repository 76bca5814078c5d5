"""
The price of a cart: each lane in turn settles its candidates, and every candidate gets a verdict.

A pure function of its two arguments. Limits, budgets and coupons are not decided here: what is left
of them comes in with the cart, and the order's transaction is the judge.
"""

from itertools import groupby

from promotions.pricing.best_deal import Deal, Search
from promotions.pricing.canon import digest
from promotions.pricing.cart import Cart
from promotions.pricing.combining import (
    Candidate,
    Eligible,
    candidate_for,
    conflict,
    independent_parts,
    keep_by_group,
    rounds,
    shut_out,
)
from promotions.pricing.promotion import Promotion
from promotions.pricing.quote import Adjustment, Quote, Verdict, priced_line
from promotions.pricing.rule import Offer, Shortfall
from promotions.pricing.snapshot import Match, Snapshot
from promotions.pricing.tally import Code, Miss, Tally


def price(cart: Cart, snapshot: Snapshot) -> Quote:
    """
    Return what `cart` costs under the promotions of `snapshot`, and why.

    The same cart and snapshot give the same bytes, whatever the order of lines and promotions.
    """
    return _Pricing(cart, snapshot).quote()


class _Pricing:
    """One run of `price`: the running tally, what has applied and what was said of the others."""

    def __init__(self, cart: Cart, snapshot: Snapshot) -> None:
        self._cart = cart
        self._snapshot = snapshot
        self._matches = snapshot.candidates(cart)
        self._allowances = {one.promotion_id: one for one in cart.allowances}
        running = {line.line_id: line.base_amount_fen for line in cart.lines}
        self._tally = Tally(running, cart.freight_fen)
        self._applied: list[tuple[Candidate, Offer]] = []
        self._earlier: dict[int, tuple[Promotion, set[int]]] = {}
        self._verdicts: dict[int, Verdict] = {}
        self._is_optimal = True

    def quote(self) -> Quote:
        for _, matches in groupby(self._matches, key=lambda match: match[0].lane):
            for settled_together in rounds(list(matches)):
                self._settle(settled_together)
            self._close_lane()
        adjustments = self._adjustments()
        return Quote(
            snapshot_version=self._snapshot.version,
            input_digest=digest(self._cart.to_json()),
            lines=tuple(priced_line(line, adjustments) for line in self._cart.lines),
            adjustments=adjustments,
            trace=tuple(self._verdicts[promotion.promotion_id] for promotion, _ in self._matches),
            is_optimal=self._is_optimal,
            freight_list_fen=self._cart.freight_fen,
            freight_fen=self._tally.freight_fen,
        )

    def _settle(self, matches: list[Match]) -> None:
        """Choose and apply the best of what competes, part by part."""
        eligible = [one for match in matches if (one := self._eligible(match)) is not None]
        for part in independent_parts(eligible):
            kept = keep_by_group(part)
            forward = [one for one in part if _goes_forward(one, kept)]
            deal, is_proven = Search(forward, self._tally, self._allowances).run()
            self._tally = deal.tally
            self._is_optimal = self._is_optimal and is_proven
            for one in part:
                self._judge(one, deal, kept)

    def _eligible(self, match: Match) -> Eligible | None:
        """Return the candidate with its offer, or record why it has none."""
        promotion, _ = match
        candidate, holder = self._unblocked(match)
        if candidate is None:
            self._record(promotion, Code.BLOCKED, by=holder)
            return None
        answer = self._tally.evaluate(candidate, self._allowances)
        if isinstance(answer, Miss):
            self._record(promotion, answer.code, shortfall=answer.shortfall)
            return None
        return Eligible(candidate, answer)

    def _unblocked(self, match: Match) -> tuple[Candidate | None, int | None]:
        """Leave out the lines held by an earlier lane; name the last holder if nothing remains."""
        promotion, lines = match
        candidate = candidate_for(promotion, lines)
        held: set[int] = set()
        holder: int | None = None
        for other, reach in self._earlier.values():
            if shut_out(other, promotion) and not reach.isdisjoint(candidate.reach):
                held |= reach
                holder = other.promotion_id
        if not held:
            return candidate, None
        lines = tuple(line for line in lines if line.line_id not in held)
        return (candidate_for(promotion, lines) if lines else None), holder

    def _close_lane(self) -> None:
        """Let what has applied so far hold its lines against the lanes to come."""
        for candidate, _ in self._applied:
            promotion = candidate.promotion
            _, reach = self._earlier.setdefault(promotion.promotion_id, (promotion, set()))
            reach |= candidate.reach

    def _judge(self, one: Eligible, deal: Deal, kept: dict[str, Eligible]) -> None:
        """Record what the deal did with `one`."""
        promotion = one.candidate.promotion
        for chosen, offer in deal.steps:
            if chosen is one:
                self._apply(one.candidate, offer)
                return
        alone_fen = one.alone.saves_fen
        sent = kept.get(promotion.group or "")
        if sent is not None and not _goes_forward(one, kept):
            self._record(
                promotion, Code.NOT_CHOSEN, alone_fen, by=sent.candidate.promotion.promotion_id
            )
            return
        for chosen, _ in deal.steps:
            first, second = sorted((chosen.candidate, one.candidate), key=lambda it: it.rank)
            if conflict(first, second):
                winner = chosen.candidate.promotion.promotion_id
                self._record(promotion, Code.DOMINATED, alone_fen, by=winner)
                return
        self._record(promotion, Code.NOT_CHOSEN, alone_fen)

    def _apply(self, candidate: Candidate, offer: Offer) -> None:
        promotion = candidate.promotion
        self._applied.append((candidate, offer))
        taken_fen = self._tally.taken[promotion.promotion_id]
        self._verdicts.pop(promotion.promotion_id, None)
        self._record(promotion, Code.APPLIED, taken_fen, shortfall=offer.next_step)

    def _record(
        self,
        promotion: Promotion,
        code: Code,
        amount_fen: int = 0,
        *,
        by: int | None = None,
        shortfall: Shortfall | None = None,
    ) -> None:
        """Keep the first verdict on a promotion that competes on several lines."""
        verdict = Verdict(
            promotion_id=promotion.promotion_id,
            title=promotion.title,
            code=code,
            amount_fen=amount_fen,
            by=by,
            shortfall=shortfall,
        )
        self._verdicts.setdefault(promotion.promotion_id, verdict)

    def _adjustments(self) -> tuple[Adjustment, ...]:
        """Return one adjustment per applied promotion, in the order they applied."""
        found: dict[int, Adjustment] = {}
        for candidate, offer in self._applied:
            promotion = candidate.promotion
            earlier = found.get(promotion.promotion_id)
            found[promotion.promotion_id] = Adjustment(
                promotion_id=promotion.promotion_id,
                kind=promotion.rule.kind,
                lane=promotion.lane,
                title=promotion.title,
                shares={**(earlier.shares if earlier else {}), **offer.shares},
                freight_fen=offer.freight_fen,
            )
        return tuple(found.values())


def _goes_forward(one: Eligible, kept: dict[str, Eligible]) -> bool:
    """Say whether `one` takes part in the search: its group has not sent another."""
    sent = kept.get(one.candidate.promotion.group or "")
    return sent is None or sent is one
