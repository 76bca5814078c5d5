"""Clicks, and being bound by them, signed in or not, as the merchant's rules say."""

from datetime import timedelta

import pytest

from app.distributors import jobs
from app.members import service as members
from app.orders.models import OrderStatus
from distribution.team import rebinding
from distribution.team.states import Bindable, BindingMode, OnLeaving
from tests.app.distributors.conftest import bring, clicks_of, code_of, upline_of
from tests.builders import distribution as engine
from tests.builders.orders import make_order

BIND = "/api/v1/distributor/bind"
CLICKS = "/api/v1/distributor/clicks"
VISITS = "/api/v1/share-clicks"
KEY = "device-0123456789"
DAY = timedelta(days=1)

pytestmark = pytest.mark.usefixtures("proven")


class TestMemberClicks:
    def click(self, client, headers, **body):
        return client.post(CLICKS, headers=headers, json={"source": "link", **body})

    def test_a_click_binds_a_member_who_is_nobodys_and_is_on_record(
        self, client, session, as_distributor, as_member
    ):
        upline, _ = as_distributor(nickname="近水")
        member, headers = as_member()
        code = code_of(session, upline)

        answer = self.click(client, headers, invite_code=code, source="coupon", spu_id=7)
        again = self.click(client, headers, invite_code=code, source="coupon", spu_id=7)

        assert answer.status_code == 200
        assert (answer.json["upline"], answer.json["refused"]) == ("近**", None)
        assert again.json == answer.json
        assert clicks_of(session) == [("coupon", member.id, upline.id, 7)]
        (logged,) = rebinding.history(session, member.id)
        assert (logged.kind, logged.origin, logged.actor) == ("bind", "coupon", None)
        assert logged.click_id is not None

    def test_staff_see_the_click_behind_a_binding(
        self, client, session, as_distributor, as_member, as_staff
    ):
        upline, _ = as_distributor()
        member, headers = as_member()
        scene = f"i={code_of(session, upline)}&s=42"
        self.click(client, headers, scene=scene, source="poster")

        (row,) = client.get(f"/admin/v1/bindings/{member.id}/log", headers=as_staff).json["items"]

        assert (row["origin"], row["origin_name"]) == ("poster", "海报")
        assert (row["click"]["scene"], row["click"]["spu_id"]) == (scene, 42)

    def test_a_scene_carries_the_product_and_the_code(
        self, client, session, as_distributor, as_member
    ):
        upline, _ = as_distributor()
        member, headers = as_member()
        scene = f"i={code_of(session, upline)}&s=42"

        answer = self.click(client, headers, scene=scene, source="poster")

        assert answer.status_code == 200
        assert clicks_of(session) == [("poster", member.id, upline.id, 42)]
        assert upline_of(session, member) == upline.id

    def test_a_click_that_does_not_count_is_recorded_and_says_why(
        self, client, session, as_distributor, as_member
    ):
        first, _ = as_distributor(nickname="近水")
        other, other_headers = as_distributor()
        member, headers = as_member()
        bring(session, member, first)
        bring(session, first, other)

        refused = self.click(client, headers, invite_code=code_of(session, other)).json
        circle = self.click(client, other_headers, invite_code=code_of(session, first)).json

        assert (refused["upline"], refused["refused"]) == ("近**", "upline_already_bound")
        assert (circle["upline"], circle["refused"]) == (None, "upline_cycle")
        assert len(clicks_of(session)) == 2
        assert upline_of(session, member) == first.id

    def test_the_latest_click_takes_over_where_that_is_the_rule(
        self, client, session, as_distributor, as_member, rules
    ):
        rules(mode=BindingMode.LAST_TOUCH)
        first, _ = as_distributor()
        second, _ = as_distributor()
        member, headers = as_member()

        for upline in (first, second, first):
            self.click(client, headers, invite_code=code_of(session, upline))

        assert upline_of(session, member) == first.id
        story = [
            (each.kind, each.previous_upline_id) for each in rebinding.history(session, member.id)
        ]
        assert story == [("rebind", second.id), ("rebind", first.id), ("bind", None)]
        assert len(clicks_of(session)) == 3

    def test_only_new_members_are_bound_where_that_is_the_rule(
        self, client, session, as_distributor, as_member, rules, now
    ):
        rules(bindable=Bindable.NEVER_PAID)
        upline, _ = as_distributor()
        payer, _ = as_member(unionid="u-1")
        buyer, headers = as_member(unionid="u-1")
        fresh, fresh_headers = as_member()
        make_order(session, now=now, buyer=payer, status=OrderStatus.PAID)
        session.commit()
        code = code_of(session, upline)

        refused = self.click(client, headers, invite_code=code).json
        self.click(client, fresh_headers, invite_code=code)
        typed = client.post(BIND, headers=headers, json={"invite_code": code})

        assert refused["refused"] == "member_not_new"
        assert (typed.status_code, typed.json["code"]) == (409, "member_not_new")
        assert (upline_of(session, buyer), upline_of(session, fresh)) == (None, upline.id)

    def test_only_who_has_just_registered_where_that_is_the_rule(
        self, client, session, as_distributor, as_member, rules, now
    ):
        rules(bindable=Bindable.JUST_REGISTERED, new_minutes=10)
        upline, _ = as_distributor()
        old, old_headers = as_member(now=now - timedelta(minutes=11))
        fresh, fresh_headers = as_member(now=now)

        for headers in (old_headers, fresh_headers):
            self.click(client, headers, invite_code=code_of(session, upline))

        assert (upline_of(session, old), upline_of(session, fresh)) == (None, upline.id)

    def test_ones_own_link_and_nobodys_are_refused_and_not_recorded(
        self, client, session, as_distributor
    ):
        own, headers = as_distributor()

        answers = [
            self.click(client, headers, invite_code=code)
            for code in (code_of(session, own), "ZZZZZZZZ")
        ]

        assert [(each.status_code, each.json["code"]) for each in answers] == [
            (409, "own_invite_code"),
            (404, "invite_code_unknown"),
        ]
        assert clicks_of(session) == []

    @pytest.mark.parametrize("same", [{"unionid": "u-1"}, {"phone": "13812345678"}])
    def test_another_account_of_the_same_person_is_the_person(
        self, client, session, as_distributor, as_member, same
    ):
        upline, _ = as_distributor(**same)
        member, headers = as_member(**same)
        code = code_of(session, upline)

        clicked = self.click(client, headers, invite_code=code).json
        typed = client.post(BIND, headers=headers, json={"invite_code": code})

        assert (clicked["upline"], clicked["refused"]) == (None, "own_invite_code")
        assert (typed.status_code, typed.json["code"]) == (409, "own_invite_code")
        assert upline_of(session, member) is None

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"source": "link"},
            {"invite_code": "AAAAAAAA", "source": None},
            {"invite_code": "AAAAAAAA", "source": "staff"},
            {"invite_code": "AAAAAAAA", "source": "order"},
            {"invite_code": "AAAAAAAA", "source": 1},
            {"invite_code": "AAAAAAA1", "source": "link"},
            {"invite_code": "AAAAAAAA", "scene": "i=AAAAAAAA", "source": "link"},
            {"scene": "p=1", "source": "code"},
            {"scene": "i=AAAAAAAA&s=0", "source": "code"},
            {"scene": "i=AAAAAAAA" + "x" * 30, "source": "code"},
            {"invite_code": "AAAAAAAA", "source": "link", "spu_id": 0},
            {"invite_code": "AAAAAAAA", "source": "link", "spu_id": "7"},
            {"invite_code": "AAAAAAAA", "source": "link", "spu_id": 2**63},
            {"invite_code": "AAAAAAAA", "source": "link", "visitor_key": KEY},
            {"invite_code": "AAAAAAAA", "source": "link", "member_id": 1},
        ],
    )
    def test_refuses_what_is_no_click(self, client, session, as_member, body):
        _, headers = as_member()

        answer = client.post(CLICKS, headers=headers, json=body)

        assert (answer.status_code, answer.json["code"]) == (422, "invalid_fields")
        assert clicks_of(session) == []

    def test_clicking_has_a_limit(self, client, as_member):
        _, headers = as_member()

        answers = [self.click(client, headers, invite_code="ZZZZZZZZ") for _ in range(121)]

        assert [each.status_code for each in answers] == [404] * 120 + [429]

    def test_needs_a_token(self, client):
        assert self.click(client, {}, invite_code="ZZZZZZZZ").status_code == 401


