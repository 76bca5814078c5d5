"""Beyond the exact search: what the bounds leave out would not have been the best."""

from unittest.mock import patch

import pytest
from hypothesis import given

from promotions.pricing import Snapshot, best_deal, engine, price
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


def assert_as_plain(cart, promotions):
    with patch.object(best_deal, "EXACT_UP_TO", 0):
        ours = price(cart, Snapshot(1, promotions))
        with patch.object(engine, "Search", Plain):
            plain = price(cart, Snapshot(1, promotions))

    assert ours == plain
