"""折扣券: a percentage off, once, of the whole, up to a cap."""

import pytest
from hypothesis import given

from promotions.pricing import Lane
from promotions.pricing.kinds import CouponPercent
from promotions.pricing.money import OutOfRange
from tests.builders.promotions import make_line
from tests.promotions.pricing.baskets import (
    basket_of,
    baskets,
    half_up,
    nonzero,
    offered,
    saved,
    shortfall,
)
from tests.promotions.pricing.reference import largest_remainder
from tests.promotions.pricing.strategies import RUNS
from tests.promotions.pricing.terms import coupon_percent

RULE = CouponPercent(threshold_fen=10_000, off_bp=2_000, max_off_fen=3_000)


@pytest.mark.parametrize(
    ("fen", "off"),
    [(9_999, 0), (10_000, 2_000), (14_999, 3_000), (15_000, 3_000), (100_000, 3_000)],
)
def test_threshold_and_cap_are_exact(fen, off):
    assert saved(RULE, basket_of(make_line(fen=fen))) == off


def test_the_percentage_is_taken_once_of_the_whole():
    rule = CouponPercent(off_bp=1_000)

    offer = offered(rule, basket_of(*(make_line(number, fen=5) for number in (1, 2, 3))))

    assert nonzero(offer.shares) == {1: 1, 2: 1}


def test_short_of_the_threshold_the_nudge_promises_what_reaching_it_saves():
    step = shortfall(RULE, basket_of(make_line(fen=8_000)))

    assert (step.gap, step.saves_fen) == (2_000, 2_000)


@RUNS
@given(coupon_percent, baskets())
def test_it_takes_what_a_plain_reckoning_takes(rule, basket):
    left = {line.line_id: basket.running[line.line_id] for line in basket.lines}
    off = half_up(basket.amount_fen, rule.off_bp)
    if rule.max_off_fen is not None:
        off = min(off, rule.max_off_fen)
    enough = basket.amount_fen >= rule.threshold_fen

    shares = offered(rule, basket).shares

    expected = largest_remainder(left, min(off, sum(left.values()))) if enough else {}
    assert nonzero(shares) == nonzero(expected)


@pytest.mark.parametrize(
    "fields",
    [{"off_bp": 0}, {"off_bp": 10_001}, {"threshold_fen": -1}, {"max_off_fen": 0}],
)
def test_numbers_out_of_range(fields):
    with pytest.raises(OutOfRange):
        CouponPercent(**{"off_bp": 1, **fields})


def test_it_is_a_coupon_about_its_scope():
    assert (RULE.lane, RULE.sku_ids) == (Lane.COUPON, None)
    assert CouponPercent.parse({"off_bp": 1}).max_off_fen is None
