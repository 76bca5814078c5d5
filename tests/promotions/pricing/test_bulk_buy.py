"""团购: everybody pays the first price, and gets back what the tier reached is cheaper by."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promotions.pricing import BadTerms, Problem, units_share
from promotions.pricing.kinds import BulkBuy, BulkTier, SkuPrice, due_back_fen
from promotions.pricing.money import OutOfRange
from tests.builders.promotions import make_line
from tests.promotions.pricing.baskets import basket_of, offered
from tests.promotions.pricing.strategies import RUNS


def at(**fens):
    """Prices by SKU: `at(s1=5)` is SKU 1 at 5 fen."""
    return tuple(SkuPrice(sku_id=int(name[1:]), price_fen=fen) for name, fen in fens.items())


def tier(pieces, **fens):
    return BulkTier(pieces=pieces, prices=at(**fens))


def bulk_buy(*tiers, prices=None, **more):
    return BulkBuy(prices=prices or at(s1=9_900, s2=5_000), tiers=tiers, **more)


FALLING = bulk_buy(tier(10, s1=8_900), tier(50, s1=7_900, s2=4_000))
FIXED = bulk_buy(min_pieces=20)


class TestTerms:
    @pytest.mark.parametrize("rule", [FALLING, FIXED, bulk_buy(tier(30, s1=1), min_pieces=20)])
    def test_they_are_read_as_they_were_written(self, rule):
        assert BulkBuy.parse(rule.to_json()) == rule

    def test_a_sku_a_tier_does_not_name_costs_what_it_cost_before(self):
        assert FALLING.lists == (
            {1: 9_900, 2: 5_000},
            {1: 8_900, 2: 5_000},
            {1: 7_900, 2: 4_000},
        )

    @pytest.mark.parametrize(
        ("tiers", "more", "problem"),
        [
            ((), {}, Problem.EMPTY),
            ((tier(10, s1=8_900), tier(10, s1=7_900)), {}, Problem.NOT_RISING),
            ((tier(1, s1=8_900),), {}, Problem.NOT_RISING),
            ((tier(20, s1=8_900),), {"min_pieces": 20}, Problem.NOT_RISING),
            ((tier(10, s1=9_900),), {}, Problem.NOT_WORTH_IT),
            ((tier(10, s1=9_901, s2=1),), {}, Problem.NOT_WORTH_IT),
            ((tier(10, s1=8_900), tier(20, s1=8_901, s2=1)), {}, Problem.NOT_WORTH_IT),
            ((tier(10, s3=1),), {}, Problem.UNKNOWN_SKU),
            ((BulkTier(pieces=10, prices=at(s1=1) * 2),), {}, Problem.DUPLICATE),
            ((BulkTier(pieces=10, prices=()),), {}, Problem.EMPTY),
        ],
    )
    def test_tiers_that_mean_nothing_are_refused(self, tiers, more, problem):
        with pytest.raises(BadTerms) as refused:
            bulk_buy(*tiers, **more)

        assert (refused.value.field, refused.value.problem) == ("tiers", problem)

    def test_pieces_are_counted_from_one_and_a_least_number_from_two(self):
        with pytest.raises(OutOfRange):
            tier(0, s1=1)
        with pytest.raises(OutOfRange):
            bulk_buy(min_pieces=1)


class TestPrice:
    def test_every_piece_costs_the_first_price_whatever_was_collected(self):
        offer = offered(FALLING, basket_of(make_line(1, fen=12_000, quantity=3)))

        assert offer.shares == {1: 3 * 2_100}
        assert offer.units == {1: 3}

    def test_more_pieces_than_an_order_may_have_are_refused(self):
        rule = bulk_buy(tier(10, s1=1), max_units_per_order=2)
        offer = offered(rule, basket_of(make_line(1, fen=12_000, quantity=3)))

        assert offer.refuses == {1: 2}


class TestReached:
    @pytest.mark.parametrize(
        ("collected", "reached"), [(0, 0), (9, 0), (10, 1), (49, 1), (50, 2), (9_999, 2)]
    )
    def test_tiers_are_reached_by_pieces(self, collected, reached):
        assert FALLING.reached(collected) == reached

    @pytest.mark.parametrize(("collected", "reached"), [(0, None), (19, None), (20, 0), (99, 0)])
    def test_a_fixed_price_is_reached_or_not(self, collected, reached):
        assert FIXED.reached(collected) == reached

    def test_with_both_the_least_number_comes_before_the_tiers(self):
        both = bulk_buy(tier(30, s1=1), min_pieces=20)

        assert [both.reached(pieces) for pieces in (19, 20, 29, 30)] == [None, 0, 0, 1]


class TestDifference:
    def test_three_pieces_bring_three_times_the_difference_back(self):
        final = FALLING.final_fen(1, quantity=3, paid_fen=29_700, tier=2)

        assert final == 23_700
        assert due_back_fen(paid_fen=29_700, final_fen=final, quantity=3, gone=0) == 6_000

    def test_what_a_coupon_paid_stays_paid(self):
        # 99 yuan less a coupon of 50; at 79 yuan less the same coupon it costs 29.
        assert FALLING.final_fen(1, quantity=1, paid_fen=4_900, tier=2) == 2_900

    def test_it_never_costs_less_than_nothing(self):
        assert FALLING.final_fen(1, quantity=1, paid_fen=1_500, tier=2) == 0

    def test_what_is_not_cheaper_brings_nothing_back(self):
        final = FALLING.final_fen(2, quantity=3, paid_fen=15_000, tier=1)

        assert due_back_fen(paid_fen=15_000, final_fen=final, quantity=3, gone=0) == 0

    @RUNS
    @given(
        quantity=st.integers(1, 20),
        gone=st.integers(0, 20),
        paid_fen=st.integers(0, 10_000),
        off_fen=st.integers(0, 10_000),
    )
    def test_what_comes_back_in_any_cut_sums_to_what_was_paid(
        self, quantity, gone, paid_fen, off_fen
    ):
        """Pieces gone before take their share of what was paid, the others of the final price."""
        gone = min(gone, quantity)
        final_fen = max(paid_fen - off_fen, 0)
        due = due_back_fen(paid_fen=paid_fen, final_fen=final_fen, quantity=quantity, gone=gone)
        before = units_share(paid_fen, quantity, 0, gone)
        later = [units_share(final_fen, quantity, n, n + 1) for n in range(gone, quantity)]

        assert due >= 0
        assert before + due + sum(later) == paid_fen
