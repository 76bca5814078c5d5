"""新人价: a coupon that sells some SKUs at a price of their own."""

import pytest
from hypothesis import given

from promotions.pricing import BadTerms, Lane, Problem
from promotions.pricing.kinds import CouponPrice, LimitedTime, SkuPrice
from promotions.pricing.money import OutOfRange
from tests.builders.promotions import make_line
from tests.promotions.pricing.baskets import basket_of, baskets, offered
from tests.promotions.pricing.strategies import RUNS
from tests.promotions.pricing.terms import coupon_price

AT_990 = CouponPrice(prices=(SkuPrice(sku_id=1, price_fen=990),))


def test_one_piece_is_sold_at_the_price_and_the_rest_at_their_own():
    offer = offered(AT_990, basket_of(make_line(fen=2_990, quantity=3)))

    assert (offer.shares, offer.units, offer.refuses) == ({1: 2_000}, {1: 1}, {})


def test_pieces_are_counted_over_all_lines_the_first_lines_first():
    rule = CouponPrice(
        prices=tuple(SkuPrice(sku_id=one, price_fen=100) for one in (1, 2)), max_units=3
    )
    lines = [make_line(2, fen=500, quantity=2), make_line(1, fen=300, quantity=2)]

    assert offered(rule, basket_of(*lines)).units == {1: 2, 2: 1}
    assert offered(rule, basket_of(lines[0], units_taken=2)).units == {2: 1}


@RUNS
@given(coupon_price, baskets())
def test_it_sells_what_a_limited_time_price_with_the_same_limit_sells(rule, basket):
    twin = LimitedTime(prices=rule.prices, max_units_per_order=rule.max_units)

    assert rule.offer(basket) == twin.offer(basket)


def test_its_skus_are_the_scope():
    assert (AT_990.sku_ids, AT_990.lane) == ({1}, Lane.PRICE)
    assert CouponPrice.parse({"prices": [{"sku_id": 1, "price_fen": 990}]}) == AT_990


@pytest.mark.parametrize(
    ("prices", "problem"),
    [([], Problem.EMPTY), ([{"sku_id": 1, "price_fen": 1}] * 2, Problem.DUPLICATE)],
)
def test_terms_that_contradict_themselves(prices, problem):
    with pytest.raises(BadTerms) as refused:
        CouponPrice.parse({"prices": prices})

    assert (refused.value.field, refused.value.problem) == ("prices", problem)


def test_a_coupon_for_no_piece():
    with pytest.raises(OutOfRange):
        CouponPrice(prices=AT_990.prices, max_units=0)
