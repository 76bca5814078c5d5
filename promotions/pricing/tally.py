"""
The running state of a quote, and what one candidate would take off it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from promotions.pricing.buyer import Allowance
from promotions.pricing.combining import FREIGHT, Candidate
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


@dataclass(frozen=True, slots=True)
class Miss:
    """Why a candidate takes nothing off."""

    code: Code
    shortfall: Shortfall | None = None


@dataclass(frozen=True, slots=True)
class Tally:
    """What is still payable, and what each promotion has taken off so far, in fen."""

    running: Mapping[int, int]
    freight_fen: int
    taken: Mapping[int, int] = field(default_factory=dict)

    def payable_fen(self, target: int) -> int:
        """Return what is still payable for a line, or for freight."""
        return self.freight_fen if target == FREIGHT else self.running[target]

    def after(self, candidate: Candidate, offer: Offer) -> "Tally":
        """Return the tally once `offer` has been taken off; this one stays as it is."""
        running = dict(self.running)
        for line_id, share in offer.shares.items():
            assert 0 <= share <= running[line_id], "a share lies within what is payable"
            running[line_id] -= share
        assert 0 <= offer.freight_fen <= self.freight_fen, "freight is never negative"
        promotion_id = candidate.promotion.promotion_id
        taken = {**self.taken, promotion_id: self.taken.get(promotion_id, 0) + offer.saves_fen}
        return Tally(running, self.freight_fen - offer.freight_fen, taken)

    def evaluate(self, candidate: Candidate, allowances: Mapping[int, Allowance]) -> Offer | Miss:
        """Return what `candidate` takes off now, within its cap and allowance, or why nothing."""
        promotion = candidate.promotion
        allowance = allowances.get(promotion.promotion_id)
        if allowance is not None and allowance.uses == 0:
            return Miss(Code.LIMIT_REACHED)
        offer = promotion.rule.offer(
            Basket(
                lines=candidate.lines,
                running=self.running,
                freight_fen=self.freight_fen,
                base=promotion.base,
            )
        )
        if isinstance(offer, Shortfall):
            return Miss(Code.CONDITION_FAILED, offer)
        taken_fen = self.taken.get(promotion.promotion_id, 0)
        if promotion.max_discount_fen is not None:
            offer = offer.capped(promotion.max_discount_fen - taken_fen)
        saves_fen = offer.saves_fen
        if saves_fen == 0:
            return Miss(Code.NO_EFFECT, offer.next_step)
        budget_fen = None if allowance is None else allowance.budget_fen
        if budget_fen is not None and taken_fen + saves_fen > budget_fen:
            return Miss(Code.BUDGET_EXHAUSTED)
        return offer
