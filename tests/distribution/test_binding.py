"""Binding by the merchant's rules: for good, for some days, or by the latest touch."""

from datetime import timedelta

import pytest

from distribution import queries, team, verify
from distribution.team import binding_rules, joining, rebinding
from distribution.team.binding_rules import BadBindingRules, BindingRules, Newness
from distribution.team.models import Binding
from distribution.team.states import Bindable, BindingMode
from tests.builders.distribution import (
    NOON,
    bind,
    make_binding_rules,
    make_chain,
    make_distributor,
    make_rules,
    pay,
    uplines_of,
)
from tests.distribution.binding_story import log_of, upline_of

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def proven(session):
    """Whatever a test did, the proof holds afterwards."""
    yield
    assert list(verify.verify(session)) == []


class TestRules:
    def test_a_shop_that_has_set_nothing_binds_everybody_for_good(self, session):
        rules = binding_rules.current(session)

        assert (rules.version, rules.mode, rules.bindable) == (0, "permanent", "everyone")
        assert rules.on_leaving == "keep"

    def test_each_change_is_a_version(self, session):
        first = make_binding_rules(session, mode=BindingMode.PROTECTED, protect_days=7)
        second = make_binding_rules(session, bindable=Bindable.NEVER_PAID)

        assert second.version > first.version > 0
        assert binding_rules.current(session) == second
        assert (first.protect_days, second.mode) == (7, "permanent")

    @pytest.mark.parametrize(
        "wrong",
        [
            {"protect_days": 0},
            {"protect_days": 3651},
            {"extend_days": -1},
            {"new_minutes": 0},
            {"click_days": 366},
        ],
    )
    def test_a_figure_out_of_its_range_is_refused(self, session, wrong):
        with pytest.raises(BadBindingRules):
            make_binding_rules(session, **wrong)

        assert binding_rules.current(session) == BindingRules()


class TestProtected:
    @pytest.fixture(autouse=True)
    def protected(self, session):
        make_rules(session)
        make_binding_rules(session, mode=BindingMode.PROTECTED, protect_days=7, extend_days=10)

    def test_nobody_takes_over_before_the_protection_is_over_and_anybody_after(self, session):
        bind(session, member_id=1, upline_id=2)

        with pytest.raises(team.AlreadyBound):
            bind(session, member_id=1, upline_id=3, now=NOON + 7 * DAY - MINUTE)
        bind(session, member_id=1, upline_id=3, now=NOON + 7 * DAY)

        assert upline_of(session, 1) == 3
        assert log_of(session, 1) == [("bind", None, 2), ("rebind", 2, 3)]

    def test_the_same_touch_again_prolongs_nothing_until_it_is_over(self, session):
        bind(session, member_id=1, upline_id=2)
        bind(session, member_id=1, upline_id=2, now=NOON + DAY)
        assert session.get(Binding, 1).protection_ends_at == NOON + 7 * DAY

        bind(session, member_id=1, upline_id=2, now=NOON + 8 * DAY)

        assert session.get(Binding, 1).protection_ends_at == NOON + 15 * DAY
        assert log_of(session, 1) == [("bind", None, 2), ("rebind", 2, 2)]

    def test_an_upline_earns_until_the_protection_is_over_and_then_nobody_does(self, session):
        make_chain(session, 1, 2)
        pay(session, buyer_id=1, now=NOON + 7 * DAY - MINUTE)
        pay(session, buyer_id=1, order="order:late", now=NOON + 7 * DAY)

        assert queries.summary(session, 2).earned_fen == 1_000
        assert queries.explain(session, "order:late") == []
        assert upline_of(session, 1) == 2
        assert upline_of(session, 1, now=NOON + 7 * DAY) is None

    def test_nobody_above_an_upline_whose_own_binding_is_over_earns(self, session):
        bind(session, member_id=2, upline_id=3)
        bind(session, member_id=1, upline_id=2, now=NOON + 5 * DAY)

        assert len(uplines_of(session, 1, now=NOON + 6 * DAY)) == 2
        assert len(uplines_of(session, 1, now=NOON + 7 * DAY)) == 1
        pay(session, buyer_id=1, now=NOON + 7 * DAY)
        assert [each.level for each in queries.explain(session, "order:1")] == [1]

    def test_an_order_prolongs_what_still_runs_and_the_log_says_by_which(self, session):
        bind(session, member_id=1, upline_id=2)

        assert team.extend(session, member_id=1, source="order:7", now=NOON + 5 * DAY)

        session.expire_all()
        assert session.get(Binding, 1).protection_ends_at == NOON + 15 * DAY
        latest = rebinding.history(session, 1, limit=1)[0]
        assert (latest.kind, latest.origin, latest.actor) == ("extend", "order", "order:7")
        assert (latest.bound_at, latest.logged_at) == (NOON, NOON + 5 * DAY)
        pay(session, buyer_id=1, now=NOON + 14 * DAY)
        assert queries.summary(session, 2).earned_fen == 1_000

    def test_an_order_never_makes_a_protection_shorter_nor_wakes_one_that_is_over(self, session):
        bind(session, member_id=1, upline_id=2)
        make_binding_rules(session, mode=BindingMode.PROTECTED, extend_days=2)

        assert not team.extend(session, member_id=1, source="order:1", now=NOON + DAY)
        assert not team.extend(session, member_id=1, source="order:2", now=NOON + 7 * DAY)
        assert not team.extend(session, member_id=99, source="order:3", now=NOON)
        assert log_of(session, 1) == [("bind", None, 2)]

    def test_an_order_prolongs_nothing_where_bindings_are_for_good(self, session):
        make_binding_rules(session, extend_days=9)
        bind(session, member_id=1, upline_id=2)

        assert not team.extend(session, member_id=1, source="order:1", now=NOON + DAY)

    def test_other_rules_leave_the_protection_that_was_given(self, session):
        bind(session, member_id=1, upline_id=2)
        make_binding_rules(session)
        bind(session, member_id=4, upline_id=2)

        assert session.get(Binding, 1).protection_ends_at == NOON + 7 * DAY
        assert session.get(Binding, 4).protection_ends_at is None


