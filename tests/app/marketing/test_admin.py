"""Staff's campaigns over HTTP."""

import pytest
from sqlalchemy import func, select

from app.core.http import PROBLEM
from promotions import limits
from promotions.limits import Use
from promotions.models import Promotion
from tests.builders.members import make_member

MISSING = 999_999_999


def create(client, staff, body, **changes):
    return client.post("/admin/v1/promotions", json={**body, **changes}, headers=staff)


def tier(threshold, **off):
    return {"terms": {"tiers": [{"threshold": threshold, **off}]}}


def move(client, staff, promotion_id, step):
    return client.post(f"/admin/v1/promotions/{promotion_id}/{step}", headers=staff)


@pytest.fixture
def draft(client, staff, body):
    return create(client, staff, body).json


class TestCreate:
    def test_answers_the_draft_with_all_defaults(self, client, staff, body):
        answer = create(client, staff, body)

        assert answer.status_code == 201
        made = answer.json
        assert {
            **made,
            **dict.fromkeys(("id", "starts_at", "ends_at", "created_at", "updated_at")),
        } == {
            "id": None,
            "kind": "spend_and_save",
            "title": "满100减10",
            "badge": "满100减10",
            "status": "draft",
            "phase": "draft",
            "version": 1,
            "lane": "order",
            "terms": {
                "measure": "amount_fen",
                "tiers": [
                    {
                        "threshold": 10_000,
                        "off_fen": 1_000,
                        "off_bp": 0,
                        "off_max_fen": None,
                        "price_fen": None,
                        "free_freight": False,
                    }
                ],
                "max_times": 1,
            },
            "starts_at": None,
            "ends_at": None,
            "includes": None,
            "excludes": {},
            "group": None,
            "group_mode": "best",
            "priority": 0,
            "tags": [],
            "agrees_with": [],
            "stop_after": False,
            "base": "running",
            "max_discount_fen": None,
            "audience": None,
            "slots": [],
            "gift_stock": [],
            "stock": [],
            "issue": None,
            "pays_commission": True,
            "limits": None,
            "created_by": staff.id,
            "created_at": None,
            "updated_at": None,
        }

    def test_keeps_scope_manners_and_limits(self, client, staff, body):
        answer = create(
            client,
            staff,
            body,
            includes={"sku_ids": [2, 1], "category_ids": [7]},
            excludes={"tags": ["特价", "清仓"]},
            group="双11",
            group_mode="worst",
            priority=-3,
            tags=["满减", "满减"],
            agrees_with=["优惠券"],
            stop_after=True,
            base="initial",
            max_discount_fen=500,
            max_uses=10,
            budget_fen=9_000,
        )

        made = answer.json
        assert made["includes"] == {"sku_ids": [1, 2], "category_ids": [7]}
        assert set(made["excludes"]["tags"]) == {"特价", "清仓"}
        assert (made["group"], made["group_mode"], made["priority"]) == ("双11", "worst", -3)
        assert (made["tags"], made["agrees_with"]) == (["满减"], ["优惠券"])
        assert (made["stop_after"], made["base"]) == (True, "initial")
        limits_of = made["limits"]
        assert (limits_of["max_uses"], limits_of["budget_fen"]) == (10, 9_000)
        assert (limits_of["uses_reserved"], limits_of["used_fen"]) == (0, 0)

    @pytest.mark.parametrize(
        ("changes", "path"),
        [
            ({"kind": "magic"}, "kind"),
            ({"title": ""}, "title"),
            ({"title": "满" * 61}, "title"),
            ({"title": "满\u0000减"}, "title"),
            ({"title": 5}, "title"),
            ({"starts_at": "2026-11-11T00:00:00"}, "starts_at"),
            ({"starts_at": "tomorrow"}, "starts_at"),
            ({"terms": {}}, "terms.tiers"),
            ({"terms": {"tiers": []}}, "terms.tiers"),
            ({"terms": {"tiers": [{"threshold": 1, "off_fen": 1}] * 11}}, "terms.tiers"),
            (tier(0, off_fen=0), "terms.tiers.0.threshold"),
            (tier(-5, off_fen=1), "terms.tiers.0.threshold"),
            (tier(10**18, off_fen=1), "terms.tiers.0.threshold"),
            (tier("9", off_fen=1), "terms.tiers.0.threshold"),
            (tier(1.5, off_fen=1), "terms.tiers.0.threshold"),
            (tier(True, off_fen=1), "terms.tiers.0.threshold"),
            (tier(9, off_bp=10_001), "terms.tiers.0.off_bp"),
            ({"max_uses": 0}, "max_uses"),
            ({"max_uses": -1}, "max_uses"),
            ({"budget_fen": 0}, "budget_fen"),
            ({"budget_fen": 10**30}, "budget_fen"),
            ({"priority": 10_001}, "priority"),
            ({"includes": {"sku_ids": [0]}}, "includes.sku_ids.0"),
            ({"includes": {"brand_ids": [1]}}, "includes.brand_ids"),
            ({"tags": ["满" * 41]}, "tags.0"),
            ({"tags": ["x"] * 21}, "tags"),
            ({"stop_after": "yes"}, "stop_after"),
            ({"base": "list"}, "base"),
            ({"group_mode": "most"}, "group_mode"),
            ({"status": "published"}, "status"),
            # What each field allows and all of them together do not:
            ({"ends_at": "2020-01-01T00:00:00Z"}, "ends_at"),
            ({"terms": {"tiers": [{"threshold": 100}]}}, "terms.tiers"),
            ({"terms": {"tiers": [{"threshold": 100, "off_fen": 101}]}}, "terms.tiers"),
            ({"includes": {}}, "includes"),
            ({"group_mode": "all"}, "group_mode"),
            ({"budget_fen": 99, "max_discount_fen": 100}, "budget_fen"),
        ],
    )
    def test_refuses_what_is_wrong_and_changes_nothing(
        self, client, staff, body, session, changes, path
    ):
        answer = create(client, staff, body, **changes)

        assert (answer.status_code, answer.mimetype) == (422, PROBLEM)
        assert list(answer.json["errors"]) == [path]
        assert session.scalar(select(func.count(Promotion.id))) == 0

    def test_asks_for_a_member_of_staff(self, client, body, session, token_for):
        member = make_member(session)
        session.commit()

        for headers in ({}, token_for("shopper", member.id)):
            answer = create(client, headers, body)
            assert (answer.status_code, answer.json["code"]) == (401, "unauthorized")
        assert session.scalar(select(func.count(Promotion.id))) == 0


