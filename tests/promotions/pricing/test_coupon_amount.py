"""满减券 and 无门槛券: so much off from a threshold on."""

import pytest
from hypothesis import given

from promotions.pricing import BadTerms, Lane, Measure, Problem, Shortfall
from promotions.pricing.kinds import CouponAmount
from promotions.pricing.money import OutOfRange
from tests.builders.promotions import make_line
from tests.promotions.pricing.baskets import basket_of, baskets, nonzero, offered, saved
from tests.promotions.pricing.reference import largest_remainder
from tests.promotions.pricing.strategies import RUNS
from tests.promotions.pricing.terms import coupon_amount

FROM_200 = CouponAmount(threshold_fen=20_000, off_fen=3_000)


@pytest.mark.parametrize(("fen", "off"), [(19_999, 0), (20_000, 3_000), (99_999, 3_000)])
def test_the_threshold_is_exact(fen, off):
    assert saved(FROM_200, basket_of(make_line(fen=fen))) == off


def test_short_of_the_threshold_the_gap_and_the_saving_are_told():
    assert FROM_200.offer(basket_of(make_line(fen=19_999))) == Shortfall(
        measure=Measure.AMOUNT_FEN, need=20_000, have=19_999, saves_fen=3_000
    )


def test_without_a_threshold_it_takes_a_cheap_cart_to_nothing_and_no_further():
    rule = CouponAmount(off_fen=3_000)

    assert saved(rule, basket_of(make_line(fen=1_200))) == 1_200
    assert saved(rule, basket_of(make_line(fen=0))) == 0


@RUNS
@given(coupon_amount(), baskets())
def test_it_takes_what_a_plain_reckoning_takes(rule, basket):
    left = {line.line_id: basket.running[line.line_id] for line in basket.lines}
    enough = basket.amount_fen >= rule.threshold_fen

    shares = offered(rule, basket).shares

    expected = largest_remainder(left, min(rule.off_fen, sum(left.values()))) if enough else {}
    assert nonzero(shares) == nonzero(expected)


def test_a_coupon_of_more_than_its_threshold_is_refused():
    with pytest.raises(BadTerms) as refused:
        CouponAmount(threshold_fen=2_999, off_fen=3_000)

    assert (refused.value.field, refused.value.problem) == ("off_fen", Problem.MORE_THAN_PAID)
    assert CouponAmount(threshold_fen=3_000, off_fen=3_000).lane is Lane.COUPON


@pytest.mark.parametrize("fields", [{"off_fen": 0}, {"off_fen": 1, "threshold_fen": -1}])
def test_numbers_out_of_range(fields):
    with pytest.raises(OutOfRange):
        CouponAmount(**fields)
