"""Tokens: signed, short-lived, for one audience, and worthless the moment they are revoked."""

import secrets
from datetime import timedelta

import pytest
from itsdangerous import URLSafeSerializer
from sqlalchemy import func, select

from app.core import auth, clock
from app.core.auth import Audience, AuthSession


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


class TestGuard:
    def test_a_token_tells_the_view_who_is_calling(self, toys, headers):
        assert toys.get("/toy/me", headers=headers()).json == {"id": 7, "name": "shopper"}

    def test_the_scheme_is_read_in_any_case(self, toys, headers):
        token = headers()["Authorization"].removeprefix("Bearer ")

        assert toys.get("/toy/me", headers={"Authorization": f"bearer {token}"}).status_code == 200

    @pytest.mark.parametrize(
        "authorization",
        ["", "Bearer", "Bearer ", "Bearer x", "Basic eDp5", "Bearer a.b.c", "Bearer \u00e9"],
    )
    def test_what_is_no_token_is_refused(self, toys, authorization):
        answer = toys.get("/toy/me", headers={"Authorization": authorization})

        assert (answer.status_code, answer.json["code"]) == (401, "unauthorized")

    @pytest.mark.parametrize("payload", [7, "xy", ["shopper"], {"a": 1, "b": 2}, [["shopper"], 1]])
    def test_a_signature_over_something_else_is_refused(self, toys, toy_app, payload):
        signer = URLSafeSerializer(toy_app.config["SECRET_KEY"], salt="access-token")

        assert toys.get("/toy/me", headers=bearer(signer.dumps(payload))).status_code == 401

    def test_another_secret_signs_nothing_here(self, toys):
        forged = URLSafeSerializer("another secret", salt="access-token").dumps(["shopper", 1])

        assert toys.get("/toy/me", headers=bearer(forged)).status_code == 401

    def test_a_new_secret_ends_what_the_old_one_signed(self, toys, toy_app, headers, monkeypatch):
        token = headers()
        assert toys.get("/toy/me", headers=token).status_code == 200

        monkeypatch.setitem(toy_app.config, "SECRET_KEY", secrets.token_hex())
        assert toys.get("/toy/me", headers=token).status_code == 401

    def test_a_token_for_staff_opens_nothing_for_shoppers(self, toys, token_for):
        assert toys.get("/toy/me", headers=token_for(Audience.STAFF, 7)).status_code == 401

    def test_a_token_whose_session_is_gone_opens_nothing(self, toys, headers, session):
        token = headers()
        session.query(AuthSession).delete()
        session.commit()

        assert toys.get("/toy/me", headers=token).status_code == 401

    def test_public_routes_ask_nobody_but_know_they_are_public(self, toys):
        assert toys.get("/open/who").json["name"] == "public"

    def test_a_token_ends_after_its_minutes(self, toys, headers, now, set_clock):
        set_clock(now)
        token = headers()

        set_clock(now + timedelta(minutes=120, seconds=-1))
        assert toys.get("/toy/me", headers=token).status_code == 200
        set_clock(now + timedelta(minutes=120))
        assert toys.get("/toy/me", headers=token).status_code == 401


class TestRevoking:
    def test_ends_this_session_and_no_other(self, toys, headers, token_for):
        here, elsewhere = headers(), token_for(Audience.SHOPPER, 7)

        toys.delete("/toy/session", headers=here)

        assert toys.get("/toy/me", headers=here).status_code == 401
        assert toys.get("/toy/me", headers=elsewhere).status_code == 200

    def test_of_everything_ends_every_session_of_one_subject_only(
        self, toys, headers, token_for, session, now
    ):
        mine = [headers(), token_for(Audience.SHOPPER, 7)]
        another = token_for(Audience.SHOPPER, 8)
        token_for(Audience.STAFF, 7)

        auth.revoke_all(session, audience=Audience.SHOPPER, subject_id=7, now=now)
        session.commit()

        assert [toys.get("/toy/me", headers=each).status_code for each in mine] == [401, 401]
        assert toys.get("/toy/me", headers=another).status_code == 200
        alive = select(func.count()).where(AuthSession.revoked_at.is_(None))
        assert session.scalar(alive) == 2

    def test_keeps_the_moment_of_the_first_time(self, session, now):
        auth.issue(session, audience=Audience.SHOPPER, subject_id=7, now=now)
        for moment in (now, now + timedelta(hours=1)):
            auth.revoke_all(session, audience=Audience.SHOPPER, subject_id=7, now=moment)

        assert session.scalar(select(AuthSession.revoked_at)) == now


def test_the_clock_in_force_is_the_one_asked(session, now, set_clock):
    set_clock(now)

    _, expires_at = auth.issue(session, audience=Audience.STAFF, subject_id=1, now=clock.now())

    assert expires_at == now + timedelta(minutes=120)


class TestAgainstACrowd:
    @pytest.fixture
    def storm(self, toys):
        def post(headers, number=1, key="key-00000001"):
            headers = {**headers, "Idempotency-Key": key}
            return toys.post(f"/toy/stormed/{number}", headers=headers)

        return post

    def test_a_view_may_refuse_before_the_database_is_asked(self, storm, headers, session):
        token = headers()
        session.query(AuthSession).delete()
        session.commit()

        assert storm(token, number=13).status_code == 409
        assert storm(token).status_code == 401

    def test_but_never_whoever_has_no_token_of_ours(self, storm):
        assert storm({}, number=13).status_code == 401
        assert storm(bearer("forged"), number=13).status_code == 401

    def test_who_was_asked_about_lately_is_presumed(self, toys, headers, session):
        token = headers()
        assert toys.get("/toy/stormed", headers=token).json["id"] == 7
        session.query(AuthSession).delete()
        session.commit()

        assert toys.get("/toy/stormed", headers=token).json["id"] == 7
        assert toys.get("/toy/me", headers=token).status_code == 401

    def test_whoever_is_let_in_is_confirmed_by_the_database(self, storm, toy, headers, session):
        token = headers()
        assert storm(token).status_code == 201
        assert storm(token, key="key-00000002").status_code == 201
        session.query(AuthSession).delete()
        session.commit()

        assert storm(token, key="key-00000003").status_code == 401
        assert toy.runs == [1, 1]
