"""兑换券: so many pieces of one SKU for nothing."""

import pytest
from hypothesis import given

from promotions.pricing import Base, Lane, Measure, Shortfall
from promotions.pricing.kinds import CouponExchange
from promotions.pricing.money import OutOfRange
from tests.builders.promotions import make_line
from tests.promotions.pricing.baskets import basket_of, baskets, nonzero, offered, pieces_of, saved
from tests.promotions.pricing.strategies import RUNS
from tests.promotions.pricing.terms import coupon_exchange

TWO_CUPS = CouponExchange(sku_id=1, quantity=2)


@pytest.mark.parametrize(("quantity", "off"), [(1, 0), (2, 2_000), (3, 2_000)])
def test_so_many_pieces_cost_nothing(quantity, off):
    assert saved(TWO_CUPS, basket_of(make_line(fen=1_000, quantity=quantity))) == off


def test_with_too_few_pieces_it_is_kept_and_says_what_is_missing():
    assert TWO_CUPS.offer(basket_of(make_line(fen=1_000))) == Shortfall(
        measure=Measure.PIECES, need=2, have=1, saves_fen=2_000
    )


def test_without_any_it_cannot_say_what_it_would_save():
    assert TWO_CUPS.offer(basket_of(make_line(2))) == Shortfall(
        measure=Measure.PIECES, need=2, have=0, saves_fen=0
    )


def test_the_dearest_pieces_go_first_whatever_line_they_are_on():
    lines = [make_line(number, sku_id=1, quantity=2) for number in (1, 2, 3)]
    running = {1: 1_500, 2: 2_001, 3: 1_500}

    offer = offered(TWO_CUPS, basket_of(*lines, running=running))

    assert nonzero(offer.shares) == {2: 2_001}


def test_what_is_payable_is_what_it_takes_whatever_its_base():
    basket = basket_of(make_line(fen=1_000, quantity=4), running={1: 2_000}, base=Base.INITIAL)

    assert saved(TWO_CUPS, basket) == 1_000


@RUNS
@given(coupon_exchange, baskets())
def test_it_takes_the_dearest_pieces_of_a_plain_list(rule, basket):
    now = basket_of(*basket.lines, running=basket.running)
    pieces = pieces_of(now, lambda line: line.sku_id == rule.sku_id)
    expected: dict[int, int] = {}
    if len(pieces) >= rule.quantity:
        for cost, line_id in pieces[: rule.quantity]:
            expected[line_id] = expected.get(line_id, 0) + cost

    assert nonzero(offered(rule, basket).shares) == nonzero(expected)


def test_its_sku_is_the_scope():
    assert (TWO_CUPS.sku_ids, TWO_CUPS.lane) == ({1}, Lane.COUPON)
    assert CouponExchange.parse({"sku_id": 1}).quantity == 1


def test_a_coupon_for_no_piece():
    with pytest.raises(OutOfRange):
        CouponExchange(sku_id=1, quantity=0)
