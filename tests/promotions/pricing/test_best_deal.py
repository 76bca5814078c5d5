"""Beyond the exact search: what the bounds leave out would not have been the best."""

from unittest.mock import patch

import pytest
from hypothesis import given

from promotions.pricing import Base, Snapshot, best_deal, engine, price
from promotions.pricing.kinds import SpendAndSave, Tier
from tests.builders.promotions import make_cart, make_line, make_promotion
from tests.promotions.pricing.strategies import MANY_RUNS, RUNS, carts, promotion_lists


class Plain(best_deal.Search):
    """The same greed, one candidate after the other, trying each of them from the beginning."""

    def _with_one_more(self, deal):
        others = (place for place in range(len(self._part)) if place not in deal.chosen)
        trials = (self._deal_of(deal.chosen | {place}) for place in others)
        known = (trial for trial in trials if trial is not None)
        return min(known, key=lambda trial: trial.cost_and_ranks, default=None)


@RUNS
@given(carts, promotion_lists())
def test_greed_by_bounds_finds_what_plain_greed_finds(cart, promotions):
    assert_as_plain(cart, promotions)


@pytest.mark.soak
@MANY_RUNS
@given(carts, promotion_lists(most=9))
def test_thousands_of_times_greed_by_bounds_finds_what_plain_greed_finds(cart, promotions):
    assert_as_plain(cart, promotions)


def test_what_its_rate_leaves_too_little_for_is_not_tried_again():
    # 90 % off 100 yuan, then 55 yuan off what is left; half of the left 10 yuan saves less.
    cart = make_cart(make_line(fen=10_000))
    friends = {"tags": frozenset("a"), "agrees_with": frozenset("a"), "base": Base.INITIAL}
    most, second = (
        SpendAndSave(tiers=(Tier(threshold=6_000, **off),))
        for off in ({"off_bp": 9_000}, {"off_fen": 5_500})
    )
    half = SpendAndSave(tiers=(Tier(threshold=1, off_bp=5_000),))
    promotions = [
        make_promotion(1, most, **friends),
        make_promotion(2, second, **friends),
        make_promotion(3, half, **friends | {"base": Base.RUNNING}),
    ]

    assert_as_plain(cart, promotions)


def assert_as_plain(cart, promotions):
    with patch.object(best_deal, "EXACT_UP_TO", 0):
        ours = price(cart, Snapshot(1, promotions))
        with patch.object(engine, "Search", Plain):
            plain = price(cart, Snapshot(1, promotions))

    assert ours == plain
