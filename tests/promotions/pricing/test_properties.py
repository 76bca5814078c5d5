"""What is true of every quote, over random carts and promotions (P1 to P8, P13 and P14)."""

import json
from dataclasses import replace
from datetime import timedelta
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promotions.pricing import Cart, Code, GroupMode, Lane, Scope, Snapshot, Targets, price
from promotions.pricing.canon import canonical
from tests.builders.promotions import NOON, make_promotion, spend_and_save
from tests.promotions.pricing.reference import coupon_of, reference_price
from tests.promotions.pricing.strategies import MANY_RUNS, RUNS, carts, promotion_lists


@RUNS
@given(carts, promotion_lists())
def test_the_quote_is_what_trying_every_combination_gives(cart, promotions):
    assert_as_reference(cart, promotions)


@pytest.mark.soak
@MANY_RUNS
@given(carts, promotion_lists())
def test_thousands_of_quotes_are_what_trying_every_combination_gives(cart, promotions):
    assert_as_reference(cart, promotions)


def assert_as_reference(cart, promotions):
    quote = price(cart, Snapshot(1, promotions))

    expected = reference_price(cart, promotions)

    payable = {line.line_id: line.payable_fen for line in quote.lines}
    assert {**payable, "freight": quote.freight_fen} == expected.left
    assert {one.promotion_id: one.amount_fen for one in quote.adjustments} == expected.saved
    assert {one.promotion_id: one.units for one in quote.adjustments} == expected.units
    assert {
        one.promotion_id: (one.gifts, one.points, one.coupons) for one in quote.adjustments
    } == expected.gives
    assert {
        (one.line_id, one.promotion_id, one.most) for one in quote.refusals
    } == expected.refusals
    assert {line.line_id: line.tender_fen for line in quote.lines} == expected.tender
    by_id = {one.promotion_id: one for one in promotions}
    for one in quote.adjustments:
        promotion = by_id[one.promotion_id]
        assert one.coupon_id == (coupon_of(cart, promotion) if promotion.needs_coupon else None)
    assert quote.is_optimal


@RUNS
@given(carts, promotion_lists())
def test_every_sum_holds_and_every_share_lies_within_its_line(cart, promotions):
    quote = price(cart, Snapshot(1, promotions))

    goods_fen = quote.items_fen - quote.member_saves_fen - quote.discount_fen
    assert quote.payable_fen == goods_fen + quote.freight_fen - quote.tender_fen
    assert quote.tender_fen == min(cart.points_fen, goods_fen)
    assert quote.tender_fen == sum(line.tender_fen for line in quote.lines)
    goods_fen = sum(one.amount_fen - one.freight_fen for one in quote.adjustments)
    assert quote.discount_fen == goods_fen
    freight_off = sum(one.freight_fen for one in quote.adjustments)
    assert quote.freight_list_fen - quote.freight_fen == freight_off
    assert 0 <= quote.freight_fen <= quote.freight_list_fen
    for line in quote.lines:
        assert 0 <= line.tender_fen <= line.payable_fen <= line.amount_fen
        assert line.amount_fen - line.member_saves_fen - line.discount_fen == line.payable_fen
        assert sum(share for _, share in line.discounts) == line.discount_fen
        assert all(type(share) is int and share > 0 for _, share in line.discounts)
    for one in quote.adjustments:
        assert all(type(share) is int and share >= 0 for share in one.shares.values())


@RUNS
@given(carts, promotion_lists(), st.randoms())
def test_no_order_of_lines_promotions_or_allowances_changes_a_byte(cart, promotions, random):
    first = price(cart, Snapshot(1, promotions)).canonical()

    shuffled = [random.sample(items, len(items)) for items in (cart.lines, cart.allowances)]
    again = replace(cart, lines=tuple(shuffled[0]), allowances=tuple(shuffled[1]))
    random.shuffle(promotions)

    assert price(again, Snapshot(1, promotions)).canonical() == first


@RUNS
@given(carts, promotion_lists())
def test_pricing_again_gives_the_same_bytes(cart, promotions):
    snapshot = Snapshot(1, promotions)

    first, second = price(cart, snapshot), price(cart, snapshot)

    assert first.canonical() == second.canonical()
    assert first.digest == price(cart, Snapshot(1, promotions)).digest


@RUNS
@given(carts, promotion_lists())
def test_a_quote_is_replayed_from_the_text_of_its_cart(cart, promotions):
    snapshot = Snapshot(1, promotions)

    stored = json.loads(canonical(cart.to_json()))

    assert price(Cart.from_json(stored), snapshot).canonical() == price(cart, snapshot).canonical()


STRANGERS = [
    make_promotion(99, starts_at=NOON + timedelta(seconds=1)),
    make_promotion(99, starts_at=NOON - timedelta(days=1), ends_at=NOON),
    make_promotion(99, scope=Scope(include=Targets(sku_ids=frozenset({999})))),
    make_promotion(99, spend_and_save((10_000_000, 1)), group="x", group_mode=GroupMode.FIRST),
    make_promotion(
        99, spend_and_save((1, 1)), scope=Scope(include=Targets(spu_ids=frozenset({9})))
    ),
]


