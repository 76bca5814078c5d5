"""Binding by the merchant's rules: for good, for some days, or by the latest touch."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from distribution import queries, team, verify
from distribution.team import binding_rules, clicks, joining, rebinding, teams
from distribution.team.binding_rules import BadBindingRules, BindingRules, Newness
from distribution.team.clicks import Shared
from distribution.team.models import Binding, BindingLog, ShareClick
from distribution.team.states import Bindable, BindingMode, OnLeaving, Source
from tests.builders.distribution import (
    NOON,
    bind,
    make_binding_rules,
    make_chain,
    make_distributor,
    make_rules,
    pay,
)

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def proven(session):
    """Whatever a test did, the proof holds afterwards."""
    yield
    assert list(verify.verify(session)) == []


def upline_of(session, member_id, now=None):
    found = team.uplines_of(session, member_id, now=now)
    return found[0].member_id if found else None


def log_of(session, member_id):
    rows = rebinding.history(session, member_id)
    return [(str(row.kind), row.previous_upline_id, row.upline_member_id) for row in rows[::-1]]


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
        assert session.get(Binding, 1).protected_until == NOON + 7 * DAY

        bind(session, member_id=1, upline_id=2, now=NOON + 8 * DAY)

        assert session.get(Binding, 1).protected_until == NOON + 15 * DAY
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

        assert len(team.uplines_of(session, 1, now=NOON + 6 * DAY)) == 2
        assert len(team.uplines_of(session, 1, now=NOON + 7 * DAY)) == 1
        pay(session, buyer_id=1, now=NOON + 7 * DAY)
        assert [each.level for each in queries.explain(session, "order:1")] == [1]

    def test_an_order_prolongs_what_still_runs_and_the_log_says_by_which(self, session):
        bind(session, member_id=1, upline_id=2)

        assert team.extend(session, member_id=1, source="order:7", now=NOON + 5 * DAY)

        session.expire_all()
        assert session.get(Binding, 1).protected_until == NOON + 15 * DAY
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

        assert session.get(Binding, 1).protected_until == NOON + 7 * DAY
        assert session.get(Binding, 4).protected_until is None


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


class TestStaff:
    def rebind(self, session, member_id, upline_id, now=NOON):
        return rebinding.rebind(
            session, member_id=member_id, upline_id=upline_id, actor="staff:1",
            reason="归属有误", now=now,
        )  # fmt: skip

    def test_rebind_whoever_is_protected_and_the_log_says_who_and_why(self, session):
        bind(session, member_id=1, upline_id=2)
        make_distributor(session, member_id=3)

        self.rebind(session, 1, 3, now=NOON + DAY)

        (latest, _) = rebinding.history(session, 1)
        assert (latest.kind, latest.origin, latest.actor, latest.reason) == (
            "rebind", "staff", "staff:1", "归属有误",
        )  # fmt: skip
        assert (latest.previous_upline_id, latest.upline_member_id) == (2, 3)

    def test_rebinding_to_the_same_distributor_protects_anew(self, session):
        make_binding_rules(session, mode=BindingMode.PROTECTED, protect_days=7)
        bind(session, member_id=1, upline_id=2)

        self.rebind(session, 1, 2, now=NOON + 6 * DAY)

        assert session.get(Binding, 1).protected_until == NOON + 13 * DAY

    def test_staff_close_no_circle_either(self, session):
        make_chain(session, 1, 2, 3, 4)
        make_distributor(session, member_id=1)

        for member_id in (2, 3, 4):
            with pytest.raises(team.BindingCycle):
                self.rebind(session, member_id, 1)
        with pytest.raises(team.SelfBinding):
            self.rebind(session, 2, 2)
        with pytest.raises(team.UplineNotActive):
            self.rebind(session, 2, 98)

        assert [upline_of(session, each) for each in (1, 2, 3, 4)] == [2, 3, 4, None]

    def test_a_member_taken_out_may_be_put_below_who_was_below_them(self, session):
        make_chain(session, 1, 2, 3)
        make_distributor(session, member_id=1)
        rebinding.unbind(session, member_id=1, actor="staff:1", reason="误绑", now=NOON)

        self.rebind(session, 3, 1)

        assert [each.member_id for each in team.uplines_of(session, 2)] == [3, 1]

    def test_unbinding_leaves_nobodys_and_the_next_touch_binds(self, session):
        bind(session, member_id=1, upline_id=2)

        rebinding.unbind(session, member_id=1, actor="staff:1", reason="误绑", now=NOON)
        assert upline_of(session, 1) is None
        bind(session, member_id=1, upline_id=3)

        assert log_of(session, 1) == [("bind", None, 2), ("unbind", 2, None), ("bind", None, 3)]
        with pytest.raises(team.NotBound):
            rebinding.unbind(session, member_id=7, actor="staff:1", reason="误绑", now=NOON)

    def test_the_history_comes_in_pages(self, session):
        make_binding_rules(session, mode=BindingMode.LAST_TOUCH)
        for upline_id in (2, 3, 4):
            bind(session, member_id=1, upline_id=upline_id)

        first = rebinding.history(session, 1, limit=2)
        rest = rebinding.history(session, 1, before=first[-1].id)

        assert [row.upline_member_id for row in (*first, *rest)] == [4, 3, 2]


class TestClicks:
    @pytest.fixture
    def shared(self, session):
        code = make_distributor(session, member_id=2).invite_code
        return Shared(code, Source.POSTER, scene=f"i={code}&s=7", spu_id=7)

    def test_a_click_says_who_when_by_what_and_leads_to_the_binding(self, session, shared):
        click = clicks.of_member(session, 1, shared, now=NOON)
        why = team.Why(click.source, click_id=click.id)
        team.bind_to(session, member_id=1, upline_id=2, why=why, now=NOON)

        row = session.scalars(select(ShareClick)).one()
        assert (row.member_id, row.visitor_key, row.upline_member_id) == (1, None, 2)
        assert (row.source, row.spu_id, row.clicked_at) == ("poster", 7, NOON)
        logged = session.scalars(select(BindingLog)).one()
        assert (logged.click_id, logged.origin) == (row.id, "poster")

    def test_the_same_click_again_within_a_minute_is_one(self, session, shared):
        first = clicks.of_visitor(session, "v", shared, now=NOON)
        again = clicks.of_visitor(session, "v", shared, now=NOON + MINUTE / 2)
        other = clicks.of_visitor(session, "w", shared, now=NOON)
        later = clicks.of_visitor(session, "v", shared, now=NOON + MINUTE)

        assert first.id == again.id
        assert len({first.id, other.id, later.id}) == 3

    def test_nobody_clicks_on_their_own_link_or_on_nobodys(self, session, shared):
        with pytest.raises(team.SelfBinding):
            clicks.of_member(session, 2, shared, now=NOON)
        with pytest.raises(team.UnknownInviteCode):
            clicks.of_visitor(session, "v", Shared("ZZZZZZZZ", Source.LINK), now=NOON)

        assert session.scalars(select(ShareClick)).all() == []

    @pytest.mark.parametrize(
        ("mode", "expected"),
        [(BindingMode.PERMANENT, 3), (BindingMode.PROTECTED, 3), (BindingMode.LAST_TOUCH, 4)],
    )
    def test_the_first_click_of_a_visitor_counts_or_the_latest_where_that_is_the_rule(
        self, session, shared, mode, expected
    ):
        make_binding_rules(session, mode=mode, click_days=5)
        for index, upline_id in enumerate((2, 3, 9, 4)):
            code = make_distributor(session, member_id=upline_id).invite_code
            at = NOON + index * DAY
            clicks.of_visitor(session, "v", Shared(code, Source.LINK), now=at)
        joining.freeze(session, member_id=2, reason="刷单", now=NOON)

        found = clicks.waiting(session, "v", member_id=9, now=NOON + 3 * DAY)
        late = clicks.waiting(session, "v", member_id=9, now=NOON + 20 * DAY)

        assert found.upline_member_id == expected
        assert late is None


class TestLeaving:
    def test_a_team_stays_with_who_left_and_nobody_earns_where_the_rule_is_to_keep(self, session):
        make_rules(session)
        make_chain(session, 1, 2, 3)
        joining.leave(session, member_id=2, now=NOON)

        assert teams.release(session, now=NOON) == 0
        pay(session, buyer_id=1)

        first, second = queries.explain(session, "order:1")
        assert (first.amount_fen, first.reason) == (0, "upline_left")
        assert (second.beneficiary_id, second.amount_fen) == (3, 500)

    def test_a_team_is_released_batch_by_batch_each_on_record_and_nobody_inherits_it(self, session):
        make_rules(session)
        make_binding_rules(session, on_leaving=OnLeaving.RELEASE)
        for member_id in range(10, 15):
            bind(session, member_id=member_id, upline_id=2)
        bind(session, member_id=2, upline_id=3)
        bind(session, member_id=20, upline_id=3)
        joining.leave(session, member_id=2, now=NOON)

        released = [teams.release(session, now=NOON + DAY, limit=2) for _ in range(4)]

        assert released == [2, 2, 1, 0]
        assert [upline_of(session, each) for each in (10, 14, 20)] == [None, None, 3]
        (latest, _) = rebinding.history(session, 10)
        assert (latest.kind, latest.origin, latest.previous_upline_id) == ("unbind", "leaving", 2)
        assert latest.reason == "推荐人已退出分销"
        pay(session, buyer_id=10)
        assert queries.explain(session, "order:1") == []

    def test_who_was_frozen_keeps_the_team(self, session):
        make_binding_rules(session, on_leaving=OnLeaving.RELEASE)
        bind(session, member_id=1, upline_id=2)
        joining.freeze(session, member_id=2, reason="刷单", now=NOON)

        assert teams.release(session, now=NOON) == 0
        assert upline_of(session, 1) == 2


class TestHandingOver:
    def hand_over(self, session, to_id, **more):
        return teams.hand_over(
            session, from_id=2, to_id=to_id, actor="staff:1", reason="已离职", now=NOON, **more
        )

    def test_moves_everybody_batch_by_batch_and_leaves_other_teams_alone(self, session):
        make_binding_rules(session, mode=BindingMode.PROTECTED, protect_days=7)
        make_chain(session, 2, 3)
        for member_id in range(10, 15):
            bind(session, member_id=member_id, upline_id=2)
        bind(session, member_id=20, upline_id=9)

        handed = [self.hand_over(session, 3, limit=2) for _ in range(4)]

        assert handed == [2, 2, 1, 0]
        assert [upline_of(session, each) for each in (2, 10, 14, 20)] == [3, 3, 3, 9]
        assert session.get(Binding, 10).protected_until == NOON + 7 * DAY
        assert log_of(session, 10) == [("bind", None, 2), ("rebind", 2, 3)]

    def test_who_stands_above_the_other_stays(self, session):
        """2 brought 3, who brought 4: below 4 there is no room for 3 and for 4."""
        make_chain(session, 4, 3, 2)
        bind(session, member_id=10, upline_id=2)
        make_distributor(session, member_id=4)

        assert self.hand_over(session, 4) == 1

        assert [upline_of(session, each) for each in (3, 4, 10)] == [2, 3, 4]

    def test_nobody_is_handed_to_who_cannot_take_anybody(self, session):
        bind(session, member_id=10, upline_id=2)

        with pytest.raises(team.UplineNotActive):
            self.hand_over(session, 99)

        assert upline_of(session, 10) == 2
