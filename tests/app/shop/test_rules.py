"""The shop's rules: what may be decided, by whom, and that nothing decided is ever edited."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.core.auth import Audience
from app.core.errors import Invalid
from app.shop import queries, service
from app.shop.rules import BadShopRules, RestPolicy, ShopRules, stored
from app.staff.models import AuditLog, Role
from tests.builders.shop import decide
from tests.builders.staff import make_staff

URL = "/admin/v1/shop-rules"
VERSIONS = "/admin/v1/shop-rules/versions"
CHANGED = {
    "receive_after_days": 15,
    "complete_after_days": 15,
    "revive_late_orders": True,
    "rest_policy": "reprice",
    "staff_answer_hours": 24,
    "staff_answer_outcome": "reject",
    "buyer_sends_days": 5,
    "shop_receives_days": 6,
    "remind_unpaid_minutes": 0,
    "upload_shipping": "off",
    "reviews_wait_for_staff": True,
    "review_days": 60,
}
BAD = [
    {"receive_after_days": 0},
    {"receive_after_days": 91},
    {"receive_after_days": "10"},
    {"receive_after_days": True},
    {"complete_after_days": -1},
    {"revive_late_orders": "yes"},
    {"rest_policy": "forget"},
    {"staff_answer_hours": 721},
    {"staff_answer_outcome": "wait"},
    {"upload_shipping": None},
    {"remind_unpaid_minutes": 10.5},
    {"review_days": 366},
    {"version": 7},
    {"unheard_of": 1},
    {"reason": "太" * 201},
    {"reason": ""},
]


@pytest.fixture
def as_staff(session, token_for):
    def headers(role=Role.MERCHANT):
        staff = make_staff(session, role=role)
        session.commit()
        return token_for(Audience.STAFF, staff.id)

    return headers


class TestValues:
    def test_a_shop_that_decided_nothing_has_the_defaults(self, session):
        assert queries.rules(session) == ShopRules()
        assert queries.rules(session).version == 0

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("receive_after_days", 0),
            ("review_days", True),
            ("rest_policy", "keep"),
            ("reviews_wait_for_staff", 1),
        ],
    )
    def test_what_no_shop_could_keep_is_no_value(self, field, value):
        with pytest.raises(BadShopRules) as refused:
            ShopRules(**{field: value})
        assert refused.value.field == field

    def test_an_older_version_has_the_defaults_of_what_came_later(self):
        read = stored(3, {"review_days": 7, "rest_policy": "reprice", "gone_since": 1})

        assert read == ShopRules(version=3, review_days=7, rest_policy=RestPolicy.REPRICE)

    def test_the_service_says_what_is_wrong(self, session, now):
        staff = make_staff(session)
        with pytest.raises(Invalid):
            service.change(
                session, fields={"review_days": 0}, staff_id=staff.id, reason="试", now=now
            )
        assert queries.rules(session).version == 0

    @pytest.mark.parametrize(
        "change", ["UPDATE shop_rules SET reason = ''", "DELETE FROM shop_rules"]
    )
    def test_what_was_decided_is_never_edited(self, session, change):
        decide(session, review_days=7)
        session.commit()
        with pytest.raises(DBAPIError, match="append-only"):
            session.execute(text(change))
        session.rollback()


class TestOverHttp:
    def test_new_rules_are_in_force_at_once(self, session, client, as_staff):
        headers = as_staff()

        answer = client.put(URL, json=CHANGED | {"reason": "新年"}, headers=headers)

        assert answer.status_code == 200
        assert {name: answer.json[name] for name in CHANGED} == CHANGED
        assert client.get(URL, headers=headers).json == answer.json
        assert queries.rules(session).values() == CHANGED

    def test_what_is_left_out_takes_its_default(self, client, as_staff):
        headers = as_staff()
        client.put(URL, json=CHANGED | {"reason": "新年"}, headers=headers)

        answer = client.put(URL, json={"reason": "复原"}, headers=headers)

        assert answer.json["review_days"] == ShopRules().review_days
        assert answer.json["rest_policy"] == "keep"

    def test_the_history_says_who_decided_when_and_why(self, client, as_staff):
        headers = as_staff()
        for days in (1, 2, 3):
            client.put(URL, json={"review_days": days, "reason": f"第{days}次"}, headers=headers)

        first = client.get(VERSIONS, query_string={"limit": 2}, headers=headers).json
        rest = client.get(
            VERSIONS, query_string={"limit": 2, "cursor": first["next_cursor"]}, headers=headers
        ).json

        assert [each["reason"] for each in first["items"]] == ["第3次", "第2次"]
        assert [each["rules"]["review_days"] for each in rest["items"]] == [1]
        assert rest["next_cursor"] is None
        assert first["items"][0]["staff_id"]
        assert first["items"][0]["created_at"]

    @pytest.mark.parametrize("bad", BAD)
    def test_what_makes_no_sense_is_refused_and_changes_nothing(
        self, session, client, as_staff, bad
    ):
        answer = client.put(URL, json={"reason": "试"} | bad, headers=as_staff())

        assert answer.status_code == 422
        assert set(answer.json["errors"]) == set(bad)
        assert queries.rules(session).version == 0

    def test_a_reason_is_required(self, client, as_staff):
        assert client.put(URL, json=CHANGED, headers=as_staff()).status_code == 422

    def test_strangers_and_analysts_decide_nothing(self, session, client, as_staff):
        body = CHANGED | {"reason": "试"}

        assert client.put(URL, json=body).status_code == 401
        assert client.get(URL).status_code == 401
        assert client.get(VERSIONS).status_code == 401
        analyst = as_staff(Role.ANALYST)
        assert client.put(URL, json=body, headers=analyst).status_code == 403
        assert client.get(URL, headers=analyst).status_code == 200
        assert queries.rules(session).version == 0

    def test_a_change_is_in_the_audit_log(self, session, client, as_staff):
        client.put(URL, json={"reason": "留痕"}, headers=as_staff())

        assert session.query(AuditLog).one().body == {"reason": "留痕"}

    def test_a_cursor_of_somebody_elses_is_refused(self, client, as_staff):
        answer = client.get(VERSIONS, query_string={"cursor": "x"}, headers=as_staff())
        assert answer.status_code == 422
