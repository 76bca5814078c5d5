"""Apportioning, percentages and the price of some units: exact to the last fen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promotions.pricing import apportion, pct_round, units_share
from promotions.pricing.money import NotWhole, OutOfRange, whole
from tests.promotions.pricing.strategies import RUNS

weights_and_amount = st.dictionaries(
    st.integers(0, 50), st.one_of(st.just(0), st.integers(0, 300)), max_size=8
).flatmap(lambda weights: st.tuples(st.just(weights), st.integers(0, sum(weights.values()))))


@RUNS
@given(weights_and_amount)
def test_shares_sum_to_the_amount_and_stay_within_their_lines(given_):
    weights, amount = given_

    shares = apportion(weights, amount)

    assert sum(shares.values()) == amount
    assert shares.keys() == weights.keys()
    assert all(0 <= shares[key] <= weights[key] for key in weights)


@RUNS
@given(weights_and_amount)
def test_no_share_is_a_fen_away_from_its_exact_proportion(given_):
    weights, amount = given_

    shares = apportion(weights, amount)

    total = sum(weights.values())
    assert all(abs(shares[key] * total - weights[key] * amount) < total for key in weights if total)


@RUNS
@given(weights_and_amount, st.randoms())
def test_the_order_of_the_lines_does_not_matter(given_, random):
    weights, amount = given_
    keys = list(weights)
    random.shuffle(keys)

    assert apportion({key: weights[key] for key in keys}, amount) == apportion(weights, amount)


class TestTheBugsOfOthers:
    """Each of these breaks a rule that a mall in use today apportions by."""

    def test_a_fen_is_not_given_away_when_the_last_line_is_free(self):
        # Round each, last takes the rest, clamp: 293 of 294 are shared out.
        assert apportion({1: 199, 2: 99, 3: 99, 4: 0}, 294) == {1: 148, 2: 73, 3: 73, 4: 0}

    def test_the_last_line_is_not_charged_more_than_it_costs(self):
        # Floor each, last takes the rest: a line of 1 fen is given 3 fen off.
        assert apportion({1: 5, 2: 5, 3: 5, 4: 1}, 15) == {1: 5, 2: 5, 3: 4, 4: 1}

    def test_a_free_line_is_never_charged(self):
        # Round each, ±1 to the first lines: the free item is discounted below nothing.
        assert apportion({1: 0, 2: 10, 3: 10}, 13) == {1: 0, 2: 7, 3: 6}

    def test_a_free_line_never_takes_the_spare_fen(self):
        # Floor each, +1 from the first: the free item is paid a fen.
        assert apportion({1: 0, 2: 1, 3: 1}, 1) == {1: 0, 2: 1, 3: 0}

    def test_everything_off_leaves_no_fen_behind(self):
        assert apportion({1: 33, 2: 33, 3: 34}, 100) == {1: 33, 2: 33, 3: 34}


def test_a_tie_goes_to_the_heavier_line_and_then_to_the_smaller_id():
    assert apportion({9: 15, 5: 5, 3: 5}, 10) == {9: 6, 5: 2, 3: 2}
    assert apportion({7: 5, 3: 5, 9: 10}, 2) == {7: 0, 3: 1, 9: 1}
    assert apportion({1: 1, 2: 3}, 2) == {1: 0, 2: 2}


@pytest.mark.parametrize(("weights", "amount"), [({1: 5}, 6), ({1: 5}, -1), ({1: -1, 2: 5}, 2)])
def test_more_than_all_and_less_than_nothing_cannot_be_shared(weights, amount):
    with pytest.raises(OutOfRange):
        apportion(weights, amount)


def test_half_a_fen_is_rounded_up():
    assert [pct_round(fen, 1_500) for fen in (1_050, 1_049, 1, 0)] == [158, 157, 0, 0]
    assert pct_round(1, 5_000) == 1
    assert pct_round(7, 10_000) == 7


@RUNS
@given(st.integers(0, 10**9), st.integers(0, 10_000))
def test_a_percentage_is_within_half_a_fen_and_never_above_the_amount(fen, rate_bp):
    assert abs(pct_round(fen, rate_bp) * 10_000 - fen * rate_bp) <= 5_000
    assert 0 <= pct_round(fen, rate_bp) <= fen


@RUNS
@given(st.integers(0, 10**7), st.lists(st.integers(1, 5), min_size=1, max_size=8), st.randoms())
def test_partial_refunds_in_any_order_sum_to_what_was_paid(paid, runs, random):
    quantity = sum(runs)
    starts = [sum(runs[:position]) for position in range(len(runs))]
    parts = [(start, start + run) for start, run in zip(starts, runs, strict=True)]
    random.shuffle(parts)

    refunds = [units_share(paid, quantity, i, j) for i, j in parts]

    assert sum(refunds) == paid
    assert all(refund >= 0 for refund in refunds)


def test_the_units_of_a_line_cost_what_the_line_cost():
    assert [units_share(100, 3, i, i + 1) for i in range(3)] == [33, 33, 34]
    assert units_share(100, 3, 1, 1) == 0


@pytest.mark.parametrize(
    ("quantity", "i", "j"), [(3, 2, 1), (3, -1, 2), (3, 0, 4), (0, 0, 0), (3, 0, -1)]
)
def test_units_outside_the_line_have_no_price(quantity, i, j):
    with pytest.raises(OutOfRange):
        units_share(100, quantity, i, j)


@pytest.mark.parametrize("value", [True, 1.0, "1", None])
def test_only_ints_are_whole(value):
    with pytest.raises(NotWhole, match="price must be an int"):
        whole(value, "price")


def test_whole_numbers_keep_within_their_bounds():
    assert whole(5, "quantity", least=5, most=5) == 5
    with pytest.raises(OutOfRange, match="quantity is 6"):
        whole(6, "quantity", most=5)
    with pytest.raises(OutOfRange, match="∞"):
        whole(0, "quantity", least=1)
