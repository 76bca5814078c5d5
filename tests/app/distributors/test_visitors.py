"""Clicks of people we do not know yet, and being bound by them at sign-in."""

from datetime import timedelta

import pytest

from distribution.team import rebinding
from distribution.team.models import Binding, ShareClick
from distribution.team.states import BindingMode
from tests.app.distributors.conftest import clicks_of, code_of
from tests.builders import distribution as engine

BIND = "/api/v1/distributor/bind"
CLICKS = "/api/v1/distributor/clicks"
VISITS = "/api/v1/share-clicks"
KEY = "device-0123456789"
DAY = timedelta(days=1)

pytestmark = pytest.mark.usefixtures("proven")


class TestVisitors:
    def visit(self, client, **body):
        return client.post(VISITS, json={"source": "link", "visitor_key": KEY, **body})

    def sign_in(self, client, wechat, **body):
        answer = client.post(
            "/api/v1/sessions",
            json={"code": wechat.login_code("o-new"), "visitor_key": KEY, **body},
        )
        assert answer.status_code == 201, answer.json
        return answer.json["member"]["id"]

    def bound(self, session, member_id):
        session.rollback()
        found = session.get(Binding, member_id)
        return found.upline_member_id if found else None

    def test_the_first_click_counts_when_the_visitor_signs_in(
        self, client, session, wechat, as_distributor
    ):
        first, _ = as_distributor()
        second, _ = as_distributor()

        for upline in (first, second):
            answer = self.visit(client, invite_code=code_of(session, upline), source="channel")
            assert (answer.status_code, answer.data) == (204, b"")
        member_id = self.sign_in(client, wechat, scene=f"i={code_of(session, second)}")

        assert self.bound(session, member_id) == first.id
        (logged,) = rebinding.history(session, member_id)
        assert logged.origin == "channel"
        click = session.get(ShareClick, logged.click_id)
        assert (click.upline_member_id, click.member_id) == (first.id, None)
        assert KEY not in click.visitor_key

    def test_the_latest_counts_where_that_is_the_rule_and_the_scene_is_the_latest(
        self, client, session, wechat, as_distributor, rules
    ):
        rules(mode=BindingMode.LAST_TOUCH)
        first, _ = as_distributor()
        second, _ = as_distributor()
        third, _ = as_distributor()
        for upline in (first, second):
            self.visit(client, invite_code=code_of(session, upline))

        member_id = self.sign_in(client, wechat)
        assert self.bound(session, member_id) == second.id
        self.sign_in(client, wechat, scene=f"i={code_of(session, third)}&s=9")
        assert self.bound(session, member_id) == third.id

    def test_what_is_typed_comes_before_what_was_clicked(
        self, client, session, wechat, as_distributor
    ):
        clicked, _ = as_distributor()
        typed, _ = as_distributor()
        self.visit(client, invite_code=code_of(session, clicked))

        member_id = self.sign_in(client, wechat, invite_code=code_of(session, typed))

        assert self.bound(session, member_id) == typed.id

    def test_somebody_elses_key_or_an_old_click_binds_nobody(
        self, client, session, wechat, as_distributor, set_clock, now
    ):
        upline, _ = as_distributor()
        self.visit(client, invite_code=code_of(session, upline), visitor_key="device-of-another")
        set_clock(now - 31 * DAY)
        self.visit(client, invite_code=code_of(session, upline))
        set_clock(now)

        assert self.bound(session, self.sign_in(client, wechat)) is None

    def test_a_distributor_who_signs_in_is_not_bound_to_themselves(self, client, session, wechat):
        member_id = self.sign_in(client, wechat)
        own = engine.make_distributor(session, member_id=member_id).invite_code
        session.commit()
        self.visit(client, invite_code=own)

        self.sign_in(client, wechat, scene=f"i={own}")

        assert self.bound(session, member_id) is None

    @pytest.mark.parametrize(
        "body",
        [
            {"visitor_key": None},
            {"visitor_key": "short"},
            {"visitor_key": "x" * 65},
            {"visitor_key": "device 0123456789"},
            {"visitor_key": KEY + "\n"},
            {"visitor_key": 1234567890123456},
            {"source": "leaving"},
            {"invite_code": "aaaaaaaa"},
            {"unknown": 1},
        ],
    )
    def test_refuses_what_is_no_click(self, client, session, body):
        answer = self.visit(client, **{"invite_code": "AAAAAAAA", **body})

        assert (answer.status_code, answer.json["code"]) == (422, "invalid_fields")
        assert clicks_of(session) == []

    def test_a_code_nobody_has_is_refused(self, client, session):
        answer = self.visit(client, invite_code="ZZZZZZZZ")

        assert (answer.status_code, answer.json["code"]) == (404, "invite_code_unknown")
        assert clicks_of(session) == []

    @pytest.mark.parametrize("key", ["", "short", 7, None, "x" * 65])
    def test_signing_in_refuses_what_is_no_visitor_key(self, client, wechat, key):
        body = {"code": wechat.login_code("o-new"), "visitor_key": key}

        assert client.post("/api/v1/sessions", json=body).status_code == 422

    def test_visiting_has_a_limit_per_address(self, client):
        answers = [
            self.visit(client, invite_code="ZZZZZZZZ", visitor_key=f"{KEY}-{number}").status_code
            for number in range(301)
        ]

        assert answers == [404] * 300 + [429]

    def test_visiting_has_a_limit_per_visitor(self, client):
        answers = [self.visit(client, invite_code="ZZZZZZZZ").status_code for _ in range(121)]

        assert answers == [404] * 120 + [429]
