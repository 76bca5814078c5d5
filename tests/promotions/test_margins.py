"""Plain mistakes: goods made no cheaper, goods sold too close to their cost."""

from dataclasses import dataclass
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promotions.margins import Finding, Good, Mistake, is_below_floor, mistakes
from promotions.overlaps import among
from promotions.pricing import Base, Basket, Lane, Measure, Offer, Scope, Shortfall, Targets
from tests.builders.promotions import NOON, make_line, make_promotion, spend_and_save


@dataclass(frozen=True)
class FixedPrice:
    """A test's own kind: each piece costs so much, if that is less."""

    kind: ClassVar[str] = "fixed_price"
    lane: ClassVar[Lane] = Lane.PRICE
    sku_ids: ClassVar[None] = None

    price_fen: int

    def offer(self, basket: Basket) -> Offer:
        (line,) = basket.lines
        return Offer(shares={line.line_id: max(0, line.unit_price_fen - self.price_fen)})


@dataclass(frozen=True)
class HalfPriceFrom:
    """A test's own kind: from so many pieces on, all of them at half price."""

    kind: ClassVar[str] = "half_price_from"
    lane: ClassVar[Lane] = Lane.LINE
    sku_ids: ClassVar[None] = None

    pieces: int

    def offer(self, basket: Basket) -> Offer | Shortfall:
        have = sum(line.quantity for line in basket.lines)
        if have < self.pieces:
            return Shortfall(measure=Measure.PIECES, need=self.pieces, have=have, saves_fen=0)
        return Offer(shares=basket.spread(basket.amount_fen // 2))


AGREE = {"tags": frozenset({"a"}), "agrees_with": frozenset({"a"}), "base": Base.INITIAL}


def good(sku_id, *, fen=10_000, cost_fen=None):
    return Good(line=make_line(sku_id, fen=fen), cost_fen=cost_fen)


def found(promotion, *goods, floor_bp=0, others=()):
    overlaps = among(promotion, others, [one.line for one in goods], now=NOON)
    return mistakes(promotion, goods, overlaps, floor_bp=floor_bp, now=NOON)


class TestFloor:
    @pytest.mark.parametrize(
        ("payable_fen", "cost_fen", "floor_bp", "below"),
        [
            (100, 100, 0, False),
            (99, 100, 0, True),
            (100, 80, 2_000, False),
            (100, 81, 2_000, True),
            (0, 0, 0, False),
            (0, 0, 10_000, False),
            (5, 1, 10_000, True),
        ],
    )
    def test_is_a_share_of_what_is_paid(self, payable_fen, cost_fen, floor_bp, below):
        assert is_below_floor(payable_fen, cost_fen, floor_bp) is below


class TestAlone:
    def test_a_scope_without_goods_is_told(self):
        promotion = make_promotion(scope=Scope(include=Targets(sku_ids=frozenset({9}))))

        assert found(promotion, good(1)) == [Finding(mistake=Mistake.NOTHING_IN_SCOPE)]

    def test_the_deepest_tier_is_what_counts(self):
        promotion = make_promotion(rule=spend_and_save((10_000, 1_000), (30_000, 12_000)))

        # 100 yuan each: one piece pays 90, three pay 60 each.
        cheap, dear, unknown = good(1, cost_fen=6_000), good(2, cost_fen=6_001), good(3)

        assert found(promotion, cheap, dear, unknown) == [
            Finding(mistake=Mistake.BELOW_FLOOR, sku_ids=(2,))
        ]

    def test_a_threshold_out_of_reach_gives_nothing_away(self):
        promotion = make_promotion(rule=spend_and_save((10_000, 9_000)))

        assert found(promotion, good(1, fen=1, cost_fen=1)) == []
        assert found(promotion, good(1, fen=0, cost_fen=0)) == []

    @pytest.mark.parametrize(("pieces", "told"), [(3, 1), (999, 1), (1_000, 0)])
    def test_pieces_are_tried_up_to_what_a_line_may_hold(self, pieces, told):
        promotion = make_promotion(rule=HalfPriceFrom(pieces))

        assert len(found(promotion, good(1, cost_fen=5_001))) == told
        assert found(promotion, good(1, cost_fen=5_000)) == []

    def test_what_repeats_is_tried_a_few_times(self):
        promotion = make_promotion(rule=spend_and_save((10_000, 1_000), max_times=100))

        assert found(promotion, good(1, cost_fen=9_000)) == []

    def test_a_floor_above_cost_is_kept(self):
        promotion = make_promotion(rule=spend_and_save((10_000, 1_000)))

        assert found(promotion, good(1, cost_fen=7_200), floor_bp=2_000) == []
        assert found(promotion, good(1, cost_fen=7_201), floor_bp=2_000) != []

    def test_a_coupon_is_tried_as_if_it_were_held(self):
        promotion = make_promotion(lane=Lane.COUPON, needs_coupon=True)

        assert found(promotion, good(1, cost_fen=9_500)) == [
            Finding(mistake=Mistake.BELOW_FLOOR, sku_ids=(1,))
        ]

    @given(st.integers(1, 30_000), st.integers(1, 30_000))
    def test_a_price_that_is_not_lower_is_told_and_no_other(self, price_fen, list_fen):
        promotion = make_promotion(rule=FixedPrice(price_fen=price_fen))

        told = [one.mistake for one in found(promotion, good(1, fen=list_fen))]

        assert told == ([Mistake.PRICE_NOT_LOWER] if price_fen >= list_fen else [])


class TestTogether:
    def test_two_that_are_fine_alone_may_be_too_much_together(self):
        one, other = (make_promotion(number, **AGREE) for number in (1, 2))

        told = found(one, good(1, cost_fen=8_500), good(2, cost_fen=8_000), others=[other])

        assert told == [Finding(mistake=Mistake.BELOW_FLOOR_TOGETHER, sku_ids=(1,), other=other)]

    def test_what_does_not_stack_is_not_added_up(self):
        one, other = (make_promotion(number) for number in (1, 2))

        assert found(one, good(1, cost_fen=8_500), others=[other]) == []

    def test_what_is_too_cheap_alone_is_told_once(self):
        one, other = (make_promotion(number, **AGREE) for number in (1, 2))

        told = found(one, good(1, cost_fen=9_500), others=[other])

        assert [finding.mistake for finding in told] == [Mistake.BELOW_FLOOR]
