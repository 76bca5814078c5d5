"""Joining and binding: free, first-touch, permanent, and never in a circle."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from distribution import queries, team
from distribution.ledger.models import Account
from distribution.team import joining, people
from distribution.team.joining import IllegalMove, UnknownDistributor
from distribution.team.models import BindingLog
from distribution.team.states import Joining
from tests.builders.distribution import (
    NOON,
    bind,
    make_chain,
    make_distributor,
    make_rules,
    uplines_of,
)

LATER = NOON + timedelta(days=1)


class TestJoin:
    def test_makes_a_distributor_at_once_where_anybody_may_join(self, session):
        make_rules(session, joining=Joining.OPEN)

        distributor = joining.join(session, member_id=5, now=NOON)

        assert (distributor.status, distributor.approved_at) == ("active", NOON)
        assert queries.summary(session, 5).frozen_fen == 0

    def test_waits_for_staff_where_applications_are_approved(self, session):
        distributor = joining.join(session, member_id=5, now=NOON)

        assert (distributor.status, distributor.approved_at) == ("pending", None)

    def test_twice_is_once(self, session):
        first = joining.join(session, member_id=5, now=NOON)
        second = joining.join(session, member_id=5, now=LATER)

        assert (second.invite_code, second.applied_at) == (first.invite_code, NOON)
        assert session.scalar(select(func.count()).where(Account.member_id == 5)) == 4

    def test_gives_a_code_that_cannot_be_misread(self, session):
        code = joining.join(session, member_id=5, now=NOON).invite_code

        assert len(code) == 8
        assert not set(code) & set("01IO")

    def test_draws_again_when_the_code_is_taken(self, session, monkeypatch):
        codes = iter(["AAAAAAAA", "AAAAAAAA", "BBBBBBBB"])
        monkeypatch.setattr(joining, "new_invite_code", lambda: next(codes))

        made = [joining.join(session, member_id=each, now=NOON).invite_code for each in (5, 6)]

        assert made == ["AAAAAAAA", "BBBBBBBB"]

    def test_after_leaving_keeps_the_code_but_waits_for_staff(self, session):
        before = make_distributor(session, member_id=5).invite_code
        joining.freeze(session, member_id=5, reason="刷单", now=NOON)
        joining.leave(session, member_id=5, now=NOON)

        again = joining.join(session, member_id=5, now=LATER)

        assert (again.status, again.invite_code) == ("pending", before)


class TestStatus:
    def test_goes_from_pending_to_active_to_frozen_and_back(self, session):
        joining.join(session, member_id=5, now=NOON)

        assert joining.approve(session, member_id=5, now=NOON).approved_at == NOON
        frozen = joining.freeze(session, member_id=5, reason="刷单", now=LATER)
        assert (frozen.status, frozen.status_reason, frozen.status_at) == ("frozen", "刷单", LATER)
        resumed = joining.resume(session, member_id=5, now=LATER)
        assert (resumed.status, resumed.status_reason) == ("active", None)
        assert resumed.approved_at == NOON

    def test_a_move_the_status_does_not_allow_is_refused(self, session):
        make_distributor(session, member_id=5)

        with pytest.raises(IllegalMove):
            joining.approve(session, member_id=5, now=NOON)
        with pytest.raises(IllegalMove):
            joining.resume(session, member_id=5, now=NOON)

    def test_a_member_who_never_joined_has_no_status(self, session):
        with pytest.raises(UnknownDistributor):
            joining.freeze(session, member_id=5, reason="刷单", now=NOON)

    def test_leaving_is_for_anybody_and_changes_nobody_else(self, session):
        make_chain(session, 1, 2)

        joining.leave(session, member_id=2, now=NOON)
        joining.leave(session, member_id=99, now=NOON)

        assert joining.get(session, 2).status == "left"
        assert uplines_of(session, 1)[0].member_id == 2


class TestBind:
    def test_gives_a_member_one_upline_and_the_uplines_upline(self, session):
        make_rules(session)
        make_chain(session, 1, 2, 3, 4)

        found = uplines_of(session, 1)

        assert [(each.level, each.member_id, each.status) for each in found] == [
            (1, 2, "active"),
            (2, 3, "active"),
        ]
        assert [each.member_id for each in uplines_of(session, 3)] == [4]
        assert uplines_of(session, 4) == ()

    def test_repeating_it_changes_nothing(self, session):
        bind(session, member_id=1, upline_id=2)
        bind(session, member_id=1, upline_id=2, now=LATER)

        assert session.scalars(select(BindingLog.bound_at)).all() == [NOON]

    def test_the_first_touch_counts_for_good(self, session):
        bind(session, member_id=1, upline_id=2)

        with pytest.raises(team.AlreadyBound):
            bind(session, member_id=1, upline_id=3)

        assert uplines_of(session, 1)[0].member_id == 2

    def test_nobody_is_their_own_upline(self, session):
        with pytest.raises(team.SelfBinding):
            bind(session, member_id=2, upline_id=2)

    def test_a_code_nobody_has_is_refused(self, session):
        with pytest.raises(team.UnknownInviteCode):
            team.bind(session, member_id=1, invite_code="ZZZZZZZZ", origin="code", now=NOON)

    def test_only_an_active_distributor_can_be_bound_to(self, session):
        code = joining.join(session, member_id=2, now=NOON).invite_code

        with pytest.raises(team.UplineNotActive):
            team.bind(session, member_id=1, invite_code=code, origin="code", now=NOON)

    @pytest.mark.parametrize("depth", [1, 2, 7])
    def test_no_circle_at_any_depth(self, session, depth):
        chain = range(10, 11 + depth)
        make_chain(session, *chain)

        with pytest.raises(team.BindingCycle):
            bind(session, member_id=chain[-1], upline_id=chain[0])

        assert uplines_of(session, chain[-1]) == ()

    def test_a_distributor_with_a_team_may_still_be_bound_to_somebody_above(self, session):
        make_chain(session, 1, 2)
        bind(session, member_id=2, upline_id=3)

        assert [each.member_id for each in uplines_of(session, 1)] == [2, 3]


class TestPeople:
    def test_counts_and_lists_both_levels_latest_first(self, session):
        make_rules(session)
        for index, member_id in enumerate((11, 12, 13)):
            bind(session, member_id=member_id, upline_id=2, now=NOON + timedelta(hours=index))
        bind(session, member_id=21, upline_id=11, now=LATER)
        bind(session, member_id=31, upline_id=21, now=LATER)

        assert people.team_counts(session, 2) == (3, 1)
        first = people.team_members(session, 2, level=1, limit=2)
        assert [each.member_id for each in first] == [13, 12]
        rest = people.team_members(session, 2, level=1, before=first[-1].member_id)
        assert [each.member_id for each in rest] == [11]
        assert people.team_members(session, 2, level=2) == [(21, 2, LATER, 0, 0, 0)]

    def test_lists_distributors_by_status_page_by_page(self, session):
        make_distributor(session, member_id=2)
        joining.join(session, member_id=3, now=NOON)
        make_distributor(session, member_id=4)

        ids = [each.member_id for each in people.distributors(session, limit=2)]
        assert ids == [4, 3]
        assert [each.member_id for each in people.distributors(session, before=3)] == [2]
        assert [each.member_id for each in people.distributors(session, status="pending")] == [3]
