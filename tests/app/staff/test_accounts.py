"""Staff accounts: who manages them, and that somebody always can."""

import threading

import pytest
from sqlalchemy import func, select

from app.staff import queries, service
from app.staff.models import Role, Staff
from app.staff.queries import StaffNotFound
from tests.builders.staff import PASSWORD, make_staff

NEW = {
    "username": "xiaomei",
    "password": "a long password",
    "display_name": "小美",
    "role": "merchant",
}


class TestPasswordChange:
    def test_ends_the_other_sessions_and_goes_on_with_a_new_token(
        self, client, as_staff, token_for
    ):
        staff, here = as_staff(username="lin", role=Role.MERCHANT)
        elsewhere = token_for("staff", staff.id)
        body = {"present_password": PASSWORD, "new_password": "a long password"}

        answer = client.put("/admin/v1/me/password", json=body, headers=here)

        assert answer.status_code == 200
        fresh = {"Authorization": f"Bearer {answer.json['token']}"}
        assert client.get("/admin/v1/me", headers=elsewhere).status_code == 401
        assert client.get("/admin/v1/me", headers=here).status_code == 401
        assert client.get("/admin/v1/me", headers=fresh).status_code == 200

    def test_gives_no_token_to_an_account_switched_off_since_the_request_began(
        self, client, as_staff, session, monkeypatch
    ):
        staff, headers = as_staff(role=Role.MERCHANT)
        change = service.change_password

        def late(session, **given):
            service.deactivate(session, staff_id=staff.id, now=given["now"])
            return change(session, **given)

        monkeypatch.setattr(service, "change_password", late)
        body = {"present_password": PASSWORD, "new_password": "a long password"}

        answer = client.put("/admin/v1/me/password", json=body, headers=headers)

        assert (answer.status_code, answer.json["code"]) == (401, "unauthorized")
        assert "token" not in answer.json

    def test_the_present_password_must_be_right(self, client, as_staff):
        _, headers = as_staff()
        body = {"present_password": "not it", "new_password": "a long password"}

        answer = client.put("/admin/v1/me/password", json=body, headers=headers)

        assert (answer.status_code, answer.json["code"]) == (422, "wrong_password")

    def test_a_short_password_changes_nothing(self, client, as_staff, session):
        staff, headers = as_staff()
        before = staff.password_hash
        body = {"present_password": PASSWORD, "new_password": "123456789"}

        answer = client.put("/admin/v1/me/password", json=body, headers=headers)

        assert answer.status_code == 422
        session.refresh(staff)
        assert staff.password_hash == before

    def test_needs_a_token(self, client):
        body = {"present_password": PASSWORD, "new_password": "a long password"}

        assert client.put("/admin/v1/me/password", json=body).status_code == 401