class TestChange:
    def test_replaces_a_draft(self, client, staff, body, draft):
        path = f"/admin/v1/promotions/{draft['id']}"

        answer = client.put(path, json={**body, "title": "新标题", "max_uses": 3}, headers=staff)

        assert (answer.status_code, answer.json["title"]) == (200, "新标题")
        assert (answer.json["version"], answer.json["limits"]["max_uses"]) == (2, 3)

    def test_refuses_what_is_published(self, client, staff, body, draft):
        move(client, staff, draft["id"], "publish")

        answer = client.put(f"/admin/v1/promotions/{draft['id']}", json=body, headers=staff)

        assert (answer.status_code, answer.json["code"]) == (409, "promotion_status_conflict")
        assert answer.json["promotion_status"] == "published"

    def test_refuses_a_contradiction_and_changes_nothing(self, client, staff, body, draft):
        path = f"/admin/v1/promotions/{draft['id']}"

        answer = client.put(path, json={**body, "includes": {}}, headers=staff)

        assert (answer.status_code, answer.json["errors"]) == (422, {"includes": ["活动范围为空"]})
        assert client.get(path, headers=staff).json == draft

    def test_of_nothing_is_not_found(self, client, staff, body):
        answer = client.put(f"/admin/v1/promotions/{MISSING}", json=body, headers=staff)

        assert (answer.status_code, answer.json["code"]) == (404, "promotion_not_found")


