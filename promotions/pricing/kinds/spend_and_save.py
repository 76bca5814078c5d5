"""
Spend-and-save (满减 / 满折 / N件M元 / 满包邮): from so much on, by amount or by pieces, pay less.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, ClassVar, NamedTuple, Self

from promotions.pricing.kinds.pieces import (
    Costs,
    Run,
    dearest_first,
    pick_first,
    sets_worth_taking,
    take_off,
    with_more,
)
from promotions.pricing.kinds.terms import ByScope, promised
from promotions.pricing.kinds.tiers import following, reached, read, require_rising, written
from promotions.pricing.money import ALL_BP, pct_round, whole
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
class Tier:
    """
    What reaching `threshold`, in fen or pieces, brings: a benefit, free freight, or both.

    A benefit is `off_fen`; or `off_bp` of the amount (8.5折 is 1,500) up to `off_max_fen`; or
    `price_fen` for exactly `threshold` pieces, the dearest first.

    :raises BadTerms: no benefit or several, or a cap without a percentage.
    """

    threshold: int
    off_fen: int = 0
    off_bp: int = 0
    off_max_fen: int | None = None
    price_fen: int | None = None
    free_freight: bool = False

    def __post_init__(self) -> None:
        whole(self.threshold, "threshold", least=1)
        whole(self.off_fen, "off_fen")
        whole(self.off_bp, "off_bp", most=ALL_BP)
        if self.off_max_fen is not None:
            whole(self.off_max_fen, "off_max_fen", least=1)
        if self.price_fen is not None:
            whole(self.price_fen, "price_fen")
        given = sum([self.off_fen > 0, self.off_bp > 0, self.price_fen is not None])
        if given > 1 or not (given or self.free_freight):
            raise BadTerms("tiers", Problem.AMBIGUOUS)
        if self.off_max_fen is not None and not self.off_bp:
            raise BadTerms("tiers", Problem.NEEDS_PERCENTAGE)

    def saves(self, amount_fen: int, times: int = 1) -> int:
        """Return what `amount_fen` saves at this tier, reached `times` over, a price left aside."""
        if not self.off_bp:
            return self.off_fen * times
        off_fen = pct_round(amount_fen, self.off_bp)
        return off_fen if self.off_max_fen is None else min(off_fen, self.off_max_fen)

    @classmethod
    def parse(cls, tier: Mapping[str, Any]) -> Self:
        """Read a tier as `to_json` writes it, or as it was written when it knew amounts only."""
        fields = dict(tier)
        if "threshold_fen" in fields:
            fields["threshold"] = fields.pop("threshold_fen")
        return cls(**fields)

    def to_json(self) -> dict[str, Any]:
        """Return the tier as plain data."""
        return asdict(self)


class _Seen(NamedTuple):
    """What a tier looks at: `have` is in the unit of the thresholds."""

    have: int
    amount_fen: int
    runs: Sequence[Run]


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendAndSave(ByScope):
    """
    Rising tiers, or one tier that repeats up to `max_times`.

    满100减10，满200减30: 99.99 yuan save nothing, 199.99 save 10 and 200 save 30. 每满100减10, at
    most 3 times, is one tier with `max_times` 3: 250 yuan save 20, 999 save 30. 任选3件59元: of 4
    pieces at 30, 25, 20 and 10 yuan the dearest three cost 59 instead of 75, the fourth 10; when it
    repeats, only as often as a set of the next dearest pieces costs more than 59.

    Of the tiers reached the one that saves most counts; as tiers rise, that is the highest, unless
    its price is too dear for the pieces at hand.

    :raises BadTerms: no tier; tiers that do not rise in threshold and in what they bring; a price
        for an amount; repeating tiers, percentages or free freight.
    """

    kind: ClassVar[str] = "spend_and_save"
    lane: ClassVar[Lane] = Lane.ORDER

    tiers: tuple[Tier, ...]
    measure: Measure = Measure.AMOUNT_FEN
    max_times: int = 1

    def __post_init__(self) -> None:
        whole(self.max_times, "max_times", least=1)
        require_rising(self.tiers)
        first = self.tiers[0]
        is_plain = len(self.tiers) == 1 and not (first.off_bp or first.free_freight)
        if self.max_times > 1 and not is_plain:
            raise BadTerms("max_times", Problem.NOT_TOGETHER)
        if self.measure is Measure.AMOUNT_FEN:
            for tier in self.tiers:
                _require_amount(tier)
        for lower, higher in pairwise(self.tiers):
            if not _is_worth_it(lower, higher, self.measure):
                raise BadTerms("tiers", Problem.NOT_WORTH_IT)

    @classmethod
    def parse(cls, terms: Mapping[str, Any]) -> Self:
        """
        Read the terms as `to_json` writes them.

        :raises BadTerms: they contradict themselves.
        """
        return cls(**read(terms, Tier.parse))

    def to_json(self) -> dict[str, Any]:
        """Return the terms as plain data."""
        return written(self.tiers, self.measure, self.max_times)

    def offer(self, basket: Basket) -> Offer | Shortfall:
        """Save what the best tier reached gives; short of the first, say by how much."""
        seen = self._look(basket)
        next_step = self._next_step(seen, basket.freight_fen)
        tiers = reached(self.tiers, seen.have)
        if not tiers:
            assert next_step is not None, "short of the first tier there is a next one"
            return next_step
        found = [(*self._saves(tier, seen, basket.freight_fen), tier) for tier in tiers]
        saved_fen, sets, tier = max(found, key=lambda one: (one[0], one[2].threshold))
        freight_fen = basket.freight_fen if tier.free_freight else 0
        goods_fen = saved_fen - freight_fen
        shares: Mapping[int, int] = basket.spread(goods_fen) if tier.price_fen is None else {}
        if tier.price_fen is not None:
            shares = take_off(basket, pick_first(seen.runs, sets * tier.threshold), goods_fen)
        is_more = next_step is not None and next_step.saves_fen > saved_fen
        return Offer(
            shares=shares,
            freight_fen=freight_fen,
            next_step=next_step if is_more else None,
            rate_bp=self._rate(basket, tiers),
        )

    def _rate(self, basket: Basket, tiers: Sequence[Tier]) -> int | None:
        """Return the highest percentage if nothing else is within reach; None otherwise."""
        if any(tier.off_fen or tier.price_fen is not None for tier in tiers):
            return None
        return promised(basket, max(tier.off_bp for tier in tiers))

    def _look(self, basket: Basket) -> _Seen:
        amount_fen = basket.amount_fen
        if self.measure is Measure.AMOUNT_FEN:
            return _Seen(amount_fen, amount_fen, ())
        return _Seen(basket.pieces, amount_fen, dearest_first(basket, basket.lines))

    def _saves(self, tier: Tier, seen: _Seen, freight_fen: int) -> tuple[int, int]:
        """Return what a tier that is reached saves, and how often or in how many sets."""
        free_fen = freight_fen if tier.free_freight else 0
        times = min(seen.have // tier.threshold, self.max_times)
        if tier.price_fen is None:
            return tier.saves(seen.amount_fen, times) + free_fen, times
        costs = Costs(seen.runs)
        sets = sets_worth_taking(
            lambda number: costs.of_first(number * tier.threshold), tier.price_fen, times
        )
        return costs.of_first(sets * tier.threshold) - sets * tier.price_fen + free_fen, sets

    def _next_step(self, seen: _Seen, freight_fen: int) -> Shortfall | None:
        """Return what is missing for the next tier, pieces taken to cost what the cheapest does."""
        step = following(self.tiers, seen.have, self.max_times)
        if step is None:
            return None
        tier, times = step
        need = tier.threshold * times
        if self.measure is Measure.AMOUNT_FEN:
            then = _Seen(need, need, ())
        else:
            gap = need - seen.have
            amount_fen = seen.amount_fen + gap * seen.runs[-1].price_fen
            then = _Seen(need, amount_fen, with_more(seen.runs, gap))
        return Shortfall(
            measure=self.measure,
            need=need,
            have=seen.have,
            saves_fen=self._saves(tier, then, freight_fen)[0],
        )


def _require_amount(tier: Tier) -> None:
    """Check that a tier makes sense for an amount: a price is for pieces, and nobody is paid."""
    if tier.price_fen is not None:
        raise BadTerms("tiers", Problem.NEEDS_PIECES)
    if tier.off_fen > tier.threshold:
        raise BadTerms("tiers", Problem.MORE_THAN_PAID)


def _is_worth_it(lower: Tier, higher: Tier, measure: Measure) -> bool:
    """Say whether the higher tier brings more, as far as that can be told without the goods."""
    if lower.free_freight and not higher.free_freight:
        return False
    more = _more(lower, higher, measure)
    return more is None or more > 0 or (more == 0 and higher.free_freight > lower.free_freight)


def _more(lower: Tier, higher: Tier, measure: Measure) -> int | None:
    """Return a number that is positive if the higher tier saves more; None: it depends."""
    if measure is Measure.AMOUNT_FEN:
        return higher.saves(higher.threshold) - lower.saves(higher.threshold)
    if lower.price_fen is not None and higher.price_fen is not None:
        return lower.price_fen * higher.threshold - higher.price_fen * lower.threshold
    if lower.price_fen is None and higher.price_fen is None:
        if lower.off_bp and higher.off_bp:
            return higher.off_bp - lower.off_bp
        if not (lower.off_bp or higher.off_bp):
            return higher.off_fen - lower.off_fen
    return None
