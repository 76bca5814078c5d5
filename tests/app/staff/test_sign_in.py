"""Staff sign-in: argon2id, the same words and time for every refusal, few tries."""

import time

import pytest
from argon2 import PasswordHasher

from app.staff import passwords
from tests.builders.staff import PASSWORD, make_staff


def sign_in(client, username, password=PASSWORD):
    return client.post("/admin/v1/sessions", json={"username": username, "password": password})


class TestSignIn:
    def test_opens_the_staff_routes_and_only_those(self, client, as_staff):
        as_staff(username="lin")

        answer = sign_in(client, "LIN")

        assert answer.status_code == 201
        assert answer.json["staff"]["username"] == "lin"
        headers = {"Authorization": f"Bearer {answer.json['token']}"}
        assert client.get("/admin/v1/me", headers=headers).status_code == 200
        assert client.get("/api/v1/me", headers=headers).status_code == 401

    def test_a_shoppers_token_opens_no_staff_route(self, client, as_staff, token_for):
        staff, _ = as_staff()

        answer = client.get("/admin/v1/me", headers=token_for("shopper", staff.id))

        assert answer.status_code == 401

    def test_refuses_all_wrong_credentials_in_the_same_words(self, client, as_staff):
        as_staff(username="lin")
        as_staff(username="gone", is_active=False)

        answers = [
            sign_in(client, "lin", "wrong password"),
            sign_in(client, "gone"),
            sign_in(client, "nobody"),
        ]

        assert {answer.status_code for answer in answers} == {401}
        documents = [{**answer.json, "request_id": ""} for answer in answers]
        assert documents[0]["code"] == "wrong_credentials"
        assert documents[0] == documents[1] == documents[2]

    def test_an_unknown_name_takes_as_long_as_a_wrong_password(self, client, as_staff):
        as_staff(username="lin")

        def seconds(username):
            began = time.perf_counter()
            sign_in(client, username, "wrong password")
            return time.perf_counter() - began

        known = min(seconds("lin") for _ in range(5))
        unknown = min(seconds("nobody") for _ in range(5))

        assert 0.5 < known / unknown < 2

    def test_a_hash_of_outdated_cost_is_renewed_on_the_way(self, client, session, as_staff):
        staff, _ = as_staff(username="lin")
        cheap = PasswordHasher(time_cost=1, memory_cost=1024).hash(PASSWORD)
        staff.password_hash = cheap
        session.commit()

        assert sign_in(client, "lin").status_code == 201

        session.refresh(staff)
        assert staff.password_hash != cheap
        assert not passwords.is_outdated(staff.password_hash)
        assert sign_in(client, "lin").status_code == 201

    def test_twenty_tries_for_a_name_are_enough(self, client):
        statuses = [sign_in(client, "lin").status_code for _ in range(21)]

        assert statuses == [401] * 20 + [429]

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"username": "lin"},
            {"username": "lin", "password": ""},
            {"username": "lin", "password": "x" * 129},
            {"username": "x" * 65, "password": "x"},
            {"username": "lin", "password": 1},
            {"username": "lin", "password": "x", "role": "owner"},
        ],
    )
    def test_a_wrong_body_is_refused(self, client, body):
        assert client.post("/admin/v1/sessions", json=body).status_code == 422

    def test_a_password_with_half_a_character_is_refused(self, client):
        answer = client.post(
            "/admin/v1/sessions",
            data='{"username": "lin", "password": "\\ud800"}',
            content_type="application/json",
        )

        assert answer.status_code == 422

    def test_a_password_is_taken_exactly_as_typed(self, client, session, as_staff):
        staff, _ = as_staff(username="lin")
        staff.password_hash = passwords.hashed("  spaces and 口令 \t ")
        session.commit()

        assert sign_in(client, "lin", "  spaces and 口令 \t ").status_code == 201
        assert sign_in(client, "lin", "spaces and 口令").status_code == 401


class TestSignOut:
    def test_revokes_this_token(self, client, as_staff):
        _, headers = as_staff()

        assert client.delete("/admin/v1/sessions/current", headers=headers).status_code == 204
        assert client.get("/admin/v1/me", headers=headers).status_code == 401

    def test_needs_a_token(self, client):
        assert client.delete("/admin/v1/sessions/current").status_code == 401


def test_nobodys_hash_costs_what_a_hash_costs_today(session):
    assert not passwords.is_outdated(passwords.NOBODYS)
    assert make_staff(session).password_hash.split("$")[:4] == passwords.NOBODYS.split("$")[:4]