class TestManaging:
    def test_an_owner_opens_an_account_that_can_sign_in(self, client, as_staff):
        _, owner = as_staff()

        made = client.post("/admin/v1/staff", json=NEW, headers=owner)

        assert made.status_code == 201
        assert made.json | {"id": 0, "created_at": ""} == {
            "id": 0,
            "username": "xiaomei",
            "display_name": "小美",
            "role": "merchant",
            "is_active": True,
            "created_at": "",
        }
        keys = {"username": NEW["username"], "password": NEW["password"]}
        assert client.post("/admin/v1/sessions", json=keys).status_code == 201
        listed = client.get("/admin/v1/staff", headers=owner).json["items"]
        assert [each["role"] for each in listed] == ["owner", "merchant"]

    def test_a_username_is_used_once_in_any_case(self, client, as_staff):
        _, owner = as_staff(username="xiaomei")

        answer = client.post("/admin/v1/staff", json=NEW | {"username": "XiaoMei"}, headers=owner)

        assert (answer.status_code, answer.json["code"]) == (409, "username_taken")

    @pytest.mark.parametrize(
        "wrong",
        [
            {"username": "x"},
            {"username": "有 空格"},
            {"username": "x" * 33},
            {"password": "short"},
            {"display_name": ""},
            {"display_name": "名" * 33},
            {"role": "god"},
            {"role": None},
            {"is_active": True},
        ],
    )
    def test_wrong_fields_open_nothing(self, client, as_staff, session, wrong):
        _, owner = as_staff()

        answer = client.post("/admin/v1/staff", json=NEW | wrong, headers=owner)

        assert answer.status_code == 422
        assert session.scalar(select(func.count(Staff.id))) == 1

    def test_switching_an_account_off_ends_its_sessions_and_on_lets_it_in_again(
        self, client, as_staff
    ):
        _, owner = as_staff()
        other, others = as_staff(username="lin", role=Role.MERCHANT)
        keys = {"username": "lin", "password": PASSWORD}

        off = client.post(f"/admin/v1/staff/{other.id}/deactivate", headers=owner)
        assert off.json["is_active"] is False
        assert client.get("/admin/v1/me", headers=others).status_code == 401
        assert client.post("/admin/v1/sessions", json=keys).status_code == 401

        on = client.post(f"/admin/v1/staff/{other.id}/reactivate", headers=owner)
        assert on.json["is_active"] is True
        assert client.post("/admin/v1/sessions", json=keys).status_code == 201

    def test_the_last_owner_stays(self, client, as_staff):
        staff, owner = as_staff()
        as_staff(role=Role.MERCHANT)

        answer = client.post(f"/admin/v1/staff/{staff.id}/deactivate", headers=owner)

        assert (answer.status_code, answer.json["code"]) == (409, "last_owner")

    def test_an_owner_resets_a_forgotten_password(self, client, as_staff):
        _, owner = as_staff()
        other, others = as_staff(username="lin", role=Role.MERCHANT)

        answer = client.put(
            f"/admin/v1/staff/{other.id}/password",
            json={"new_password": "a long password"},
            headers=owner,
        )

        assert answer.status_code == 200
        assert client.get("/admin/v1/me", headers=others).status_code == 401
        keys = {"username": "lin", "password": "a long password"}
        assert client.post("/admin/v1/sessions", json=keys).status_code == 201

    @pytest.mark.race
    def test_two_owners_who_switch_each_other_off_at_once_leave_one(self, app, as_staff, session):
        (one, ones), (other, others) = as_staff(), as_staff()
        statuses = []

        def off(staff_id, headers):
            path = f"/admin/v1/staff/{staff_id}/deactivate"
            statuses.append(app.test_client().post(path, headers=headers).status_code)

        threads = [
            threading.Thread(target=off, args=(other.id, ones)),
            threading.Thread(target=off, args=(one.id, others)),
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        # The loser is refused as the last owner, or has already lost the right to ask.
        assert statuses.count(200) == 1
        assert set(statuses) <= {200, 401, 403, 409}
        assert session.scalar(select(func.count(Staff.id)).where(Staff.is_active)) == 1


OWNERS_ONLY = [
    ("GET", "/admin/v1/staff", None),
    ("POST", "/admin/v1/staff", NEW),
    ("POST", "/admin/v1/staff/1/deactivate", None),
    ("POST", "/admin/v1/staff/1/reactivate", None),
    ("PUT", "/admin/v1/staff/1/password", {"new_password": "a long password"}),
    ("GET", "/admin/v1/audit-log", None),
]


class TestRoles:
    @pytest.mark.parametrize(("method", "path", "body"), OWNERS_ONLY)
    def test_a_merchant_may_not_manage_and_a_stranger_even_less(
        self, client, as_staff, method, path, body
    ):
        _, merchant = as_staff(role=Role.MERCHANT)

        refused = client.open(path, method=method, json=body, headers=merchant)

        assert (refused.status_code, refused.json["code"]) == (403, "forbidden")
        assert client.open(path, method=method, json=body).status_code == 401

    @pytest.mark.parametrize(("method", "path", "body"), OWNERS_ONLY[2:5])
    def test_an_unknown_account_is_not_found(self, client, as_staff, method, path, body):
        _, owner = as_staff()

        answer = client.open(path.replace("/1/", "/404/"), method=method, json=body, headers=owner)

        assert (answer.status_code, answer.json["code"]) == (404, "staff_not_found")

    def test_an_account_that_is_off_has_no_role_even_with_a_live_token(self, client, as_staff):
        _, headers = as_staff(is_active=False)

        assert client.get("/admin/v1/staff", headers=headers).status_code == 403


def test_nobody_has_an_unknown_id(session):
    make_staff(session)

    with pytest.raises(StaffNotFound):
        queries.get(session, 404)


class TestCommand:
    def test_opens_an_owner_with_the_password_of_standard_input(self, app, client):
        result = app.test_cli_runner().invoke(
            args=["staff-add", "Boss", "--name", "老板"], input="a long password\n"
        )

        assert result.exit_code == 0, result.output
        assert "owner boss may sign in now" in result.output
        keys = {"username": "boss", "password": "a long password"}
        assert client.post("/admin/v1/sessions", json=keys).json["staff"]["role"] == "owner"

    @pytest.mark.parametrize(
        ("username", "password", "why"),
        [("boss", "short", "password"), ("b", "a long password", "username")],
    )
    def test_refuses_what_the_api_would_refuse(self, app, session, username, password, why):
        result = app.test_cli_runner().invoke(args=["staff-add", username], input=password)

        assert result.exit_code == 1
        assert why in result.output
        assert session.scalar(select(func.count(Staff.id))) == 0

    def test_refuses_a_username_that_is_taken(self, app, as_staff):
        as_staff(username="boss")

        result = app.test_cli_runner().invoke(
            args=["staff-add", "boss", "--role", "merchant"], input="a long password\n"
        )

        assert result.exit_code == 1
        assert "taken" in result.output

    def test_asks_a_person_at_a_terminal_twice(self, app, session, monkeypatch):
        monkeypatch.setattr("app.staff.commands.is_terminal", lambda: True)

        result = app.test_cli_runner().invoke(
            args=["staff-add", "boss"], input="a long password\na long password\n"
        )

        assert result.exit_code == 0, result.output
        assert "a long password" not in result.output
        assert session.scalar(select(Staff.username)) == "boss"
