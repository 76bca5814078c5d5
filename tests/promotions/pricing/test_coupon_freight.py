"""运费券: freight, or so much of it, from a threshold on."""

import pytest
from hypothesis import given

from promotions.pricing import Lane
from promotions.pricing.kinds import CouponFreight
from promotions.pricing.money import OutOfRange
from tests.builders.promotions import make_cart, make_line, make_promotion, quote_of
from tests.promotions.pricing.baskets import basket_of, baskets, offered, shortfall
from tests.promotions.pricing.strategies import RUNS
from tests.promotions.pricing.terms import coupon_freight

FROM_99 = CouponFreight(threshold_fen=9_900, off_fen=800)


@pytest.mark.parametrize(
    ("fen", "freight", "off"),
    [(9_899, 1_200, 0), (9_900, 1_200, 800), (9_900, 500, 500), (9_900, 0, 0)],
)
def test_it_takes_at_most_the_freight(fen, freight, off):
    offer = offered(FROM_99, basket_of(make_line(fen=fen), freight_fen=freight))

    assert (offer.freight_fen, dict(offer.shares)) == (off, {})


def test_without_an_amount_it_takes_all_of_it():
    assert offered(CouponFreight(), basket_of(make_line(), freight_fen=1_200)).freight_fen == 1_200


def test_short_of_the_threshold_the_nudge_knows_the_freight():
    step = shortfall(FROM_99, basket_of(make_line(fen=9_800), freight_fen=500))

    assert (step.gap, step.saves_fen) == (100, 500)


def test_goods_keep_their_price():
    promotion = make_promotion(rule=FROM_99)

    quote = quote_of(make_cart(make_line(), freight_fen=900), promotion)

    assert (quote.discount_fen, quote.freight_fen, quote.payable_fen) == (0, 100, 10_100)


@RUNS
@given(coupon_freight, baskets())
def test_it_takes_what_a_plain_reckoning_takes(rule, basket):
    most = basket.freight_fen if rule.off_fen is None else rule.off_fen
    expected = min(most, basket.freight_fen) if basket.amount_fen >= rule.threshold_fen else 0

    assert offered(rule, basket).freight_fen == expected


@pytest.mark.parametrize("fields", [{"off_fen": 0}, {"threshold_fen": -1}])
def test_numbers_out_of_range(fields):
    with pytest.raises(OutOfRange):
        CouponFreight(**fields)


def test_it_stands_in_the_shipping_lane():
    assert (FROM_99.lane, FROM_99.sku_ids) == (Lane.SHIPPING, None)
    assert CouponFreight.parse({}) == CouponFreight()