class TestClicksOfADistributor:
    def test_lists_who_followed_masked_and_whom_it_made_theirs_page_by_page(
        self, client, session, wechat, as_distributor, as_member
    ):
        upline, headers = as_distributor()
        other, _ = as_distributor()
        _, bound_headers = as_member(nickname="小王")
        taken, taken_headers = as_member(nickname="老李")
        bring(session, taken, other)
        code = code_of(session, upline)
        visit = {"invite_code": code, "visitor_key": KEY}
        client.post(VISITS, json={**visit, "source": "poster", "spu_id": 9})
        for who in (bound_headers, taken_headers):
            client.post(CLICKS, headers=who, json={"invite_code": code, "source": "link"})

        first = client.get("/api/v1/distributor/clicks?limit=2", headers=headers).json
        rest = client.get(
            CLICKS, headers=headers, query_string={"cursor": first["next_cursor"]}
        ).json

        told = [(each["who"], each["source_name"], each["is_bound"]) for each in first["items"]]
        assert told == [("老**", "链接或分享卡片", False), ("小**", "链接或分享卡片", True)]
        (visited,) = rest["items"]
        assert (visited["who"], visited["source"], visited["spu_id"]) == ("访客", "poster", 9)
        assert rest["next_cursor"] is None

        body = {"code": wechat.login_code("o-new"), "visitor_key": KEY}
        client.post("/api/v1/sessions", json=body)
        visited = client.get(CLICKS, headers=headers).json["items"][-1]
        assert (visited["who"], visited["is_bound"]) == ("微信用户", True)

    def test_is_for_distributors(self, client, as_member):
        _, headers = as_member()

        answer = client.get(CLICKS, headers=headers)

        assert (answer.status_code, answer.json["code"]) == (404, "not_a_distributor")
        assert client.get(CLICKS).status_code == 401

    @pytest.mark.parametrize("query", [{"limit": 0}, {"cursor": "?"}, {"unknown": 1}])
    def test_a_bad_page_is_refused(self, client, as_distributor, query):
        _, headers = as_distributor()

        assert client.get(CLICKS, headers=headers, query_string=query).status_code == 422


