"""A campaign tried on carts of the past: what it costs, whom it reaches, within its limits."""

from collections import defaultdict
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promotions.pricing import Allowance, Audience, Buyer, HeldCoupon, Lane, Scope, Snapshot
from promotions.simulation import SNAPSHOTS_MAX, Past, Simulation
from promotions.states import MemberPeriod
from tests.builders.promotions import (
    NOON,
    make_campaign,
    make_cart,
    make_line,
    make_promotion,
    quote_of,
)
from tests.promotions.pricing import strategies

DRAFT = 99
DAY = date(2026, 11, 11)


def past(*lines, promotions=(), version=1, **more):
    cart = more.pop("cart", None) or make_cart(*lines)
    fields = {"day": DAY, **more}
    return Past(cart=cart, snapshot=Snapshot(version, promotions), **fields)


def outcome(history, floor_bp=0, **campaign):
    return Simulation(DRAFT, make_campaign(**campaign), floor_bp=floor_bp).run(history)


def worth(quote):
    """What an order at this quote brings in: money, and points for money."""
    return sum(line.payable_fen for line in quote.lines) + quote.freight_fen


histories = st.lists(
    st.tuples(strategies.carts, strategies.promotion_lists(most=3)), min_size=1, max_size=3
)
drafts = st.fixed_dictionaries(
    {
        "steps": st.integers(1, 200).map(lambda at: ((at, max(at // 2, 1)),)),
        "tags": st.sampled_from([(), ("a",)]),
        "agrees_with": st.sampled_from([(), ("a", "b")]),
        "priority": st.integers(-1, 1),
    }
)


class TestCost:
    @strategies.RUNS
    @given(histories, drafts)
    def test_is_the_sum_of_what_each_cart_pays_less(self, history, fields):
        campaign = make_campaign(**fields)
        draft = campaign.compiled(DRAFT)
        expected, affected, before_fen = 0, 0, 0
        for cart, others in history:
            old, new = quote_of(cart, *others), quote_of(cart, *others, draft)
            expected += worth(old) - worth(new)
            affected += any(one.promotion_id == DRAFT for one in new.adjustments)
            before_fen += worth(old)

        found = Simulation(DRAFT, campaign).run(
            past(cart=cart, promotions=others, version=version)
            for version, (cart, others) in enumerate(history, start=1)
        )

        assert (found.total.cost_fen, found.total.affected) == (expected, affected)
        assert (found.total.carts, found.total.before_fen) == (len(history), before_fen)

    @strategies.RUNS
    @given(histories)
    def test_is_nothing_for_a_campaign_without_effect(self, history):
        found = outcome(
            [past(cart=cart, promotions=others) for cart, others in history[:1]],
            steps=((10**9, 1),),
        )

        assert (found.total.cost_fen, found.total.affected) == (0, 0)
        assert found.total.before_fen == found.total.after_fen

    def test_counts_from_what_was_charged_if_that_is_known(self):
        found = outcome([past(charged_fen=9_999)], steps=((10_000, 1_000),))

        assert (found.total.before_fen, found.total.cost_fen) == (9_999, 999)

    def test_of_a_campaign_that_was_running_is_counted_from_the_price_without_it(self):
        running = make_promotion(DRAFT)
        charged_fen = quote_of(make_cart(), running).payable_fen

        found = outcome([past(promotions=[running], charged_fen=charged_fen)])

        assert (charged_fen, found.total.before_fen, found.total.cost_fen) == (9_000, 10_000, 1_000)

    def test_takes_points_for_money(self):
        cart = make_cart(points_fen=500)

        found = outcome([past(cart=cart)])

        assert (found.total.before_fen, found.total.cost_fen) == (10_000, 1_000)

    def test_is_told_day_by_day(self):
        second = DAY + timedelta(days=1)
        found = outcome([past(), past(make_line(fen=5)), past(day=second)])

        figures = {day: (it.carts, it.affected, it.cost_fen) for day, it in found.days.items()}
        assert figures == {DAY: (2, 1, 1_000), second: (1, 1, 1_000)}

    def test_takes_the_mode_its_group_had_at_the_time(self):
        other = make_promotion(1, group="g", group_mode="all")
        loner = make_promotion(2, group="g", lane=Lane.COUPON, group_mode="worst")

        for grouped in ("g", "h", None):
            found = outcome([past(promotions=[other, loner])], group=grouped)
            assert found.total.carts == 1

    def test_keeps_only_so_many_snapshots(self):
        history = [past(version=version) for version in range(1, SNAPSHOTS_MAX + 5)]

        assert outcome(history).total.cost_fen == 1_000 * len(history)


class TestReach:
    def test_the_window_does_not_matter_and_slots_do(self):
        slots = [{"from_minute": 12 * 60, "until_minute": 13 * 60}]
        later = make_cart(now=NOON + timedelta(hours=1))

        found = outcome(
            [past(), past(cart=later)], slots=slots, starts_at=NOON + timedelta(days=30)
        )

        assert (found.total.carts, found.total.affected) == (2, 1)

    def test_only_its_audience_is_reached(self):
        new = make_cart(buyer=Buyer(is_new=True))

        found = outcome([past(), past(cart=new)], audience={"is_new": True})

        assert found.total.affected == 1

    @pytest.mark.parametrize("coupon_ids", [None, (), (7,)])
    def test_every_buyer_holds_a_coupon_of_a_template(self, coupon_ids):
        held = HeldCoupon(
            coupon_id=7, promotion_id=5, starts_at=NOON, ends_at=NOON + timedelta(days=1)
        )
        cart = make_cart(coupons=(held,), coupon_ids=coupon_ids)
        simulation = Simulation(DRAFT, make_campaign())
        simulation._promotion = replace(simulation._promotion, needs_coupon=True)

        prepared = simulation._prepared(past(cart=cart))

        assert [one.promotion_id for one in prepared.coupons] == [5, DRAFT]
        assert prepared.coupon_ids == (None if coupon_ids is None else (*coupon_ids, 8))


class TestLimits:
    @strategies.RUNS
    @given(
        st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), max_size=12),
        st.one_of(st.none(), st.integers(1, 5)),
        st.one_of(st.none(), st.integers(1_000, 5_000)),
        st.one_of(st.none(), st.integers(1, 2)),
        st.sampled_from(MemberPeriod),
    )
    def test_are_used_up_in_the_order_of_time(self, buys, uses, budget_fen, mine, period):
        history = [
            past(member_id=member or None, day=DAY + timedelta(days=day)) for member, day in buys
        ]
        expected, by_member = 0, defaultdict(int)
        for member, day in buys:
            key = (member, day if period is MemberPeriod.DAY else None)
            is_free = uses is None or expected < uses
            is_paid = budget_fen is None or (expected + 1) * 1_000 <= budget_fen
            if is_free and is_paid and (mine is None or by_member[key] < mine):
                expected += 1
                by_member[key] += member > 0

        found = outcome(
            history,
            max_uses=uses,
            budget_fen=budget_fen,
            member_max_uses=mine,
            member_period=period.value,
        )

        assert found.total.affected == expected
        assert found.total.cost_fen == expected * 1_000

    def test_what_the_cart_brought_for_others_stays(self):
        other = make_promotion(1, is_capped=True)
        cart = make_cart(
            allowances=(Allowance(promotion_id=1, uses=0), Allowance(promotion_id=DRAFT, uses=0))
        )

        found = outcome([past(cart=cart, promotions=[other])])

        assert (found.total.before_fen, found.total.affected) == (10_000, 1)

    def test_gifts_are_given_while_they_last(self):
        gift = {"sku_id": 5, "quantity": 2, "value_fen": 900}

        found = outcome(
            [past(member_id=1)] * 3,
            kind="spend_and_gift",
            terms={"measure": "amount_fen", "tiers": [{"threshold": 10_000, "gifts": [gift]}]},
            gift_stock=[{"sku_id": 5, "total": 4}],
        )

        assert (found.total.affected, found.total.cost_fen, found.gifts_fen) == (2, 0, 3_600)

    def test_pieces_are_sold_at_the_price_while_they_last(self):
        found = outcome(
            [past(make_line(1, quantity=2), member_id=number) for number in (1, 1, 2)],
            kind="limited_time",
            terms={"prices": [{"sku_id": 1, "price_fen": 9_000}]},
            max_units=5,
            member_max_units=3,
        )

        # The first two orders are one member's: two pieces and one; then two of the two left.
        assert found.total.cost_fen == 5_000


class TestMargins:
    def test_lines_below_the_floor_are_counted_by_sku(self):
        lines = (make_line(1, quantity=2), make_line(2), make_line(3))
        history = [past(*lines, costs_fen={1: 9_900, 2: 9_000})] * 2

        found = outcome(history, steps=((10_000, 1_000),), floor_bp=0)

        # 400 yuan save 10: the lines pay 195, 97.50 and 97.50.
        (sku_id, worst), *others = found.too_cheap.items()
        assert (sku_id, worst.lines, worst.worst_fen, others) == (1, 2, 300, [])
        assert found.lines_without_cost == 2

    def test_lines_it_does_not_discount_are_none_of_its_business(self):
        history = [past(make_line(1), make_line(2), costs_fen={1: 1, 2: 99_999})]

        found = outcome(history, includes={"sku_ids": [1]})

        assert (found.too_cheap, found.lines_without_cost) == ({}, 0)

    def test_scope_all_is_everything(self):
        assert make_campaign().compiled(DRAFT).scope == Scope()
        assert make_campaign().compiled(DRAFT).audience == Audience()
