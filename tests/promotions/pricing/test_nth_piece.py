"""第N件X折: every nth piece costs less, dearest first."""

import pytest
from hypothesis import given

from promotions.pricing import Lane, Shortfall
from promotions.pricing.kinds import NthPiece, Per
from promotions.pricing.money import OutOfRange
from tests.builders.promotions import make_line
from tests.promotions.pricing.baskets import (
    basket_of,
    baskets,
    half_up,
    nonzero,
    offered,
    pieces_of,
    saved,
    shared,
    shortfall,
)
from tests.promotions.pricing.strategies import RUNS
from tests.promotions.pricing.terms import nth_piece

HALF = NthPiece(nth=2, off_bp=5_000)
HALF_OF_ALL = NthPiece(nth=2, off_bp=5_000, per=Per.SCOPE)


def priced(*fen: int):
    return basket_of(*(make_line(number, fen=each) for number, each in enumerate(fen, 1)))


@pytest.mark.parametrize(("quantity", "off"), [(1, 0), (2, 500), (3, 500), (4, 1_000), (5, 1_000)])
def test_every_second_piece_is_half_price(quantity, off):
    assert saved(HALF, basket_of(make_line(fen=1_000, quantity=quantity))) == off


def test_pieces_are_counted_by_sku_or_over_the_whole_scope():
    basket = priced(10_000, 9_000, 1_000)

    assert saved(HALF, basket) == 0
    assert nonzero(offered(HALF_OF_ALL, basket).shares) == {2: 4_500}


def test_pieces_of_one_sku_count_together_whatever_line_they_are_on():
    basket = basket_of(make_line(1, sku_id=7, fen=1_000), make_line(2, sku_id=7, fen=1_000))

    assert nonzero(offered(HALF, basket).shares) == {2: 500}


def test_a_cheap_piece_more_takes_nothing_away():
    # Discounting the cheapest of all would save 45 yuan with two pieces and 0.05 with four.
    assert saved(HALF_OF_ALL, priced(10_000, 9_000)) == 4_500
    assert saved(HALF_OF_ALL, priced(10_000, 9_000, 10, 10)) == 4_505


@pytest.mark.parametrize(("per", "off"), [(Per.SKU, 1_000), (Per.SCOPE, 500)])
def test_a_limit_counts_discounted_pieces_per_sku_or_of_the_scope(per, off):
    rule = NthPiece(nth=2, off_bp=5_000, per=per, max_times=1)
    lines = [make_line(number, fen=1_000, quantity=6) for number in (1, 2)]

    assert saved(rule, basket_of(*lines)) == off


def test_the_percentage_is_taken_once_of_all_discounted_pieces():
    # Half of 1 fen is 1 fen, rounded up; half of 2 × 1 fen is 1 fen as well.
    assert saved(HALF, basket_of(make_line(1, fen=1, quantity=2))) == 1
    assert saved(HALF, basket_of(*(make_line(n, fen=1, quantity=2) for n in (1, 2)))) == 1


@RUNS
@given(nth_piece, baskets())
def test_it_discounts_what_a_plain_count_discounts(rule, basket):
    skus = sorted({line.sku_id for line in basket.lines})
    heaps = [pieces_of(basket, lambda line, one=one: line.sku_id == one) for one in skus]
    if rule.per is Per.SCOPE:
        heaps = [pieces_of(basket)]
    picked = []
    for heap in heaps:
        nths = [piece for number, piece in enumerate(heap, 1) if number % rule.nth == 0]
        picked += nths if rule.max_times is None else nths[: rule.max_times]
    off = half_up(sum(cost for cost, _ in picked), rule.off_bp)

    assert nonzero(offered(rule, basket).shares) == nonzero(shared(basket, picked, off))


class TestWhatIsMissing:
    def test_short_of_the_first_there_is_no_offer_at_all(self):
        for basket in (basket_of(make_line()), priced(3_000, 8_000)):
            assert isinstance(HALF.offer(basket), Shortfall)

    def test_the_nearest_discounted_piece_is_told(self):
        step = shortfall(HALF, priced(3_000, 8_000))

        assert (step.need, step.have, step.gap, step.saves_fen) == (2, 1, 1, 4_000)

    def test_of_two_that_are_as_near_and_save_as_much_the_first_sku_is_told(self):
        step = shortfall(HALF, basket_of(make_line(1, quantity=3), make_line(2)))

        assert (step.need, step.have) == (4, 3)

    def test_once_some_are_discounted_the_next_adds_to_them(self):
        step = shortfall(
            HALF, basket_of(make_line(1, fen=1_000, quantity=2), make_line(2, fen=600))
        )

        assert (step.need, step.have, step.saves_fen) == (2, 1, 500 + 300)

    def test_after_the_last_there_is_nothing_more(self):
        rule = NthPiece(nth=2, off_bp=5_000, max_times=1)

        assert offered(rule, basket_of(make_line(quantity=2))).next_step is None

    def test_buying_it_saves_what_was_promised(self):
        step = shortfall(HALF_OF_ALL, priced(9_000, 1_000, 1_000))

        assert saved(HALF_OF_ALL, priced(9_000, 1_000, 1_000, 1_000)) == step.saves_fen


@pytest.mark.parametrize(
    "fields", [{"nth": 1}, {"off_bp": 0}, {"off_bp": 10_001}, {"max_times": 0}]
)
def test_numbers_out_of_range(fields):
    with pytest.raises(OutOfRange):
        NthPiece(**{"nth": 2, "off_bp": 1, **fields})


def test_it_is_about_its_scope():
    assert (HALF.lane, HALF.sku_ids) == (Lane.LINE, None)
    assert NthPiece.parse({"nth": 2, "off_bp": 5_000}) == HALF
