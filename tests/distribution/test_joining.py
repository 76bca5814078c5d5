"""Ways of becoming a distributor, and the record of every change of a distributor's status."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from distribution import verify
from distribution.team import joining, joining_rules
from distribution.team.joining_rules import BadJoiningRules, JoiningRules
from distribution.team.states import Joining
from tests.builders.distribution import NOON, make_distributor, make_joining_rules

LATER = NOON + timedelta(days=1)
STAFF = "staff:7"


def record(session, member_id):
    """Every change of a status, the first one first, with who made it and why."""
    return [
        (each.from_status, each.status, each.actor, each.reason)
        for each in reversed(joining.history(session, member_id))
    ]


class TestRules:
    def test_a_shop_that_has_set_nothing_approves_applications(self, session):
        assert joining_rules.current(session) == JoiningRules(0, Joining.APPROVAL)

    def test_a_change_is_a_new_version_and_the_latest_is_in_force(self, session):
        first = make_joining_rules(session, way=Joining.SPENDING, spend_fen=100, in_one_order=True)
        second = make_joining_rules(session, way=Joining.GOODS, spu_ids=(9, 3, 9))

        assert second == JoiningRules(version=first.version + 1, way=Joining.GOODS, spu_ids=(3, 9))
        assert joining_rules.current(session) == second

    @pytest.mark.parametrize(
        "wrong",
        [
            {"spend_fen": 1},
            {"way": Joining.SPENDING},
            {"way": Joining.SPENDING, "spend_fen": 0},
            {"way": Joining.SPENDING, "spend_fen": 10_000_001},
            {"way": Joining.SPENDING, "spend_fen": 1, "spu_ids": (1,)},
            {"way": Joining.GOODS},
            {"way": Joining.GOODS, "spu_ids": (1,), "spend_fen": 5},
            {"way": Joining.GOODS, "spu_ids": tuple(range(201))},
            {"way": Joining.OPEN, "in_one_order": True},
        ],
    )
    def test_what_does_not_belong_to_the_way_is_refused(self, session, wrong):
        with pytest.raises(BadJoiningRules):
            joining_rules.change(
                session, replace(JoiningRules(), **wrong), changed_by=STAFF, now=NOON
            )

        assert joining_rules.current(session).version == 0


class TestAsking:
    @pytest.mark.parametrize("way", [Joining.EVERYONE, Joining.OPEN])
    def test_is_enough_where_everybody_may(self, session, way):
        make_joining_rules(session, way=way)

        made = joining.join(session, member_id=5, now=NOON)

        assert (made.status, made.declared_at) == ("active", NOON)
        assert record(session, 5) == [(None, "active", "member", None)]

    def test_is_declaring_to_be_of_age_and_the_last_time_counts(self, session):
        joining.join(session, member_id=5, now=NOON)
        joining.refuse(session, member_id=5, reason="资料不全", actor=STAFF, now=NOON)

        again = joining.join(session, member_id=5, now=LATER)

        assert (again.status, again.declared_at, again.applied_at) == ("pending", LATER, LATER)
        assert again.status_reason is None

    def test_is_in_vain_where_staff_appoint(self, session):
        make_joining_rules(session, way=Joining.APPOINTED)

        with pytest.raises(joining.NotByAsking):
            joining.join(session, member_id=5, now=NOON)

        assert record(session, 5) == []

    def test_after_leaving_or_a_refusal_does_not_go_round_staff(self, session):
        make_joining_rules(session, way=Joining.OPEN)
        make_distributor(session, member_id=5)
        joining.leave(session, member_id=5, now=NOON)
        assert joining.join(session, member_id=5, now=LATER).status == "pending"
        joining.refuse(session, member_id=5, reason="曾刷单", actor=STAFF, now=LATER)
        assert joining.join(session, member_id=5, now=LATER).status == "pending"

        make_joining_rules(session, way=Joining.APPOINTED)
        joining.refuse(session, member_id=5, reason="曾刷单", actor=STAFF, now=LATER)
        with pytest.raises(joining.NotByAsking):
            joining.join(session, member_id=5, now=LATER)

    @pytest.mark.parametrize(
        "asked",
        [{"way": Joining.SPENDING, "spend_fen": 1}, {"way": Joining.GOODS, "spu_ids": (7,)}],
    )
    def test_waits_where_something_must_be_bought_first(self, session, asked):
        make_joining_rules(session, **asked)

        waiting = joining.join(session, member_id=5, now=NOON)

        assert (waiting.status, waiting.approved_at) == ("qualifying", None)
        assert joining.qualify(session, [5], now=LATER) == 0

    @pytest.mark.parametrize(
        ("way", "status"),
        [(Joining.OPEN, "active"), (Joining.APPROVAL, "pending"), (Joining.APPOINTED, "pending")],
    )
    def test_follows_the_rules_when_they_change_while_somebody_waits(self, session, way, status):
        make_joining_rules(session, way=Joining.SPENDING, spend_fen=100)
        joining.join(session, member_id=5, now=NOON)
        make_joining_rules(session, way=way)

        assert joining.qualify(session, [5, 6], now=LATER) == 1

        assert joining.get(session, 5).status == status
        assert record(session, 5)[1:] == [("qualifying", status, "system", None)]


class TestStaff:
    def test_refuse_with_a_reason_and_the_member_may_ask_again(self, session):
        joining.join(session, member_id=5, now=NOON)

        refused = joining.refuse(session, member_id=5, reason="资料不全", actor=STAFF, now=LATER)

        assert (refused.status, refused.status_reason) == ("refused", "资料不全")
        joining.join(session, member_id=5, now=LATER)
        joining.approve(session, member_id=5, actor=STAFF, now=LATER)
        assert record(session, 5) == [
            (None, "pending", "member", None),
            ("pending", "refused", STAFF, "资料不全"),
            ("refused", "pending", "member", None),
            ("pending", "active", STAFF, None),
        ]

    def test_appoint_somebody_who_begins_by_declaring(self, session):
        make_joining_rules(session, way=Joining.APPOINTED)

        invited = joining.appoint(session, member_id=5, reason="店员", actor=STAFF, now=NOON)
        assert (invited.status, invited.declared_at, invited.approved_at) == ("invited", None, None)
        begun = joining.join(session, member_id=5, now=LATER)

        assert (begun.status, begun.declared_at, begun.approved_at) == ("active", LATER, LATER)
        assert record(session, 5) == [
            (None, "invited", STAFF, "店员"),
            ("invited", "active", "member", None),
        ]

    def test_appoint_an_applicant_who_begins_at_once(self, session):
        joining.join(session, member_id=5, now=NOON)

        assert joining.appoint(
            session, member_id=5, reason="店员", actor=STAFF, now=LATER
        ).status == "active"  # fmt: skip

    @pytest.mark.parametrize("end", ["leave", "refuse"])
    def test_appoint_again_who_left_or_was_refused(self, session, end):
        joining.join(session, member_id=5, now=NOON)
        if end == "leave":
            joining.leave(session, member_id=5, now=NOON)
        else:
            joining.refuse(session, member_id=5, reason="资料不全", now=NOON)

        again = joining.appoint(session, member_id=5, reason="回归", actor=STAFF, now=LATER)

        assert again.status == "invited"

    def test_do_not_appoint_who_is_one(self, session):
        make_distributor(session, member_id=5)

        for _ in range(2):
            with pytest.raises(joining.IllegalMove):
                joining.appoint(session, member_id=5, reason="店员", actor=STAFF, now=LATER)
            joining.freeze(session, member_id=5, reason="刷单", actor=STAFF, now=LATER)
            joining.resume(session, member_id=5, actor=STAFF, now=LATER)

    def test_leave_a_trace_of_everything_they_do(self, session):
        make_distributor(session, member_id=5)
        joining.freeze(session, member_id=5, reason="刷单", actor=STAFF, now=LATER)
        joining.resume(session, member_id=5, actor="staff:8", now=LATER)
        joining.leave(session, member_id=5, now=LATER)
        joining.leave(session, member_id=5, now=LATER)

        assert record(session, 5)[2:] == [
            ("active", "frozen", STAFF, "刷单"),
            ("frozen", "active", "staff:8", None),
            ("active", "left", "member", None),
        ]
        assert list(verify.verify(session)) == []


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE distributor SET status = 'frozen'",
        "UPDATE distributor SET status_at = status_at - interval '1 hour'",
        "UPDATE distributor_status_log SET from_status = 'left' WHERE status = 'active'",
        "DELETE FROM distributor_status_log WHERE status = 'pending'",
        "DELETE FROM distributor_status_log",
        "DELETE FROM distributor",
    ],
)
def test_a_status_that_is_not_what_the_log_says_is_found(session, change):
    make_distributor(session, member_id=5)
    assert list(verify.verify(session)) == []

    session.execute(text("SET LOCAL session_replication_role = replica"))
    session.execute(text(change))

    assert "team.status_is_the_log" in {each.rule for each in verify.verify(session)}
