"""
Spend-and-save (满减 / 满折): spend a threshold within the scope, save an amount or a percentage.

With tiers 满100减10 and 满200减30, 199.99 yuan save 10 and 200 yuan save 30: only the highest tier
reached counts. 每满100减10, at most 3 times, is one tier with `max_times=3`: 250 yuan save 20.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

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
    """From `threshold_fen` on, save `off_fen`, or `off_bp` of the amount (8.5折 is 1,500)."""

    threshold_fen: int
    off_fen: int = 0
    off_bp: int = 0

    def __post_init__(self) -> None:
        whole(self.threshold_fen, "threshold_fen", least=1)
        whole(self.off_fen, "off_fen")
        whole(self.off_bp, "off_bp", most=ALL_BP)
        if bool(self.off_fen) == bool(self.off_bp):
            raise BadTerms("tiers", Problem.AMBIGUOUS)
        if self.off_fen > self.threshold_fen:
            raise BadTerms("tiers", Problem.MORE_THAN_PAID)

    def saves(self, amount_fen: int, times: int = 1) -> int:
        """Return what `amount_fen` saves at this tier, reached `times` over."""
        return self.off_fen * times if self.off_fen else pct_round(amount_fen, self.off_bp)

    def to_json(self) -> dict[str, Any]:
        """Return the tier as plain data."""
        return {"threshold_fen": self.threshold_fen, "off_fen": self.off_fen, "off_bp": self.off_bp}


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendAndSave:
    """
    The terms of a spend-and-save: rising tiers, or one tier that repeats up to `max_times`.

    :raises BadTerms: no tier, tiers that do not rise in threshold and in saving, or a repeating
        set of tiers or percentage.
    """

    kind: ClassVar[str] = "spend_and_save"
    lane: ClassVar[Lane] = Lane.ORDER

    tiers: tuple[Tier, ...]
    max_times: int = 1

    def __post_init__(self) -> None:
        whole(self.max_times, "max_times", least=1)
        if not self.tiers:
            raise BadTerms("tiers", Problem.EMPTY)
        if self.max_times > 1 and (len(self.tiers) > 1 or self.tiers[0].off_bp):
            raise BadTerms("max_times", Problem.NOT_TOGETHER)
        for lower, higher in zip(self.tiers, self.tiers[1:], strict=False):
            if higher.threshold_fen <= lower.threshold_fen:
                raise BadTerms("tiers", Problem.NOT_RISING)
            if higher.saves(higher.threshold_fen) <= lower.saves(higher.threshold_fen):
                raise BadTerms("tiers", Problem.NOT_WORTH_IT)

    @property
    def sku_ids(self) -> frozenset[int] | None:
        """None: the campaign's scope decides."""
        return None

    @classmethod
    def parse(cls, terms: Mapping[str, Any]) -> Self:
        """
        Read the terms as `to_json` writes them.

        :raises BadTerms: they contradict themselves.
        """
        tiers = tuple(Tier(**tier) for tier in terms["tiers"])
        return cls(tiers=tiers, max_times=terms.get("max_times", 1))

    def to_json(self) -> dict[str, Any]:
        """Return the terms as plain data."""
        return {"tiers": [tier.to_json() for tier in self.tiers], "max_times": self.max_times}

    def offer(self, basket: Basket) -> Offer | Shortfall:
        """Save what the highest tier reached gives; short of the first, say by how much."""
        amount_fen = basket.amount_fen
        reached = [tier for tier in self.tiers if tier.threshold_fen <= amount_fen]
        next_step = self._next_step(amount_fen, len(reached))
        if not reached:
            assert next_step is not None, "short of the first tier there is a next one"
            return next_step
        tier = reached[-1]
        saved = tier.saves(amount_fen, min(amount_fen // tier.threshold_fen, self.max_times))
        return Offer(shares=basket.spread(saved), next_step=next_step)

    def _next_step(self, amount_fen: int, reached: int) -> Shortfall | None:
        if reached < len(self.tiers):
            tier, times = self.tiers[reached], 1
        else:
            tier = self.tiers[-1]
            times = amount_fen // tier.threshold_fen + 1
            if times > self.max_times:
                return None
        need = tier.threshold_fen * times
        return Shortfall(
            measure=Measure.AMOUNT_FEN,
            need=need,
            have=amount_fen,
            saves_fen=tier.saves(need, times),
        )
