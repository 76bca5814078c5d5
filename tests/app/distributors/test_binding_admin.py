"""Staff: the rules of binding, whose a member is and was, re-binding with a reason."""

import pytest

from app.distributors import verify, wording
from app.members import service as members
from distribution.team import binding_rules, joining, rebinding
from distribution.team.states import BindingKind, BindingMode, Source
from tests.app.distributors.conftest import bring
from tests.builders.distribution import make_binding_rules, uplines_of

RULES = "/admin/v1/binding-rules"
GOOD = {"mode": "protected", "protect_days": 15, "extend_days": 30, "on_leaving": "release"}
WHY = "客服核实归属有误"


def upline_of(session, member):
    session.rollback()
    return next((each.member_id for each in uplines_of(session, member.id)), None)


class TestRules:
    def test_start_as_the_defaults_in_words(self, client, as_staff):
        shown = client.get("/admin/v1/binding-rules", headers=as_staff).json

        assert (shown["version"], shown["mode"], shown["bindable"]) == (0, "permanent", "everyone")
        assert shown["note"].startswith("首次绑定永久有效")

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({}, "保护 15 天，期内每笔付款订单顺延至其后 30 天"),
            ({"extend_days": 0}, "保护 15 天；"),
            ({"mode": "last_touch"}, "最后一次点击"),
            ({"bindable": "never_paid"}, "从未付款"),
            ({"bindable": "just_registered", "new_minutes": 5}, "注册 5 分钟内"),
            ({"on_leaving": "keep"}, "团队保留"),
            ({}, "自动解绑"),
        ],
    )
    def test_a_change_is_the_next_version_and_is_told_in_words(
        self, client, session, as_staff, change, words
    ):
        answer = client.put(RULES, headers=as_staff, json=GOOD | change)

        assert answer.status_code == 200
        assert words in answer.json["note"]
        assert binding_rules.current(session).version == answer.json["version"] > 0

    @pytest.mark.parametrize(
        "change",
        [
            {"mode": None},
            {"mode": "forever"},
            {"mode": 1},
            {"protect_days": 0},
            {"protect_days": 3651},
            {"protect_days": "15"},
            {"protect_days": 1.5},
            {"extend_days": -1},
            {"new_minutes": 0},
            {"click_days": 366},
            {"bindable": "nobody"},
            {"on_leaving": "pass_up"},
            {"unknown": 1},
        ],
    )
    def test_rules_that_make_no_sense_are_refused_and_change_nothing(
        self, client, session, as_staff, change
    ):
        answer = client.put(RULES, headers=as_staff, json=GOOD | change)

        assert (answer.status_code, answer.json["code"]) == (422, "invalid_fields")
        assert binding_rules.current(session).version == 0

    def test_are_for_staff_only(self, client, session, as_member):
        _, headers = as_member()

        assert client.put(RULES, json=GOOD).status_code == 401
        assert client.put(RULES, headers=headers, json=GOOD).status_code == 401
        assert binding_rules.current(session).version == 0


def test_every_kind_and_origin_of_a_binding_has_its_words():
    assert set(wording.BINDINGS) == set(BindingKind)
    assert set(wording.ORIGINS) == set(Source)