class TestProtection:
    def test_an_order_of_the_member_prolongs_it_and_pays_the_upline(
        self, client, session, as_distributor, as_member, rules, now, two_levels
    ):
        rules(mode=BindingMode.PROTECTED, protect_days=10, extend_days=20)
        upline, headers = as_distributor()
        member, _ = as_member()
        engine.bind(session, member_id=member.id, upline_id=upline.id, now=now - 9 * DAY)
        order = make_order(session, now=now, buyer=member, status=OrderStatus.PAID)
        session.commit()

        (latest, _) = rebinding.history(session, member.id)
        assert (latest.kind, latest.actor) == ("extend", order.source)
        assert latest.protection_ends_at > now + 19 * DAY
        assert client.get("/api/v1/distributor", headers=headers).json["frozen_fen"] > 0

    def test_after_it_the_order_pays_nobody_and_another_takes_over(
        self, client, session, as_distributor, as_member, rules, now, two_levels
    ):
        rules(mode=BindingMode.PROTECTED, protect_days=10, extend_days=20)
        upline, headers = as_distributor()
        other, _ = as_distributor()
        member, member_headers = as_member()
        engine.bind(session, member_id=member.id, upline_id=upline.id, now=now - 11 * DAY)
        make_order(session, now=now, buyer=member, status=OrderStatus.PAID)
        session.commit()

        body = {"invite_code": code_of(session, other)}
        answer = client.post(BIND, headers=member_headers, json=body)

        assert answer.status_code == 200
        assert answer.json["protection_ends_at"] is not None
        assert upline_of(session, member) == other.id
        assert client.get("/api/v1/distributor", headers=headers).json["frozen_fen"] == 0


class TestLeaving:
    @pytest.mark.parametrize("on_leaving", OnLeaving)
    def test_the_team_of_who_deletes_the_account_stays_or_is_released(
        self, session, as_distributor, as_member, rules, now, on_leaving
    ):
        rules(on_leaving=on_leaving)
        far, _ = as_distributor()
        near, _ = as_distributor(upline=far)
        member, _ = as_member()
        bring(session, member, near)
        members.leave(session, member_id=near.id, now=now)
        session.commit()

        jobs.release()
        jobs.release()

        kept = on_leaving == OnLeaving.KEEP
        assert upline_of(session, member) == (near.id if kept else None)
        log = rebinding.history(session, member.id)
        assert [each.kind for each in log] == (["bind"] if kept else ["unbind", "bind"])
