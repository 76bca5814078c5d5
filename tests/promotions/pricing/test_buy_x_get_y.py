"""买X送Y: with so many pieces bought, others cost less or nothing."""

import pytest
from hypothesis import given

from promotions.pricing import BadTerms, Lane, Problem, Shortfall
from promotions.pricing.kinds import BuyXGetY
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
from tests.promotions.pricing.terms import buy_x_get_y

TWO_PLUS_ONE = BuyXGetY(buy=2, get=1)
SOCKS = BuyXGetY(buy=2, get=1, get_sku_ids=(9,))


def priced(*fen: int):
    return basket_of(*(make_line(number, fen=each) for number, each in enumerate(fen, 1)))


def outfit(shirts: int, *socks: int):
    lines = [make_line(1, fen=10_000, quantity=shirts)] if shirts else []
    pairs = [make_line(n, sku_id=9, fen=each) for n, each in enumerate(socks, 2)]
    return basket_of(*lines, *pairs)


def reference(rule, basket):
    """The pieces that are got, counted off one by one."""
    most = rule.max_times or 10**9
    if rule.get_sku_ids is None:
        got, group = [], rule.buy + rule.get
        for number, piece in enumerate(pieces_of(basket)):
            if number % group >= rule.buy and number // group < most:
                got.append(piece)
        return got
    named = pieces_of(basket, lambda line: line.sku_id in rule.get_sku_ids)
    bought = sum(line.quantity for line in basket.lines if line.sku_id not in rule.get_sku_ids)
    return named[: min(bought // rule.buy, most) * rule.get]


@RUNS
@given(buy_x_get_y, baskets())
def test_it_discounts_what_a_plain_count_discounts(rule, basket):
    got = reference(rule, basket)
    off = half_up(sum(cost for cost, _ in got), rule.off_bp)

    assert nonzero(offered(rule, basket).shares) == nonzero(shared(basket, got, off))


class TestWithinTheScope:
    @pytest.mark.parametrize(
        ("quantity", "off"), [(2, 0), (3, 1_000), (5, 1_000), (6, 2_000), (9, 3_000)]
    )
    def test_every_third_piece_is_free(self, quantity, off):
        assert saved(TWO_PLUS_ONE, basket_of(make_line(fen=1_000, quantity=quantity))) == off

    def test_the_cheapest_of_each_group_dearest_first_is_got(self):
        offer = offered(TWO_PLUS_ONE, priced(2_000, 5_000, 3_000, 4_000))

        assert nonzero(offer.shares) == {3: 3_000}

    def test_a_group_that_is_not_full_gives_what_it_has(self):
        rule = BuyXGetY(buy=2, get=2)

        assert saved(rule, priced(5_000, 4_000, 3_000)) == 3_000

    def test_no_more_groups_than_its_limit(self):
        rule = BuyXGetY(buy=1, get=1, max_times=2)

        offer = offered(rule, basket_of(make_line(fen=100, quantity=9)))

        assert (offer.saves_fen, offer.next_step) == (200, None)

    def test_the_percentage_is_taken_once_of_all_that_is_got(self):
        rule = BuyXGetY(buy=1, get=1, off_bp=5_000)

        assert saved(rule, basket_of(make_line(fen=1, quantity=4))) == 1


class TestNamedSkus:
    @pytest.mark.parametrize(
        ("shirts", "socks", "off"),
        [(1, (500,), 0), (2, (500,), 500), (2, (300, 500), 500), (4, (300, 500, 400), 900)],
    )
    def test_the_dearest_of_them_are_got_for_what_else_is_bought(self, shirts, socks, off):
        assert saved(SOCKS, outfit(shirts, *socks)) == off

    def test_they_are_not_bought_themselves(self):
        assert saved(SOCKS, outfit(0, 500, 500, 500)) == 0


class TestWhatIsMissing:
    @pytest.mark.parametrize(
        ("quantity", "need", "saves"), [(1, 3, 1_000), (2, 3, 1_000), (3, 6, 2_000), (5, 6, 2_000)]
    )
    def test_the_next_free_piece_is_told(self, quantity, need, saves):
        step = shortfall(TWO_PLUS_ONE, basket_of(make_line(fen=1_000, quantity=quantity)))

        assert (step.need, step.have, step.saves_fen) == (need, quantity, saves)

    def test_a_second_piece_to_get_is_one_piece_away(self):
        step = shortfall(BuyXGetY(buy=2, get=2), priced(500, 400, 300))

        assert (step.gap, step.saves_fen) == (1, 600)

    @pytest.mark.parametrize(
        ("shirts", "socks", "need", "have", "saves"),
        [
            (1, (500,), 2, 1, 500),
            (1, (), 2, 1, 0),
            (2, (), 1, 0, 0),
            (4, (500,), 2, 1, 1_000),
            (2, (500, 400), 4, 2, 900),
        ],
    )
    def test_of_named_skus_either_side_may_be_missing(self, shirts, socks, need, have, saves):
        step = shortfall(SOCKS, outfit(shirts, *socks))

        assert (step.need, step.have, step.saves_fen) == (need, have, saves)

    def test_after_the_last_group_there_is_nothing_more(self):
        once = BuyXGetY(buy=2, get=1, get_sku_ids=(9,), max_times=1)

        assert offered(once, outfit(2, 500)).next_step is None

    @pytest.mark.parametrize("rule", [TWO_PLUS_ONE, SOCKS])
    @pytest.mark.parametrize("basket", [outfit(1), outfit(1, 500), outfit(0, 500)])
    def test_short_of_the_first_there_is_no_offer_at_all(self, rule, basket):
        assert isinstance(rule.offer(basket), Shortfall)

    def test_the_next_group_gets_as_many_as_are_there(self):
        step = shortfall(BuyXGetY(buy=2, get=2, get_sku_ids=(9,)), outfit(3, 500, 400, 300))

        assert (step.need, step.have, step.saves_fen) == (4, 3, 1_200)


class TestTerms:
    @pytest.mark.parametrize(
        ("named", "problem"), [((), Problem.EMPTY), ((9, 9), Problem.DUPLICATE)]
    )
    def test_terms_that_contradict_themselves(self, named, problem):
        with pytest.raises(BadTerms) as refused:
            BuyXGetY(buy=1, get=1, get_sku_ids=named)

        assert (refused.value.field, refused.value.problem) == ("get_sku_ids", problem)

    @pytest.mark.parametrize(
        "fields", [{"buy": 0}, {"get": 0}, {"off_bp": 0}, {"max_times": 0}, {"get_sku_ids": (-1,)}]
    )
    def test_numbers_out_of_range(self, fields):
        with pytest.raises(OutOfRange):
            BuyXGetY(**{"buy": 1, "get": 1, **fields})

    def test_it_is_about_its_scope_even_if_it_names_what_is_got(self):
        assert (SOCKS.lane, SOCKS.sku_ids) == (Lane.LINE, None)
        assert BuyXGetY.parse({"buy": 2, "get": 1}) == TWO_PLUS_ONE