class TestRebind:
    @pytest.fixture
    def bound(self, session, as_distributor, as_member):
        """A member of one distributor, and another one."""
        upline, _ = as_distributor(nickname="近水")
        other, _ = as_distributor(nickname="远山")
        member, _ = as_member(nickname="小王")
        bring(session, member, upline)
        return member, upline, other

    def test_puts_a_member_below_another_and_the_log_says_who_and_why(
        self, client, bound, as_staff
    ):
        member, upline, other = bound
        url = f"/admin/v1/bindings/{member.id}"

        answer = client.put(
            url, headers=as_staff, json={"upline_member_id": other.id, "reason": WHY}
        )
        shown = client.get(url, headers=as_staff)
        latest, first = client.get(f"/admin/v1/bindings/{member.id}/log", headers=as_staff).json[
            "items"
        ]

        assert answer.status_code == 200
        assert answer.json == shown.json
        assert (shown.json["nickname"], shown.json["upline"]) == ("小王", "远山")
        assert (shown.json["is_live"], shown.json["protection_ends_at"]) == (True, None)
        assert (latest["kind"], latest["kind_name"], latest["reason"]) == ("rebind", "换绑", WHY)
        assert (latest["previous_upline"], latest["upline"]) == ("近水", "远山")
        assert latest["actor"].startswith("staff:")
        assert (first["kind"], first["actor"], first["reason"]) == ("bind", None, None)
        assert (first["upline_member_id"], first["previous_upline_id"]) == (upline.id, None)

    def test_the_same_again_is_logged_only_where_it_protects_anew(
        self, client, session, bound, as_staff
    ):
        member, _, other = bound
        body = {"upline_member_id": other.id, "reason": WHY}

        def put():
            answer = client.put(f"/admin/v1/bindings/{member.id}", headers=as_staff, json=body)
            assert answer.status_code == 200
            session.rollback()
            return len(rebinding.history(session, member.id))

        assert [put(), put()] == [2, 2]
        make_binding_rules(session, mode=BindingMode.PROTECTED)
        session.commit()
        assert put() == 3

    def test_unbinds_and_the_history_stays(self, client, session, bound, as_staff):
        member, upline, _ = bound

        answer = client.post(
            f"/admin/v1/bindings/{member.id}/unbind", headers=as_staff, json={"reason": WHY}
        )
        again = client.post(
            f"/admin/v1/bindings/{member.id}/unbind", headers=as_staff, json={"reason": WHY}
        )

        assert (answer.status_code, answer.json["upline_member_id"]) == (200, None)
        assert answer.json["is_live"] is False
        assert (again.status_code, again.json["code"]) == (409, "not_bound")
        assert upline_of(session, member) is None
        url = f"/admin/v1/bindings/{member.id}/log"
        page = client.get(url, headers=as_staff, query_string={"limit": 1}).json
        rest = client.get(url, headers=as_staff, query_string={"cursor": page["next_cursor"]}).json
        (latest,), (first,) = page["items"], rest["items"]
        assert (latest["kind"], latest["previous_upline_id"]) == ("unbind", upline.id)
        assert (latest["upline"], first["kind"], rest["next_cursor"]) == (None, "bind", None)

    def test_refuses_what_would_break_the_tree_and_changes_nothing(
        self, client, session, bound, as_staff, as_distributor, as_member
    ):
        member, upline, _ = bound
        below, _ = as_distributor(upline=upline)
        frozen, _ = as_distributor()
        joining.freeze(session, member_id=frozen.id, reason="刷单", now=frozen.created_at)
        session.commit()
        nobody, _ = as_member()
        url = f"/admin/v1/bindings/{upline.id}"

        def refusal(upline_id):
            body = {"upline_member_id": upline_id, "reason": WHY}
            answer = client.put(url, headers=as_staff, json=body)
            return answer.status_code, answer.json["code"]

        assert refusal(below.id) == (409, "rebinding_cycle")
        assert refusal(frozen.id) == refusal(nobody.id) == (409, "inviter_not_active")
        assert refusal(999_999_999) == (409, "inviter_not_active")
        assert refusal(upline.id) == (422, "invalid_fields")
        assert upline_of(session, upline) is None
        assert upline_of(session, member) == upline.id

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"upline_member_id": 1},
            {"reason": WHY},
            {"upline_member_id": 0, "reason": WHY},
            {"upline_member_id": "1", "reason": WHY},
            {"upline_member_id": 2**63, "reason": WHY},
            {"upline_member_id": 1, "reason": ""},
            {"upline_member_id": 1, "reason": "长" * 201},
            {"upline_member_id": 1, "reason": "a\x00b"},
            {"upline_member_id": 1, "reason": None},
            {"upline_member_id": 1, "reason": WHY, "protection_ends_at": None},
        ],
    )
    def test_needs_somebody_and_a_readable_reason(self, client, session, bound, as_staff, body):
        member, upline, _ = bound
        url = f"/admin/v1/bindings/{member.id}"

        answer = client.put(url, headers=as_staff, json=body)
        without_reason = {"reason": body.get("reason", ""), "unknown": 1}
        unbinding = client.post(f"{url}/unbind", headers=as_staff, json=without_reason)

        assert (answer.status_code, answer.json["code"]) == (422, "invalid_fields")
        assert unbinding.status_code == 422
        assert upline_of(session, member) == upline.id

    def test_a_member_who_never_was_is_not_found_and_one_who_left_only_looked_at(
        self, client, session, bound, as_staff, now
    ):
        member, _, other = bound
        members.leave(session, member_id=member.id, now=now)
        session.commit()
        body = {"upline_member_id": other.id, "reason": WHY}

        for member_id, looked in ((member.id, 200), (999_999_999, 404)):
            url = f"/admin/v1/bindings/{member_id}"
            answers = [
                client.put(url, headers=as_staff, json=body),
                client.post(f"{url}/unbind", headers=as_staff, json={"reason": WHY}),
            ]
            assert {(each.status_code, each.json["code"]) for each in answers} == {
                (404, "member_not_found")
            }
            assert client.get(url, headers=as_staff).status_code == looked
            assert client.get(f"{url}/log", headers=as_staff).status_code == looked

    @pytest.mark.parametrize("query", [{"limit": 0}, {"cursor": "?"}, {"unknown": 1}])
    def test_a_bad_page_is_refused(self, client, bound, as_staff, query):
        url = f"/admin/v1/bindings/{bound[0].id}/log"

        assert client.get(url, headers=as_staff, query_string=query).status_code == 422

    def test_is_for_staff_only(self, client, session, bound, as_member):
        member, upline, other = bound
        _, headers = as_member()
        url = f"/admin/v1/bindings/{member.id}"
        body = {"upline_member_id": other.id, "reason": WHY}

        for who in ({}, headers):
            assert client.put(url, headers=who, json=body).status_code == 401
            unbind = client.post(f"{url}/unbind", headers=who, json={"reason": WHY})
            assert unbind.status_code == 401
            assert client.get(url, headers=who).status_code == 401
        assert upline_of(session, member) == upline.id


