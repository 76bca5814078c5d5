"""
The running state of a quote, and what one candidate would take off it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from promotions.pricing.combining import Candidate
from promotions.pricing.rule import Basket, Offer, Shortfall


class Code(StrEnum):
    """The verdict on a candidate; there are no others."""

    APPLIED = "applied"
    CONDITION_FAILED = "condition_failed"
    """The cart lacks something; the shortfall says how much."""
    NO_EFFECT = "no_effect"
    """It would save nothing, so it is not used up."""
    LIMIT_REACHED = "limit_reached"
    """No use of it is left."""
    BUDGET_EXHAUSTED = "budget_exhausted"
    """Its budget no longer covers what it would save."""
    BLOCKED = "blocked"
    """A promotion of an earlier lane holds every line in its scope and does not share."""
    DOMINATED = "dominated"
    """A promotion it may not be combined with is part of the best deal instead."""
    NOT_CHOSEN = "not_chosen"
    """Its group sent another member forward, or the best deal is better without it."""
    NOT_FOR_YOU = "not_for_you"
    """The buyer is not in its audience."""
    NOT_YET = "not_yet"
    """The coupon is not valid yet."""
    EXPIRED = "expired"
    """The coupon is no longer valid."""
    DECLINED = "declined"
    """The buyer does not want it."""
    UNITS_REACHED = "units_reached"
    """No piece is left at this price."""
    GIFT_OUT = "gift_out"
    """No gift is left."""


# Neither frozen, for speed: they are made by the thousand, and nobody changes one.
@dataclass(slots=True)
class Miss:
    """Why a candidate takes nothing off, and the most pieces of lines it refuses to sell."""

    code: Code
    shortfall: Shortfall | None = None
    refuses: Mapping[int, int] = field(default_factory=dict)


class Tally(Mapping[int, int]):
    """
    What is still payable by line id, and of freight. It never changes: `after` returns the next.

    The amounts of single lines are reckoned once somebody looks; a search over promotions of the
    same lines gets along with their sum.
    """

    __slots__ = ("_before", "_known", "_known_fen", "_offer", "_running", "freight_fen")

    def __init__(self, running: dict[int, int], freight_fen: int) -> None:
        self.freight_fen = freight_fen
        self._running: dict[int, int] | None = running
        self._before: Tally | None = None
        self._offer = Offer()
        self._known: frozenset[int] = frozenset()
        self._known_fen = 0

    def __getitem__(self, line_id: int) -> int:
        running = self._running
        return running[line_id] if running is not None else self._reckoned()[line_id]

    def __iter__(self) -> Iterator[int]:
        return iter(self._reckoned())

    def __len__(self) -> int:
        return len(self._reckoned())

    def payable_fen(self, line_ids: frozenset[int]) -> int:
        """Return what is still payable for these lines together."""
        if self._known is not line_ids:
            self._known_fen = sum(map(self._reckoned().__getitem__, line_ids))
            self._known = line_ids
        return self._known_fen

    def after(self, candidate: Candidate, offer: Offer) -> "Tally":
        """Return the tally once `offer` has been taken off."""
        assert 0 <= offer.freight_fen <= self.freight_fen, "freight is never negative"
        following = Tally.__new__(Tally)
        following.freight_fen = self.freight_fen - offer.freight_fen
        following._running = None
        following._before = self
        following._offer = offer
        following._known = frozenset()
        following._known_fen = 0
        if self._known is candidate.line_ids:
            following._known = self._known
            following._known_fen = self._known_fen - offer.goods_fen
        return following

    def evaluate(self, candidate: Candidate) -> Offer | Miss:
        """Return what `candidate` takes off now, within its cap and allowance, or why nothing."""
        promotion, allowance = candidate.promotion, candidate.allowance
        if allowance is not None and allowance.uses == 0:
            return Miss(Code.LIMIT_REACHED)
        basket = self._basket(candidate)
        offer = promotion.rule.offer(basket)
        if isinstance(offer, Shortfall):
            return Miss(Code.CONDITION_FAILED, offer)
        if basket.units_left is not None:
            assert sum(offer.units.values()) <= basket.units_left, "no more pieces than are left"
        if promotion.max_discount_fen is not None:
            offer = offer.capped(promotion.max_discount_fen - candidate.taken_fen)
        if not offer.has_effect:
            return Miss(_why_nothing(basket), offer.next_step, offer.refuses)
        budget_fen = None if allowance is None else allowance.budget_fen
        if budget_fen is not None and candidate.taken_fen + offer.saves_fen > budget_fen:
            return Miss(Code.BUDGET_EXHAUSTED)
        return offer

    def _basket(self, candidate: Candidate) -> Basket:
        basket = Basket(
            lines=candidate.lines,
            running=self,
            freight_fen=self.freight_fen,
            base=candidate.promotion.base,
            base_fen=candidate.base_fen,
            payable_fen=self.payable_fen(candidate.line_ids),
            units_taken=candidate.taken_units,
            gift_choice=candidate.gift_choice,
            as_opener=candidate.as_opener,
        )
        if candidate.allowance is not None:
            units, gifts = candidate.allowance.units, candidate.allowance.gifts
            if units is not None:
                basket.units_left = units - candidate.taken_units
            if gifts:
                basket.gifts_left = dict(gifts)
        return basket

    def _reckoned(self) -> dict[int, int]:
        if self._running is None:
            assert self._before is not None, "the first tally knows its amounts"
            running = dict(self._before._reckoned())
            for line_id, share in self._offer.by_line.items():
                assert 0 <= share <= running[line_id], "a share lies within what is payable"
                running[line_id] -= share
            self._running = running
        return self._running


def _why_nothing(basket: Basket) -> Code:
    if basket.units_left == 0:
        return Code.UNITS_REACHED
    return Code.GIFT_OUT if basket.gifts_left else Code.NO_EFFECT
