"""What the shop tells about orders: sums are exact, whatever happens in whatever order."""

from collections import defaultdict
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from distribution import verify
from distribution.team import facts, joining, joining_rules, purchases
from distribution.team.conditions import Facts
from distribution.team.joining_rules import Bought, JoiningRules
from distribution.team.purchases import Goods
from distribution.team.states import Joining
from tests.builders.distribution import (
    NOON,
    bind,
    make_binding_rules,
    make_distributor,
    make_joining_rules,
    make_rules,
)

LATER = NOON + timedelta(days=17)


def buy(session, number, buyer_id, *fen, spu_id=7, now=NOON):
    goods = [Goods(spu_id, each, each) for each in fen]
    purchases.paid(session, order_source=f"order:{number}", buyer_id=buyer_id, goods=goods, now=now)


def keep(session, number, paid_fen, kept_fen, spu_id=7):
    goods = [Goods(spu_id, paid_fen, kept_fen)]
    purchases.returned(session, order_source=f"order:{number}", goods=goods)


def complete(session, *numbers, now=LATER):
    purchases.completed(session, [f"order:{number}" for number in numbers], now=now)


def play(session, steps):
    """Do the steps and remember, plainly, which orders count and what is kept of them."""
    kept, over = {}, set()
    for order, what, percent in steps:
        if what == "p":
            buy(session, order, 11 + order % 2, 1_000)
            kept.setdefault(order, 1_000)
        elif what == "c":
            complete(session, order)
            over |= {order} & kept.keys()
        elif order in kept:
            kept[order] = min(kept[order], 10 * percent)
            keep(session, order, 1_000, kept[order])
    return [(order, kept[order]) for order in over if kept[order]]


@pytest.fixture
def pair(session):
    """Member 1 was brought by distributor 2, who was brought by 3."""
    make_rules(session)
    bind(session, member_id=1, upline_id=2)
    bind(session, member_id=2, upline_id=3)