class TestHandOver:
    @pytest.fixture
    def stopped(self, session, as_distributor, as_member, now):
        """A frozen distributor, brought by another, with a team of three."""
        far, _ = as_distributor(nickname="远山")
        stopped, _ = as_distributor(nickname="近水", upline=far)
        team_of_three = [as_member()[0] for _ in range(3)]
        for member in team_of_three:
            bring(session, member, stopped)
        joining.freeze(session, member_id=stopped.id, reason="离职", now=now)
        session.commit()
        return far, stopped, team_of_three

    def hand_over(self, client, headers, member_id, upline_id):
        return client.post(
            f"/admin/v1/distributors/{member_id}/hand-over",
            headers=headers,
            json={"upline_member_id": upline_id, "reason": WHY},
        )

    def test_puts_everybody_below_the_other_each_on_record(
        self, client, session, stopped, as_staff, run_jobs
    ):
        far, frozen, members_of = stopped

        answer = self.hand_over(client, as_staff, frozen.id, far.id)
        assert upline_of(session, members_of[0]) == frozen.id
        run_jobs()

        assert (answer.status_code, answer.json) == (200, {"members": 3})
        assert {upline_of(session, each) for each in members_of} == {far.id}
        latest = rebinding.history(session, members_of[0].id)[0]
        assert (latest.kind, latest.reason, latest.previous_upline_id) == ("rebind", WHY, frozen.id)
        assert latest.actor.startswith("staff:")
        assert list(verify.verify(session)) == []

    def test_stops_where_the_other_has_stopped_meanwhile(
        self, client, session, stopped, as_staff, run_jobs, now
    ):
        far, frozen, members_of = stopped
        self.hand_over(client, as_staff, frozen.id, far.id)
        joining.freeze(session, member_id=far.id, reason="刷单", now=now)
        session.commit()

        run_jobs()

        assert {upline_of(session, each) for each in members_of} == {frozen.id}

    def test_is_only_from_who_has_stopped_to_who_is_active(
        self, client, session, stopped, as_distributor, as_member, as_staff
    ):
        far, frozen, members_of = stopped
        other, _ = as_distributor()
        nobody, _ = as_member()

        def refusal(member_id, upline_id):
            answer = self.hand_over(client, as_staff, member_id, upline_id)
            return answer.status_code, answer.json["code"]

        assert refusal(far.id, other.id) == (409, "distributor_status_conflict")
        assert refusal(nobody.id, other.id) == (404, "not_a_distributor")
        assert refusal(frozen.id, nobody.id) == (409, "inviter_not_active")
        assert refusal(frozen.id, frozen.id) == (422, "invalid_fields")
        assert {upline_of(session, each) for each in members_of} == {frozen.id}

    @pytest.mark.parametrize(
        "body",
        [
            {"upline_member_id": 0, "reason": WHY},
            {"upline_member_id": "1", "reason": WHY},
            {"upline_member_id": 1, "reason": "长" * 201},
            {"upline_member_id": 1},
            {"upline_member_id": 1, "reason": WHY, "unknown": 1},
        ],
    )
    def test_needs_somebody_and_a_readable_reason(self, client, stopped, as_staff, body):
        url = f"/admin/v1/distributors/{stopped[1].id}/hand-over"

        answer = client.post(url, headers=as_staff, json=body)

        assert (answer.status_code, answer.json["code"]) == (422, "invalid_fields")

    def test_is_for_staff_only(self, client, session, stopped, as_member):
        far, frozen, members_of = stopped
        _, headers = as_member()

        assert self.hand_over(client, {}, frozen.id, far.id).status_code == 401
        assert self.hand_over(client, headers, frozen.id, far.id).status_code == 401
        assert upline_of(session, members_of[0]) == frozen.id
