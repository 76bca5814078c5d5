"""Becoming a distributor over HTTP: what members are told and asked, and what staff decide."""

import pytest

from app.distributors import joining_wording as wording
from distribution.team import joining, joining_rules
from distribution.team.states import Joining
from tests.builders.catalogue import make_spu
from tests.builders.distribution import make_joining_rules
from tests.builders.members import make_member

RULES = "/admin/v1/joining-rules"
PAGE = "/api/v1/distributor/joining"
APPLY = "/api/v1/distributor/apply"
LEAVE = "/api/v1/distributor/leave"
ADULT = {"is_adult": True}
BAD_REASONS = [
    {}, {"reason": ""}, {"reason": "长" * 201}, {"reason": 1}, {"reason": "a\x00b"},
    {"reason": "刷单", "unknown": 1},
]  # fmt: skip


MOVES = {
    "approve": "/admin/v1/distributors/{}/approve",
    "refuse": "/admin/v1/distributors/{}/refuse",
    "appoint": "/admin/v1/distributors/{}/appoint",
    "freeze": "/admin/v1/distributors/{}/freeze",
    "resume": "/admin/v1/distributors/{}/resume",
}


def staff_url(member, move):
    return MOVES[move].format(member.id)


def set_rules(session, way, **more):
    make_joining_rules(session, way=way, **more)
    session.commit()


class TestRules:
    def test_every_way_is_shown_with_what_the_law_says_of_it(self, client, as_staff):
        shown = client.get(RULES, headers=as_staff).json

        assert (shown["version"], shown["way"]) == (0, "approval")
        notes = {each["way"]: each["compliance_note"] for each in shown["choices"]}
        assert set(notes) == set(Joining) == set(wording.WAYS)
        assert all("禁止传销条例" in note and "18 周岁" in note for note in notes.values())
        for way in ("spending", "goods"):
            assert "不影响佣金比例和分销等级" in notes[way]
            assert "变相交纳费用" in notes[way]

    def test_a_way_is_put_in_force_and_answered_with_its_note(self, client, session, as_staff):
        answer = client.put(
            RULES,
            headers=as_staff,
            json={"way": "spending", "spend_fen": 9_900, "in_one_order": True},
        )

        assert answer.status_code == 200, answer.json
        assert (answer.json["spend_fen"], answer.json["in_one_order"]) == (9_900, True)
        assert answer.json["compliance_note"] == wording.NOTES[Joining.SPENDING]
        assert joining_rules.current(session).way == "spending"

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({}, "way"),
            ({"way": "paid"}, "way"),
            ({"way": None}, "way"),
            ({"way": "spending"}, "spend_fen"),
            ({"way": "open", "spend_fen": 1}, "spend_fen"),
            ({"way": "spending", "spend_fen": 0}, "spend_fen"),
            ({"way": "spending", "spend_fen": 1.5}, "spend_fen"),
            ({"way": "spending", "spend_fen": "1"}, "spend_fen"),
            ({"way": "spending", "spend_fen": 10_000_001}, "spend_fen"),
            ({"way": "goods"}, "spu_ids"),
            ({"way": "goods", "spu_ids": [999_999]}, "spu_ids"),
            ({"way": "goods", "spu_ids": 1}, "spu_ids"),
            ({"way": "goods", "spu_ids": list(range(1, 202))}, "spu_ids"),
            ({"way": "open", "in_one_order": True}, "in_one_order"),
            ({"way": "open", "counts_at_payment": 1}, "counts_at_payment"),
            ({"way": "open", "fee_fen": 9_900}, "fee_fen"),
        ],
    )
    def test_what_makes_no_sense_is_refused_and_changes_nothing(
        self, client, session, as_staff, body, field
    ):
        answer = client.put(RULES, headers=as_staff, json=body)

        assert (answer.status_code, answer.json["code"]) == (422, "invalid_fields")
        assert any(name.split(".")[0] == field for name in answer.json["errors"]), answer.json
        assert joining_rules.current(session).version == 0

    def test_is_for_staff_only(self, client, session, as_member):
        for headers in ({}, as_member()[1]):
            assert client.put(RULES, headers=headers, json={"way": "open"}).status_code == 401
            assert client.get(RULES, headers=headers).status_code == 401
        assert joining_rules.current(session).version == 0


