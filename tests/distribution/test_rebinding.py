"""What staff and departures do to bindings, one by one and a team at a time."""

from datetime import timedelta

import pytest

from distribution import queries, team, verify
from distribution.team import joining, rebinding, teams
from distribution.team.models import Binding
from distribution.team.states import BindingMode, OnLeaving
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


@pytest.fixture(autouse=True)
def proven(session):
    """Whatever a test did, the proof holds afterwards."""
    yield
    assert list(verify.verify(session)) == []


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

        assert session.get(Binding, 1).protection_ends_at == NOON + 13 * DAY

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

        assert [each.member_id for each in uplines_of(session, 2)] == [3, 1]

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
        assert session.get(Binding, 10).protection_ends_at == NOON + 7 * DAY
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
