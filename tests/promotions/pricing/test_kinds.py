"""What is true of every kind of promotion, whatever its terms."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promotions.pricing import KINDS, Lane, Offer, Shortfall, pct_round
from promotions.pricing.kinds import LimitedTime, OverLimit
from promotions.pricing.rule import PROMOTION_LANES
from tests.promotions.pricing.baskets import (
    basket_of,
    baskets,
    lines_of,
    offered,
    poorer_ones,
    saved,
)
from tests.promotions.pricing.strategies import RUNS
from tests.promotions.pricing.terms import RULES, any_rule

every_kind = pytest.mark.parametrize("kind", sorted(KINDS))


def test_every_kind_is_registered_under_its_name():
    assert {name: rule.kind for name, rule in KINDS.items()} == {name: name for name in KINDS}
    assert set(RULES) == set(KINDS)
    assert all(rule.lane in PROMOTION_LANES for rule in KINDS.values())


@every_kind
@RUNS
@given(data=st.data())
def test_terms_are_read_as_they_are_written(kind, data):
    rule = data.draw(RULES[kind])

    document = json.loads(json.dumps(rule.to_json()))

    assert KINDS[kind].parse(document) == rule
    assert KINDS[kind].parse(document).to_json() == rule.to_json()


@every_kind
@RUNS
@given(data=st.data(), basket=baskets())
def test_an_offer_lies_within_what_is_payable(kind, data, basket):
    offer = offered(data.draw(RULES[kind]), basket)

    assert set(offer.shares) <= {line.line_id for line in basket.lines}
    for line_id, share in offer.shares.items():
        assert type(share) is int
        assert 0 <= share <= basket.running[line_id]
    assert 0 <= offer.freight_fen <= basket.freight_fen
    if KINDS[kind].lane is Lane.SHIPPING:
        assert not offer.shares
    for line in basket.lines:
        assert 0 <= offer.units.get(line.line_id, 0) <= line.quantity
    assert bool(offer.units) is False or KINDS[kind].lane is Lane.PRICE


@every_kind
@RUNS
@given(data=st.data(), basket=baskets())
def test_an_offer_does_not_grow_when_less_is_payable_before_it(kind, data, basket):
    rule = data.draw(RULES[kind])
    poorer = data.draw(poorer_ones(basket))

    before, after = offered(rule, basket), offered(rule, poorer)

    assert after.saves_fen <= before.saves_fen
    assert after.gives <= before.gives
    if before.rate_bp is not None:
        left_fen = sum(poorer.running.values())
        assert after.goods_fen <= pct_round(left_fen, before.rate_bp)


@every_kind
@RUNS
@given(data=st.data(), basket=baskets(fresh=True))
def test_one_piece_more_never_takes_a_discount_away(kind, data, basket):
    rule = data.draw(RULES[kind])
    more = data.draw(st.sampled_from(basket.lines))
    others = [line for line in basket.lines if line is not more]
    if KINDS[kind].lane is Lane.PRICE:
        # Prices are settled line by line; a limit shared by lines goes to the first of them.
        basket, others = replace(basket, lines=(more,)), []
    fields = {"freight_fen": basket.freight_fen, "units_left": basket.units_left}

    richer = basket_of(*others, replace(more, quantity=more.quantity + 1), **fields)

    assert saved(rule, richer) >= saved(rule, basket_of(*basket.lines, **fields))


@every_kind
@RUNS
@given(data=st.data(), lines=lines_of())
def test_cutting_a_line_in_two_changes_no_total(kind, data, lines):
    rule = data.draw(RULES[kind])
    apart = [
        replace(line, line_id=line.line_id * 10 + half, quantity=quantity)
        for line in lines
        for half, quantity in enumerate((line.quantity // 2, line.quantity - line.quantity // 2))
        if quantity
    ]

    assert saved(rule, basket_of(*apart)) == saved(rule, basket_of(*lines))


@pytest.mark.parametrize("kind", ["nth_piece", "bundle", "buy_x_get_y"])
@RUNS
@given(data=st.data(), lines=lines_of())
def test_nobody_gains_by_cutting_a_cart_into_two_orders(kind, data, lines):
    rule = replace(data.draw(RULES[kind]), max_times=None)
    first, second = [], []
    for line in lines:
        here = data.draw(st.integers(0, line.quantity))
        first += [replace(line, quantity=here)] if here else []
        second += [replace(line, quantity=line.quantity - here)] if here < line.quantity else []

    apart = [saved(rule, basket_of(*order)) for order in (first, second) if order]

    # Two roundings may win a fen over one.
    assert sum(apart) <= saved(rule, basket_of(*lines)) + 1


@RUNS
@given(any_rule, baskets())
def test_a_step_says_what_is_missing(rule, basket):
    answer = rule.offer(basket)
    step = answer if isinstance(answer, Shortfall) else answer.next_step

    assert step is None or (step.gap > 0 and step.saves_fen >= 0)
    if isinstance(answer, Offer) and step is not None and step.saves_fen:
        assert step.saves_fen >= answer.saves_fen


@RUNS
@given(any_rule, baskets())
def test_pieces_that_come_at_a_price_keep_to_what_is_left(rule, basket):
    offer = offered(rule, basket)

    sold = sum(offer.units.values())
    assert basket.units_left is None or sold <= basket.units_left
    for gift in offer.gifts:
        assert 0 < gift.quantity <= basket.gifts_left.get(gift.sku_id, gift.quantity)
    is_strict = isinstance(rule, LimitedTime) and rule.over_limit is OverLimit.REFUSE
    assert is_strict or not offer.refuses