class TestPage:
    def test_says_what_is_missing_and_what_there_is_to_declare(self, client, session, as_member):
        set_rules(session, Joining.SPENDING, spend_fen=10_000)
        _, headers = as_member()

        shown = client.get(PAGE, headers=headers).json

        assert (shown["status"], shown["may_apply"]) == (None, True)
        assert "满 ¥100.00" in shown["text"]
        assert "18 周岁" in shown["declaration"]
        assert shown["needs"] == [
            {"text": "实付金额", "needed": 10_000, "reached": 0, "is_met": False}
        ]

    def test_names_the_products_of_which_one_is_to_be_bought(self, client, session, as_member):
        spu = make_spu(session)
        set_rules(session, Joining.GOODS, spu_ids=(spu.id,))

        shown = client.get(PAGE, headers=as_member()[1]).json

        assert shown["products"] == [{"spu_id": spu.id, "title": spu.title}]
        assert (shown["needs"][0]["needed"], shown["needs"][0]["reached"]) == (1, 0)

    @pytest.mark.parametrize("way", list(Joining))
    def test_has_words_for_every_way(self, client, session, as_member, way):
        more = {"spending": {"spend_fen": 5}, "goods": {"spu_ids": (make_spu(session).id,)}}
        set_rules(session, way, **more.get(way, {}))

        shown = client.get(PAGE, headers=as_member()[1]).json

        assert shown["text"]
        assert shown["may_apply"] == (way != "appointed")

    def test_tells_why_an_application_was_refused(self, client, session, as_member, now):
        member, headers = as_member()
        joining.join(session, member_id=member.id, now=now)
        joining.refuse(session, member_id=member.id, reason="资料不全", now=now)
        session.commit()

        shown = client.get(PAGE, headers=headers).json

        assert (shown["status"], shown["status_reason"]) == ("refused", "资料不全")
        assert shown["may_apply"]

    def test_needs_a_token(self, client):
        assert client.get(PAGE).status_code == 401


class TestApply:
    @pytest.mark.parametrize(
        "body",
        [{}, {"is_adult": False}, {"is_adult": "true"}, {"is_adult": 1},
         {"is_adult": None}, {"is_adult": True, "fee_fen": 1}],
    )  # fmt: skip
    def test_needs_the_declaration_to_be_of_age(self, client, session, as_member, body):
        member, headers = as_member()

        answer = client.post(APPLY, headers=headers, json=body)

        assert answer.status_code == 422, answer.json
        with pytest.raises(joining.UnknownDistributor):
            joining.get(session, member.id)

    def test_is_refused_where_staff_appoint(self, client, session, as_member):
        set_rules(session, Joining.APPOINTED)

        answer = client.post(APPLY, headers=as_member()[1], json=ADULT)

        assert (answer.status_code, answer.json["code"]) == (409, "distributors_appointed")

    def test_goes_on_after_an_appointment(self, client, session, as_member, as_staff):
        set_rules(session, Joining.APPOINTED)
        member, headers = as_member()

        made = client.post(staff_url(member, "appoint"), headers=as_staff, json={"reason": "店员"})
        shown = client.get(PAGE, headers=headers).json
        begun = client.post(APPLY, headers=headers, json=ADULT)

        assert (made.status_code, made.json["status"]) == (200, "invited")
        assert (shown["status"], shown["may_apply"]) == ("invited", True)
        assert begun.json["status"] == "active"
        assert made.json["declared_at"] is None
        assert begun.json["declared_at"] is not None


class TestLeave:
    def test_ends_it_and_again_changes_nothing(self, client, as_distributor):
        _, headers = as_distributor()

        first = client.post(LEAVE, headers=headers)
        again = client.post(LEAVE, headers=headers)

        assert (first.status_code, first.json["status"]) == (200, "left")
        assert again.json == first.json

    def test_is_for_who_is_one(self, client, as_member):
        answer = client.post(LEAVE, headers=as_member()[1])

        assert (answer.status_code, answer.json["code"]) == (404, "not_a_distributor")
        assert client.post(LEAVE).status_code == 401