@RUNS
@given(carts, promotion_lists(), st.sampled_from(STRANGERS))
def test_a_promotion_that_cannot_apply_changes_nothing_but_its_verdict(cart, promotions, stranger):
    before = price(cart, Snapshot(1, promotions))

    after = price(cart, Snapshot(1, [*promotions, stranger]))

    rest = tuple(verdict for verdict in after.trace if verdict.promotion_id != 99)
    assert replace(after, trace=rest) == before


@RUNS
@given(carts, promotion_lists())
def test_promotions_that_apply_together_may(cart, promotions):
    by_id = {one.promotion_id: one for one in promotions}
    order = list(Lane)

    quote = price(cart, Snapshot(1, promotions))

    for one, other in combinations(quote.adjustments, 2):
        first, second = sorted(
            (by_id[one.promotion_id], by_id[other.promotion_id]),
            key=lambda it: (order.index(it.lane), -it.priority, it.promotion_id),
        )
        lines = {line_id for line_id, share in one.shares.items() if share}
        shared = lines & {line_id for line_id, share in other.shares.items() if share}
        grouped = first.group is not None and (first.group, first.lane) == (
            second.group,
            second.lane,
        )
        if grouped and first.lane is not Lane.PRICE:
            assert first.group_mode is GroupMode.ALL
        if shared or first.lane is second.lane is Lane.SHIPPING:
            assert not first.stop_after
            assert grouped or (first.tags & second.agrees_with and second.tags & first.agrees_with)
        if shared:
            assert not first.lane is second.lane is Lane.PRICE


@RUNS
@given(carts, promotion_lists())
def test_no_cap_or_allowance_is_exceeded(cart, promotions):
    by_id = {one.promotion_id: one for one in promotions}
    allowances = {one.promotion_id: one for one in cart.allowances}

    for one in price(cart, Snapshot(1, promotions)).adjustments:
        cap = by_id[one.promotion_id].max_discount_fen
        assert cap is None or one.amount_fen <= cap
        allowance = allowances.get(one.promotion_id)
        if allowance is not None:
            assert allowance.uses != 0
            assert allowance.budget_fen is None or one.amount_fen <= allowance.budget_fen
            assert allowance.units is None or sum(one.units.values()) <= allowance.units
            left = dict(allowance.gifts)
            assert all(gift.quantity <= left.get(gift.sku_id, 99) for gift in one.gifts)


@RUNS
@given(carts, promotion_lists())
def test_every_candidate_has_one_verdict_and_applied_ones_match_the_adjustments(cart, promotions):
    concerned = [
        (one.promotion_id, coupon_id)
        for one in promotions
        if one.is_running(cart.now) and any(one.scope.covers(line) for line in cart.lines)
        for coupon_id in (held_of(cart, one) if one.needs_coupon else [None])
    ]

    quote = price(cart, Snapshot(1, promotions))

    said = [(verdict.promotion_id, verdict.coupon_id) for verdict in quote.trace]
    assert sorted(said) == sorted(concerned)
    applied = {v.promotion_id: v.amount_fen for v in quote.trace if v.code is Code.APPLIED}
    assert applied == {one.promotion_id: one.amount_fen for one in quote.adjustments}
    for verdict in quote.trace:
        if verdict.code in (Code.CONDITION_FAILED, Code.APPLIED) and verdict.shortfall:
            assert verdict.shortfall.gap > 0
        if verdict.code in (Code.DOMINATED, Code.BLOCKED):
            is_spare = verdict.coupon_id is not None and verdict.by == verdict.promotion_id
            assert verdict.by in applied or is_spare


def held_of(cart, template):
    return [one.coupon_id for one in cart.coupons if one.promotion_id == template.promotion_id]


@RUNS
@given(carts, promotion_lists(), st.integers(-2, 2))
def test_the_index_finds_what_a_linear_filter_finds(cart, promotions, hours):
    now = NOON + timedelta(hours=hours)

    found = Snapshot(1, promotions).candidates(replace(cart, now=now))

    expected = {
        one.promotion_id: tuple(line for line in cart.lines if one.scope.covers(line))
        for one in promotions
        if one.is_running(now) and (not one.needs_coupon or held_of(cart, one))
    }
    assert {one.promotion_id: lines for one, lines in found} == {
        promotion_id: lines for promotion_id, lines in expected.items() if lines
    }


@RUNS
@given(carts, promotion_lists(most=4))
def test_beyond_the_exact_search_the_deal_beats_any_single_promotion(cart, promotions):
    some = [
        replace(one, lane=Lane.ORDER, group=None, group_mode=GroupMode.BEST)
        for one in promotions
        if one.lane not in (Lane.SHIPPING, Lane.PRICE)
    ]
    friends = {"tags": frozenset("ab"), "agrees_with": frozenset("ac")}
    crowd = [make_promotion(100 + n, spend_and_save((5 * n, 5)), **friends) for n in range(1, 14)]

    quote = price(cart, Snapshot(1, [*some, *crowd]))

    singles = [price(cart, Snapshot(1, [one])).payable_fen for one in (*some, *crowd)]
    assert quote.payable_fen <= min(singles)