class TestMoves:
    def test_a_campaign_lives_from_draft_to_end(self, client, staff, draft):
        promotion_id = draft["id"]
        seen = [
            client.post(f"/admin/v1/promotions/{promotion_id}/publish", headers=staff).json,
            client.post(f"/admin/v1/promotions/{promotion_id}/pause", headers=staff).json,
            client.post(f"/admin/v1/promotions/{promotion_id}/resume", headers=staff).json,
            client.post(f"/admin/v1/promotions/{promotion_id}/end", headers=staff).json,
        ]

        assert [(one["status"], one["phase"]) for one in seen] == [
            ("published", "running"),
            ("paused", "paused"),
            ("published", "running"),
            ("ended", "ended"),
        ]
        answer = client.get(f"/admin/v1/promotions/{promotion_id}/versions", headers=staff)
        assert [
            (one["version"], one["action"], one["changed_by"]) for one in answer.json["items"]
        ] == [
            (1, "created", staff.id),
            (2, "published", staff.id),
            (3, "paused", staff.id),
            (4, "resumed", staff.id),
            (5, "ended", staff.id),
        ]
        assert answer.json["items"][0]["document"]["title"] == "满100减10"

    @pytest.mark.parametrize("step", ["pause", "resume"])
    def test_a_draft_is_neither_paused_nor_resumed(self, client, staff, draft, step):
        answer = move(client, staff, draft["id"], step)

        assert (answer.status_code, answer.json["code"]) == (409, "promotion_status_conflict")

    @pytest.mark.parametrize("step", ["publish", "pause", "resume", "end"])
    def test_nothing_cannot_be_moved(self, client, staff, step):
        assert move(client, staff, MISSING, step).status_code == 404
        assert client.post(f"/admin/v1/promotions/1/{step}").status_code == 401

    def test_a_group_of_two_modes_is_refused(self, client, staff, body):
        grouped = create(client, staff, body, group="g").json
        other = create(client, staff, body, group="g", group_mode="worst").json
        move(client, staff, grouped["id"], "publish")

        answer = move(client, staff, other["id"], "publish")

        assert answer.status_code == 422
        assert answer.json["errors"] == {"group_mode": ["同组已发布的活动使用了另一种同组规则"]}


class TestReading:
    def test_shows_what_orders_took_of_the_limits(self, client, staff, body, session, now):
        made = create(client, staff, body, max_uses=9, budget_fen=5_000).json
        move(client, staff, made["id"], "publish")
        uses = [Use(made["id"], 1_000)]
        limits.reserve(session, source="order:A", member_id=1, uses=uses, now=now)
        session.commit()

        shown = client.get(f"/admin/v1/promotions/{made['id']}", headers=staff).json

        assert (shown["limits"]["uses_reserved"], shown["limits"]["reserved_fen"]) == (1, 1_000)

    def test_of_nothing_is_not_found(self, client, staff):
        for path in (f"/admin/v1/promotions/{MISSING}", f"/admin/v1/promotions/{MISSING}/versions"):
            assert client.get(path, headers=staff).json["code"] == "promotion_not_found"

    def test_lists_page_by_page_and_by_status(self, client, staff, body):
        ids = [create(client, staff, body).json["id"] for _ in range(3)]
        move(client, staff, ids[0], "publish")

        first = client.get("/admin/v1/promotions?limit=2", headers=staff).json
        cursor = first["next_cursor"]
        second = client.get(f"/admin/v1/promotions?limit=2&cursor={cursor}", headers=staff).json

        assert [one["id"] for one in first["items"]] == [ids[2], ids[1]]
        assert ([one["id"] for one in second["items"]], second["next_cursor"]) == ([ids[0]], None)
        published = client.get("/admin/v1/promotions?status=published", headers=staff).json
        assert [one["id"] for one in published["items"]] == [ids[0]]

    @pytest.mark.parametrize("query", ["limit=0", "limit=101", "status=gone", "cursor=!", "page=2"])
    def test_refuses_a_bad_query(self, client, staff, query):
        assert client.get(f"/admin/v1/promotions?{query}", headers=staff).status_code == 422
