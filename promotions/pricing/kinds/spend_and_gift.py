"""
Spend-and-gift (满赠): from so much on, by amount or by pieces, gifts, points or coupons come along.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from operator import attrgetter
from typing import Any, ClassVar, Self

from promotions.pricing.kinds.terms import ByScope, require_distinct
from promotions.pricing.kinds.tiers import following, reached, read, require_rising, written
from promotions.pricing.money import whole
from promotions.pricing.rule import (
    BadTerms,
    Basket,
    Gift,
    Lane,
    Measure,
    Met,
    Offer,
    Problem,
    Shortfall,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GiftTier:
    """
    What reaching `threshold`, in fen or pieces, brings: gifts, points, coupons, or some of each.

    `choose`: the buyer picks so many of the gifts; None: all of them come. `coupons` are (template
    promotion id, how many).

    :raises BadTerms: it brings nothing, names something twice, or lets the buyer choose from no
        more than they get.
    """

    threshold: int
    gifts: tuple[Gift, ...] = ()
    choose: int | None = None
    points: int = 0
    coupons: tuple[tuple[int, int], ...] = ()

    def __post_init__(self) -> None:
        whole(self.threshold, "threshold", least=1)
        whole(self.points, "points")
        for gift in self.gifts:
            whole(gift.sku_id, "sku_id")
            whole(gift.quantity, "quantity", least=1)
            whole(gift.value_fen, "value_fen")
        for promotion_id, count in self.coupons:
            whole(promotion_id, "promotion_id")
            whole(count, "count", least=1)
        if not (self.gifts or self.points or self.coupons):
            raise BadTerms("tiers", Problem.EMPTY)
        if self.gifts:
            require_distinct((gift.sku_id for gift in self.gifts), "tiers")
        if self.coupons:
            require_distinct((promotion_id for promotion_id, _ in self.coupons), "tiers")
        if self.choose is not None:
            whole(self.choose, "choose", least=1)
            if self.choose >= len(self.gifts):
                raise BadTerms("tiers", Problem.NO_CHOICE)

    @property
    def brings(self) -> tuple[int, int, int]:
        """What tiers are compared by: the most its gifts are worth, points, number of things."""
        worths = sorted((gift.worth_fen for gift in self.gifts), reverse=True)
        counts = sorted((gift.quantity for gift in self.gifts), reverse=True)
        coupons = sum(count for _, count in self.coupons)
        return sum(worths[: self.choose]), self.points, sum(counts[: self.choose]) + coupons

    def gives(self, times: int, left: Mapping[int, int], choice: tuple[int, ...]) -> Offer:
        """
        Return what reaching it `times` over brings, as far as gifts are left.

        Chosen gifts go first, then the others in the order they are listed; a gift that has run out
        is passed over if there is a choice, and missing if there is none. Once all are gone, the
        points and coupons that would come with them are not given either.
        """
        gifts = list(self.gifts)
        if self.choose is not None:
            in_stock = [gift for gift in gifts if left.get(gift.sku_id) != 0]
            in_stock.sort(key=lambda gift: gift.sku_id not in choice)
            gifts = in_stock[: self.choose]
        counts = [
            (gift, min(gift.quantity * times, left.get(gift.sku_id, gift.quantity * times)))
            for gift in gifts
        ]
        given = tuple(replace(gift, quantity=count) for gift, count in counts if count)
        if self.gifts and not given:
            return Offer()
        return Offer(
            gifts=given,
            points=self.points * times,
            coupons=tuple((promotion_id, count * times) for promotion_id, count in self.coupons),
        )

    @classmethod
    def parse(cls, tier: Mapping[str, Any]) -> Self:
        """
        Read a tier as `to_json` writes it.

        :raises BadTerms: it contradicts itself.
        """
        coupons = tier.get("coupons", ())
        return cls(
            threshold=tier["threshold"],
            gifts=tuple(Gift(**gift) for gift in tier.get("gifts", ())),
            choose=tier.get("choose"),
            points=tier.get("points", 0),
            coupons=tuple((coupon["promotion_id"], coupon["count"]) for coupon in coupons),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the tier as plain data."""
        return {
            "threshold": self.threshold,
            "gifts": [gift.to_json() for gift in self.gifts],
            "choose": self.choose,
            "points": self.points,
            "coupons": [
                {"promotion_id": promotion_id, "count": count}
                for promotion_id, count in self.coupons
            ],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendAndGift(ByScope):
    """
    Rising tiers, or one tier that repeats up to `max_times`.

    满199送杯子，满399送杯子和100积分: 198.99 yuan bring nothing, 199 a cup, 399 a cup and 100
    points. Of the tiers reached the one that brings most, as far as gifts are left, counts: by
    their stated worth, then points, then the number of gifts and coupons, then the higher. As tiers
    rise, that is the highest, unless its gifts have run out.

    :raises BadTerms: no tier, tiers that do not rise, a higher tier that brings less, or several
        tiers that repeat.
    """

    kind: ClassVar[str] = "spend_and_gift"
    lane: ClassVar[Lane] = Lane.ORDER

    tiers: tuple[GiftTier, ...]
    measure: Measure = Measure.AMOUNT_FEN
    max_times: int = 1

    def __post_init__(self) -> None:
        whole(self.max_times, "max_times", least=1)
        require_rising(self.tiers)
        if self.max_times > 1 and len(self.tiers) > 1:
            raise BadTerms("max_times", Problem.NOT_TOGETHER)
        for lower, higher in pairwise(self.tiers):
            is_same = replace(lower, threshold=higher.threshold) == higher
            if is_same or higher.brings < lower.brings:
                raise BadTerms("tiers", Problem.NOT_WORTH_IT)

    @classmethod
    def parse(cls, terms: Mapping[str, Any]) -> Self:
        """
        Read the terms as `to_json` writes them.

        :raises BadTerms: they contradict themselves.
        """
        return cls(**read(terms, GiftTier.parse))

    def to_json(self) -> dict[str, Any]:
        """Return the terms as plain data."""
        return written(self.tiers, self.measure, self.max_times)

    def offer(self, basket: Basket) -> Offer | Shortfall:
        """Give what the best tier reached brings; short of the first, say by how much."""
        have = basket.amount_fen if self.measure is Measure.AMOUNT_FEN else basket.pieces
        next_step = self._next_step(have)
        tiers = reached(self.tiers, have)
        if not tiers:
            assert next_step is not None, "short of the first tier there is a next one"
            return next_step
        offers = [self._reach(tier, basket, have) for tier in reversed(tiers)]
        return replace(max(offers, key=attrgetter("gives")), next_step=next_step)

    def _reach(self, tier: GiftTier, basket: Basket, have: int) -> Offer:
        times = min(have // tier.threshold, self.max_times)
        offer = tier.gives(times, basket.gifts_left, basket.gift_choice)
        if not (offer.gifts or offer.coupons or offer.points):
            return offer
        return replace(offer, met=Met(measure=self.measure, need=tier.threshold, times=times))

    def _next_step(self, have: int) -> Shortfall | None:
        step = following(self.tiers, have, self.max_times)
        if step is None:
            return None
        tier, times = step
        need = tier.threshold * times
        return Shortfall(measure=self.measure, need=need, have=have, saves_fen=0)
