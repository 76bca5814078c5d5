"""组合套餐: certain SKUs together at one price."""

from math import inf

import pytest
from hypothesis import given

from promotions.pricing import BadTerms, Lane, Problem, Shortfall
from promotions.pricing.kinds import Bundle, Part
from promotions.pricing.money import OutOfRange
from tests.builders.promotions import make_line
from tests.promotions.pricing.baskets import (
    basket_of,
    baskets,
    nonzero,
    offered,
    pieces_of,
    saved,
    shared,
    shortfall,
)
from tests.promotions.pricing.strategies import RUNS
from tests.promotions.pricing.terms import bundle

SHIRT, TROUSERS, SOCKS = (Part(sku_id=number) for number in (1, 2, 3))
OUTFIT = Bundle(parts=(SHIRT, TROUSERS), price_fen=19_900)


def clothes(shirts: int, trousers: int):
    lines = [make_line(1, fen=12_900, quantity=shirts), make_line(2, fen=9_900, quantity=trousers)]
    return basket_of(*lines)


def reference(rule, basket):
    """Set after set from the dearest pieces, as long as each saves something."""
    heaps = {
        part.sku_id: pieces_of(basket, lambda line, part=part: line.sku_id == part.sku_id)
        for part in rule.parts
    }
    picked, off, sets = [], 0, 0
    while sets < (rule.max_times or inf):
        taken = []
        for part in rule.parts:
            heap = heaps[part.sku_id]
            if len(heap) < part.quantity:
                return shared(basket, picked, off)
            taken += heap[: part.quantity]
            heaps[part.sku_id] = heap[part.quantity :]
        if sum(cost for cost, _ in taken) <= rule.price_fen:
            break
        picked, sets = picked + taken, sets + 1
        off += sum(cost for cost, _ in taken) - rule.price_fen
    return shared(basket, picked, off)


@RUNS
@given(bundle(), baskets())
def test_it_takes_what_a_plain_packing_of_sets_takes(rule, basket):
    assert nonzero(offered(rule, basket).shares) == nonzero(reference(rule, basket))


@pytest.mark.parametrize(
    ("shirts", "trousers", "off"), [(1, 1, 2_900), (2, 1, 2_900), (2, 2, 5_800), (3, 2, 5_800)]
)
def test_whole_sets_cost_the_price_and_the_rest_its_own(shirts, trousers, off):
    assert saved(OUTFIT, clothes(shirts, trousers)) == off


def test_the_saving_is_shared_by_what_the_pieces_of_the_sets_cost():
    offer = offered(OUTFIT, clothes(2, 1))

    assert nonzero(offer.shares) == {1: 1_641, 2: 1_259}  # 2,900 × 129 : 99.


def test_no_more_sets_than_its_limit():
    rule = Bundle(parts=OUTFIT.parts, price_fen=19_900, max_times=1)

    offer = offered(rule, clothes(2, 2))

    assert (offer.saves_fen, offer.next_step) == (2_900, None)


def test_a_set_that_is_cheaper_without_it_is_left_alone():
    rule = Bundle(parts=(Part(sku_id=1, quantity=2),), price_fen=1_000)
    lines = [make_line(number, sku_id=1, fen=900, quantity=2) for number in (1, 2)]
    basket = basket_of(*lines, running={1: 1_800, 2: 900})

    assert nonzero(offered(rule, basket).shares) == {1: 800}
    assert saved(rule, basket_of(lines[0], running={1: 1_000})) == 0


class TestWhatIsMissing:
    def test_with_every_sku_there_the_saving_is_known(self):
        rule = Bundle(parts=(Part(sku_id=1, quantity=2), TROUSERS), price_fen=30_000)
        step = shortfall(rule, clothes(1, 2))

        assert isinstance(rule.offer(clothes(1, 2)), Shortfall)
        assert (step.need, step.have, step.gap, step.saves_fen) == (3, 2, 1, 5_700)

    def test_with_a_sku_missing_it_is_not(self):
        step = shortfall(OUTFIT, basket_of(make_line(1)))

        assert (step.need, step.have, step.saves_fen) == (2, 1, 0)

    def test_the_next_set_is_told_if_it_saves_more(self):
        step = shortfall(OUTFIT, clothes(2, 1))

        assert (step.need, step.have, step.saves_fen) == (4, 3, 5_800)

    def test_and_not_if_it_does_not(self):
        dear = Bundle(parts=OUTFIT.parts, price_fen=30_000)

        assert offered(dear, clothes(2, 1)).next_step is None


class TestTerms:
    @pytest.mark.parametrize(
        ("parts", "problem"),
        [
            ((), Problem.EMPTY),
            ((SHIRT, SHIRT), Problem.DUPLICATE),
            ((SHIRT,), Problem.TOO_FEW),
        ],
    )
    def test_terms_that_contradict_themselves(self, parts, problem):
        with pytest.raises(BadTerms) as refused:
            Bundle(parts=parts, price_fen=1)

        assert (refused.value.field, refused.value.problem) == ("parts", problem)

    def test_numbers_out_of_range(self):
        with pytest.raises(OutOfRange):
            Part(sku_id=1, quantity=0)
        with pytest.raises(OutOfRange):
            Bundle(parts=(SHIRT, SOCKS), price_fen=-1)
        with pytest.raises(OutOfRange):
            Bundle(parts=(SHIRT, SOCKS), price_fen=1, max_times=0)

    def test_its_skus_are_the_scope(self):
        assert (OUTFIT.sku_ids, OUTFIT.lane) == ({1, 2}, Lane.LINE)