class TestLastTouch:
    @pytest.fixture(autouse=True)
    def latest_counts(self, session):
        make_binding_rules(session, mode=BindingMode.LAST_TOUCH)

    def test_the_latest_touch_takes_over_and_names_whom_it_replaced(self, session):
        bind(session, member_id=1, upline_id=2)
        bind(session, member_id=1, upline_id=3)
        bind(session, member_id=1, upline_id=2)

        assert upline_of(session, 1) == 2
        assert log_of(session, 1) == [("bind", None, 2), ("rebind", 2, 3), ("rebind", 3, 2)]

    def test_repeating_the_latest_touch_changes_nothing(self, session):
        bind(session, member_id=1, upline_id=2)
        bind(session, member_id=1, upline_id=2, now=NOON + DAY)

        assert log_of(session, 1) == [("bind", None, 2)]

    @pytest.mark.parametrize("depth", [1, 2, 7])
    def test_no_touch_closes_a_circle_at_any_depth(self, session, depth):
        chain = [*range(10, 11 + depth), 99]
        make_chain(session, *chain)

        with pytest.raises(team.BindingCycle):
            bind(session, member_id=chain[-2], upline_id=chain[0])

        assert upline_of(session, chain[-2]) == 99

    def test_a_touch_by_who_cannot_take_anybody_changes_nothing(self, session):
        bind(session, member_id=1, upline_id=2)
        make_distributor(session, member_id=3)
        joining.freeze(session, member_id=3, reason="刷单", now=NOON)
        code = joining.get(session, 3).invite_code

        with pytest.raises(team.UplineNotActive):
            team.bind(session, member_id=1, invite_code=code, origin="link", now=NOON)

        assert upline_of(session, 1) == 2


class TestWhoMayBeBound:
    def touch(self, session, newness):
        code = make_distributor(session, member_id=2).invite_code
        team.bind(session, member_id=1, invite_code=code, origin="link", newness=newness, now=NOON)

    def test_only_who_has_never_paid(self, session):
        make_binding_rules(session, bindable=Bindable.NEVER_PAID)

        for newness in (None, Newness(registered_at=NOON, has_paid=True)):
            with pytest.raises(team.NotNew):
                self.touch(session, newness)
        self.touch(session, Newness(registered_at=NOON - 99 * DAY, has_paid=False))

        assert upline_of(session, 1) == 2

    def test_only_who_has_just_registered(self, session):
        make_binding_rules(session, bindable=Bindable.JUST_REGISTERED, new_minutes=5)

        with pytest.raises(team.NotNew):
            self.touch(session, Newness(registered_at=NOON - 5 * MINUTE, has_paid=False))
        self.touch(session, Newness(registered_at=NOON - 4 * MINUTE, has_paid=True))

        assert upline_of(session, 1) == 2

    def test_staff_may_bind_anybody(self, session):
        make_binding_rules(session, bindable=Bindable.NEVER_PAID)
        make_distributor(session, member_id=2)

        rebinding.rebind(
            session, member_id=1, upline_id=2, actor="staff:1", reason="客服核实", now=NOON
        )

        assert upline_of(session, 1) == 2