class TestFacts:
    def test_count_an_order_for_the_buyer_and_the_one_who_brought_them(self, session, pair):
        buy(session, "a", 1, 600, 400)
        assert facts.of(session, [1, 2]) == {1: Facts(), 2: Facts()}

        complete(session, "a")

        assert facts.of(session, [1, 2, 3]) == {
            1: Facts(own_orders=1, own_spend_fen=1_000),
            2: Facts(level1_orders=1, level1_fen=1_000, direct_customers=1),
            3: Facts(),
        }

    def test_count_what_was_kept_and_nothing_of_what_went_back_whole(self, session, pair):
        buy(session, "a", 1, 1_000)
        keep(session, "a", 1_000, 700)
        buy(session, "b", 1, 500)
        keep(session, "b", 500, 0)
        complete(session, "a", "b")
        assert facts.of(session, [2])[2] == Facts(0, 0, 1, 700, 1)

        keep(session, "a", 1_000, 0)

        assert facts.of(session, [1, 2]) == {1: Facts(), 2: Facts()}
        assert list(verify.verify(session)) == []

    def test_are_told_twice_and_count_once(self, session, pair):
        for _ in range(2):
            buy(session, "a", 1, 1_000)
            complete(session, "a")
            keep(session, "a", 1_000, 900)

        assert facts.of(session, [1])[1] == Facts(own_orders=1, own_spend_fen=900)

    def test_look_back_as_far_as_asked(self, session, pair):
        buy(session, "a", 1, 1_000)
        buy(session, "b", 1, 200)
        complete(session, "a", now=NOON)
        complete(session, "b", now=LATER)

        recent = facts.of(session, [1, 2, 3], since=NOON)

        assert recent == {1: Facts(1, 200), 2: Facts(0, 0, 1, 200, 1), 3: Facts()}

    @pytest.mark.parametrize("gone", ["freeze", "expire"])
    def test_do_not_count_for_an_upline_who_is_none_at_payment(self, session, gone):
        make_rules(session)
        make_binding_rules(session, mode="protected", protect_days=1)
        bind(session, member_id=1, upline_id=2)
        if gone == "freeze":
            joining.freeze(session, member_id=2, reason="刷单", now=NOON)

        buy(session, "a", 1, 1_000, now=NOON if gone == "freeze" else LATER)
        complete(session, "a", now=LATER)

        assert facts.of(session, [2]) == {2: Facts()}

    def test_an_order_nobody_told_of_is_no_reason_to_hold_up_a_refund(self, session):
        keep(session, "unknown", 10, 0)
        complete(session, "unknown")

        assert facts.of(session, [1]) == {1: Facts()}

    @pytest.mark.slow
    @given(
        st.lists(
            st.tuples(st.integers(0, 3), st.sampled_from("pcr"), st.integers(0, 100)), max_size=25
        )
    )
    @settings(
        max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    def test_are_those_of_a_plain_model(self, session, steps):
        """Orders 0 to 3 of buyers 11 and 12 below 2, paid, completed and returned at any time."""
        make_rules(session)
        for buyer_id in (11, 12):
            bind(session, member_id=buyer_id, upline_id=2)
        counted = defaultdict(list)
        for order, fen in play(session, steps):
            counted[11 + order % 2].append(fen)

        found = facts.of(session, [2, 11, 12])

        for buyer_id in (11, 12):
            fen = counted.get(buyer_id, [])
            assert found[buyer_id] == Facts(len(fen), sum(fen))
        everything = [fen for each in counted.values() for fen in each]
        assert found[2] == Facts(0, 0, len(everything), sum(everything), len(counted))
        assert list(verify.verify(session)) == []
        session.rollback()


class TestQualifying:
    """Who applied begins when what was bought is enough: see `joining`."""

    def status(self, session, member_id=5):
        return joining.get(session, member_id).status

    def test_after_spending_enough_in_all(self, session):
        make_joining_rules(session, way=Joining.SPENDING, spend_fen=1_000)
        joining.join(session, member_id=5, now=NOON)

        buy(session, "a", 5, 999)
        assert self.status(session) == "qualifying"
        buy(session, "b", 5, 1)

        assert self.status(session) == "active"
        assert joining.history(session, 5)[0].actor == "system"

    def test_after_spending_enough_in_one_order(self, session):
        make_joining_rules(session, way=Joining.SPENDING, spend_fen=1_000, in_one_order=True)
        joining.join(session, member_id=5, now=NOON)

        buy(session, "a", 5, 999)
        buy(session, "b", 5, 999)
        assert self.status(session) == "qualifying"
        buy(session, "c", 5, 600, 400)

        assert self.status(session) == "active"

    def test_after_buying_a_chosen_product_and_keeping_it(self, session):
        make_joining_rules(session, way=Joining.GOODS, spu_ids=(8, 9))
        joining.join(session, member_id=5, now=NOON)
        buy(session, "a", 5, 100, spu_id=7)
        assert self.status(session) == "qualifying"

        buy(session, "b", 5, 100, spu_id=9)

        assert self.status(session) == "active"

    def test_what_went_back_does_not_count(self, session):
        make_joining_rules(session, way=Joining.GOODS, spu_ids=(8,))
        buy(session, "a", 5, 100, spu_id=8)
        keep(session, "a", 100, 0, spu_id=8)

        joining.join(session, member_id=5, now=NOON)

        assert self.status(session) == "qualifying"

    def test_only_when_the_order_is_completed_where_the_shop_wants_that(self, session):
        make_joining_rules(session, way=Joining.SPENDING, spend_fen=1_000, counts_at_payment=False)
        joining.join(session, member_id=5, now=NOON)
        buy(session, "a", 5, 1_000)
        assert self.status(session) == "qualifying"

        complete(session, "a")

        assert self.status(session) == "active"

    def test_at_once_for_who_bought_before_asking(self, session):
        make_joining_rules(session, way=Joining.SPENDING, spend_fen=1_000)
        buy(session, "a", 5, 1_000)

        assert joining.join(session, member_id=5, now=NOON).status == "active"

    def test_does_not_go_round_staff_for_who_left(self, session):
        make_joining_rules(session, way=Joining.OPEN)
        make_distributor(session, member_id=5)
        joining.leave(session, member_id=5, now=NOON)
        make_joining_rules(session, way=Joining.SPENDING, spend_fen=1)
        joining.join(session, member_id=5, now=NOON)

        buy(session, "a", 5, 1_000)

        assert self.status(session) == "pending"

    def test_is_looked_at_again_batch_by_batch(self, session):
        make_joining_rules(session, way=Joining.SPENDING, spend_fen=100)
        for member_id in (5, 6, 7):
            buy(session, member_id, member_id, 50)
            joining.join(session, member_id=member_id, now=NOON)
        make_joining_rules(session, way=Joining.SPENDING, spend_fen=50)

        seen = joining.qualify_next(session, after=0, now=LATER, limit=2)
        assert seen == 6
        assert joining.qualify_next(session, after=seen, now=LATER, limit=2) == 7
        assert joining.qualify_next(session, after=7, now=LATER) is None

        assert {self.status(session, each) for each in (5, 6, 7)} == {"active"}

    @given(
        st.lists(st.tuples(st.integers(0, 300), st.integers(0, 100)), max_size=4),
        st.integers(1, 400),
        st.booleans(),
    )
    @settings(
        max_examples=30, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    def test_is_what_a_plain_reading_says(self, session, orders, spend_fen, in_one_order):
        kept = []
        for number, (paid_fen, percent) in enumerate(orders):
            kept.append(paid_fen * percent // 100)
            buy(session, number, 5, paid_fen)
            keep(session, number, paid_fen, kept[-1])
        rules = JoiningRules(way=Joining.SPENDING, spend_fen=spend_fen, in_one_order=in_one_order)

        bought = facts.bought(session, [5], rules)[5]

        assert bought == Bought(sum(kept), max(kept, default=0))
        reached = max(kept, default=0) if in_one_order else sum(kept)
        assert rules.are_met(bought) == (reached >= spend_fen)
        session.rollback()


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ("UPDATE purchase SET kept_fen = kept_fen - 1", "team.facts_are_the_purchases"),
        ("UPDATE purchase SET kept_fen = kept_fen - 1", "team.customers_are_the_purchases"),
        ("UPDATE purchase SET completed_at = NULL", "team.facts_are_the_purchases"),
        ("UPDATE purchase SET upline_member_id = 3", "team.customers_are_the_purchases"),
        ("UPDATE member_facts SET direct_customers = 2 WHERE member_id = 2",
         "team.facts_are_the_purchases"),
        ("DELETE FROM member_facts", "team.facts_are_the_purchases"),
        ("DELETE FROM direct_customer", "team.customers_are_the_purchases"),
    ],
)  # fmt: skip
def test_sums_that_are_not_those_of_the_orders_are_found(session, pair, change, rule):
    buy(session, "a", 1, 1_000)
    complete(session, "a")
    assert list(verify.verify(session)) == []

    session.execute(text("SET LOCAL session_replication_role = replica"))
    session.execute(text(change))

    assert rule in {each.rule for each in verify.verify(session)}


def test_the_rules_of_a_shop_that_asks_for_nothing_are_always_met():
    assert joining_rules.JoiningRules(way=Joining.OPEN).are_met(Bought())
