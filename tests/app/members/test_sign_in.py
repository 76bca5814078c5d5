"""Signing in with a code of `wx.login`: one member per person, bound to whoever brought them."""

import threading

import pytest
from sqlalchemy import func, select

from app.core import crypto
from app.members.models import Member
from distribution.team.models import Binding
from tests.builders import distribution as distributors
from tests.builders.members import make_member


def sign_in(client, wechat, openid="o-lin", **body):
    return client.post("/api/v1/sessions", json={"code": wechat.login_code(openid), **body})


class TestSignIn:
    def test_makes_a_member_on_the_first_sign_in_and_finds_it_afterwards(self, client, wechat):
        first, again = sign_in(client, wechat), sign_in(client, wechat)

        assert first.status_code == again.status_code == 201
        assert first.json["member"]["id"] == again.json["member"]["id"]
        assert first.json["token"] != again.json["token"]
        assert first.json["member"]["nickname"] == ""

    def test_answers_a_token_that_opens_the_shoppers_routes(self, client, wechat):
        token = sign_in(client, wechat).json["token"]

        me = client.get("/api/v1/me", headers={"Authorization": f"Bearer {token}"})

        assert me.status_code == 200

    def test_the_session_key_is_kept_sealed_and_only_the_newest(self, client, wechat, session):
        sign_in(client, wechat)
        first = session.scalar(select(Member.session_key_sealed))
        sign_in(client, wechat)
        session.rollback()
        newest = session.scalar(select(Member.session_key_sealed))

        assert crypto.open_sealed(first) != crypto.open_sealed(newest)
        assert len(crypto.open_sealed(newest)) == 24

    def test_neither_openid_nor_session_key_is_answered(self, client, wechat):
        answer = sign_in(client, wechat, openid="o-secret").text

        assert "o-secret" not in answer
        assert "session_key" not in answer

    def test_a_unionid_that_appears_later_is_added_and_one_that_is_missing_is_kept(
        self, client, wechat, session
    ):
        sign_in(client, wechat)
        client.post("/api/v1/sessions", json={"code": wechat.login_code("o-lin", unionid="u-1")})
        assert session.scalar(select(Member.unionid)) == "u-1"

    def test_a_used_code_is_refused_and_asks_for_a_new_one(self, client, wechat):
        code = wechat.login_code("o-lin")
        client.post("/api/v1/sessions", json={"code": code})

        answer = client.post("/api/v1/sessions", json={"code": code})

        assert (answer.status_code, answer.json["code"]) == (422, "wechat_code_refused")

    def test_a_user_wechat_blocks_makes_no_member(self, client, wechat, session):
        wechat.control("POST", "mini/users", openid="o-lin", blocked=True)

        answer = sign_in(client, wechat)

        assert (answer.status_code, answer.json["code"]) == (403, "wechat_user_blocked")
        assert session.scalar(select(func.count(Member.id))) == 0

    def test_without_wechat_settings_signing_in_is_unavailable(self, client):
        answer = client.post("/api/v1/sessions", json={"code": "x"})

        assert (answer.status_code, answer.json["code"]) == (503, "wechat_not_configured")

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"code": ""},
            {"code": 1},
            {"code": "x" * 129},
            {"code": "a\u0000b"},
            {"code": "x", "openid": "o-forged"},
            {"code": "x", "invite_code": "A" * 33},
            {"code": "x", "scene": "i=" * 40},
            {"code": "x", "scene": None},
            [],
        ],
    )
    def test_a_wrong_body_is_refused(self, client, wechat, body):
        answer = client.post("/api/v1/sessions", json=body)

        assert answer.status_code == 422
        assert answer.content_type.startswith("application/problem+json")

    def test_the_same_code_may_be_tried_only_a_few_times(self, client, wechat):
        statuses = [
            client.post("/api/v1/sessions", json={"code": "wrong"}).status_code for _ in range(6)
        ]

        assert statuses == [422] * 5 + [429]

    @pytest.mark.race
    def test_eight_first_sign_ins_of_one_openid_at_once_make_one_member(self, app, wechat, session):
        codes = [wechat.login_code("o-lin") for _ in range(8)]
        answers = []

        def go(code):
            answers.append(app.test_client().post("/api/v1/sessions", json={"code": code}))

        threads = [threading.Thread(target=go, args=(code,)) for code in codes]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert [answer.status_code for answer in answers] == [201] * 8
        assert session.scalar(select(func.count(Member.id))) == 1
        assert len({answer.json["token"] for answer in answers}) == 8


class TestBinding:
    @pytest.fixture
    def distributor(self, session):
        made = distributors.make_distributor(session, member_id=make_member(session).id)
        session.commit()
        return made

    def test_the_scene_of_a_shared_code_binds_the_upline(
        self, client, wechat, session, distributor
    ):
        member_id = sign_in(client, wechat, scene=f"i={distributor.invite_code}&s=7").json[
            "member"
        ]["id"]

        assert session.get(Binding, member_id).upline_member_id == distributor.member_id

    def test_an_invite_code_binds_in_any_case_of_letters(
        self, client, wechat, session, distributor
    ):
        typed = distributor.invite_code.lower()

        member_id = sign_in(client, wechat, invite_code=typed).json["member"]["id"]

        assert session.get(Binding, member_id).upline_member_id == distributor.member_id

    @pytest.mark.parametrize(
        "brought_by",
        [
            {"invite_code": "NOBODY22"},
            {"scene": "i=NOBODY22"},
            {"scene": "utm_source=poster"},
            {"invite_code": "邀请码"},
        ],
    )
    def test_a_bad_invitation_never_fails_the_sign_in(self, client, wechat, session, brought_by):
        answer = sign_in(client, wechat, **brought_by)

        assert answer.status_code == 201
        assert session.scalar(select(func.count(Binding.member_id))) == 0

    def test_the_first_touch_counts_for_good(self, client, wechat, session, distributor):
        later = distributors.make_distributor(session, member_id=make_member(session).id)
        session.commit()
        sign_in(client, wechat, invite_code=distributor.invite_code)

        answer = sign_in(client, wechat, invite_code=later.invite_code)

        assert answer.status_code == 201
        member_id = answer.json["member"]["id"]
        assert session.get(Binding, member_id).upline_member_id == distributor.member_id


class TestSignOut:
    def test_revokes_this_token_and_leaves_the_others(self, client, as_member, token_for):
        member, here = as_member()
        elsewhere = token_for("shopper", member.id)

        assert client.delete("/api/v1/sessions/current", headers=here).status_code == 204

        assert client.get("/api/v1/me", headers=here).status_code == 401
        assert client.get("/api/v1/me", headers=elsewhere).status_code == 200

    def test_needs_a_token(self, client):
        assert client.delete("/api/v1/sessions/current").status_code == 401