class TestSignIn:
    def sign_in(self, client, wechat, **body):
        answer = client.post("/api/v1/sessions", json={"code": wechat.login_code(), **body})
        assert answer.status_code == 201, answer.json
        return answer.json["member"]["id"]

    @pytest.mark.parametrize(
        ("way", "body", "is_one"),
        [("everyone", ADULT, True), ("everyone", {}, False), ("open", ADULT, False)],
    )
    def test_makes_everybody_who_declares_a_distributor_where_the_merchant_wants_it(
        self, client, session, wechat, way, body, is_one
    ):
        set_rules(session, Joining(way))

        member_id = self.sign_in(client, wechat, **body)

        page = joining.history(session, member_id)
        assert [each.status for each in page] == (["active"] if is_one else [])


class TestStaff:
    @pytest.fixture
    def applicant(self, session, as_member, now):
        member, _ = as_member()
        joining.join(session, member_id=member.id, now=now)
        session.commit()
        return member

    def test_refuses_with_a_reason_and_the_history_says_who(
        self, client, applicant, as_staff, staff_id
    ):
        refused = client.post(
            staff_url(applicant, "refuse"), headers=as_staff, json={"reason": "资料不全"}
        )
        history = client.get(
            f"/admin/v1/distributors/{applicant.id}/history", headers=as_staff
        ).json

        assert (refused.json["status"], refused.json["status_reason"]) == ("refused", "资料不全")
        assert [
            (each["from_status"], each["status"], each["reason"], each["actor"])
            for each in history["statuses"]
        ] == [
            ("pending", "refused", "资料不全", f"staff:{staff_id}"),
            (None, "pending", None, "member"),
        ]

    @pytest.mark.parametrize("move", ["refuse", "appoint", "freeze"])
    @pytest.mark.parametrize("body", BAD_REASONS)
    def test_needs_a_readable_reason(self, client, session, applicant, as_staff, move, body):
        answer = client.post(staff_url(applicant, move), headers=as_staff, json=body)

        assert (answer.status_code, answer.json["code"]) == (422, "invalid_fields")
        assert joining.get(session, applicant.id).status == "pending"

    @pytest.mark.parametrize("move", ["refuse", "appoint"])
    def test_a_move_the_status_does_not_allow_changes_nothing(
        self, client, session, as_distributor, as_staff, move
    ):
        member, _ = as_distributor()

        answer = client.post(staff_url(member, move), headers=as_staff, json={"reason": "误操作"})

        assert (answer.status_code, answer.json["code"]) == (409, "distributor_status_conflict")
        assert answer.json["distributor_status"] == "active"
        assert joining.get(session, member.id).status == "active"

    def test_who_never_applied_can_be_appointed_but_not_refused(self, client, as_member, as_staff):
        member, _ = as_member()
        because = {"reason": "资料不全"}

        refused = client.post(staff_url(member, "refuse"), headers=as_staff, json=because)
        unknown = client.get(f"/admin/v1/distributors/{member.id}/history", headers=as_staff)

        assert (refused.status_code, refused.json["code"]) == (404, "not_a_distributor")
        assert unknown.status_code == 404

    def test_nobody_who_is_not_there_is_appointed(self, client, session, as_staff, now):
        gone = make_member(session)
        gone.status, gone.deleted_at, gone.openid = "deleted", now, "deleted:1"
        gone.session_key_sealed = None
        session.commit()

        for member_id in (gone.id, 999_999):
            url = f"/admin/v1/distributors/{member_id}/appoint"
            answer = client.post(url, headers=as_staff, json={"reason": "店员"})
            assert (answer.status_code, answer.json["code"]) == (404, "member_not_found")

    @pytest.mark.parametrize("move", ["approve", "refuse", "appoint", "freeze", "resume"])
    def test_is_for_staff_only(self, client, session, applicant, as_member, move):
        for headers in ({}, as_member()[1]):
            answer = client.post(
                staff_url(applicant, move), headers=headers, json={"reason": "资料不全"}
            )
            assert answer.status_code == 401
        assert joining.get(session, applicant.id).status == "pending"
