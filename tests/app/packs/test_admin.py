"""Staff's packs over HTTP."""

import pytest
from sqlalchemy import func, select

from app.core.http import PROBLEM
from app.packs import wording
from app.packs.verify import verify
from promotions.coupons.models import Coupon
from promotions.packs import claims
from promotions.packs.claims import Refusal
from promotions.packs.models import Pack, PackClaimKey
from promotions.packs.setup import PackFlaw
from promotions.states import CampaignStatus
from tests.builders.packs import POINTS, coupons_of, make_person

MISSING = 999_999_999


@pytest.fixture
def body(begun, make_template):
    template = make_template()
    return {
        "title": "新人礼包",
        "eligibility": "never_registered",
        "parts": [
            {"kind": "coupon", "promotion_id": template.id, "count": 2},
            {"kind": "points", "points": 100},
        ],
        "starts_at": begun.isoformat(),
        "claim_days": 7,
    }


def create(client, staff, body, **changes):
    return client.post("/admin/v1/packs", json={**body, **changes}, headers=staff)


def move(client, staff, pack_id, step):
    return client.post(f"/admin/v1/packs/{pack_id}/{step}", headers=staff)


@pytest.fixture
def draft(client, staff, body):
    return create(client, staff, body).json


class TestCreate:
    def test_answers_the_draft_with_all_defaults(self, client, staff, body):
        answer = create(client, staff, body)

        assert answer.status_code == 201
        made = answer.json
        gone = dict.fromkeys(("id", "starts_at", "created_at", "updated_at"))
        assert {**made, **gone} == {
            **gone,
            "title": "新人礼包",
            "status": "draft",
            "phase": "draft",
            "version": 1,
            "eligibility": "never_registered",
            "claim_days": 7,
            "ends_at": None,
            "parts": body["parts"],
            "worth_fen": 0,
            "limits": None,
            "created_by": staff.id,
        }

    def test_keeps_limits(self, client, staff, body):
        made = create(client, staff, body, worth_fen=8_800, max_claims=10, budget_fen=88_000).json

        assert made["limits"] == {
            "max_claims": 10,
            "claims": 0,
            "budget_fen": 88_000,
            "spent_fen": 0,
        }

    @pytest.mark.parametrize(
        ("changes", "path"),
        [
            ({"title": ""}, "title"),
            ({"title": "新" * 61}, "title"),
            ({"title": "新\u0000"}, "title"),
            ({"eligibility": "everybody"}, "eligibility"),
            ({"parts": []}, "parts"),
            ({"parts": [{"kind": "points", "points": 1}] * 11}, "parts"),
            ({"parts": [{"kind": "cash", "points": 1}]}, "parts.0.kind"),
            ({"parts": [{"kind": "points", "points": 0}]}, "parts.0.points"),
            ({"parts": [{"kind": "points", "points": -1}]}, "parts.0.points"),
            ({"parts": [{"kind": "points", "points": 1.5}]}, "parts.0.points"),
            ({"parts": [{"kind": "points", "points": 1_000_001}]}, "parts.0.points"),
            ({"parts": [{"kind": "coupon", "promotion_id": 1, "count": 21}]}, "parts.0.count"),
            ({"parts": [{"kind": "coupon", "promotion_id": "1"}]}, "parts.0.promotion_id"),
            ({"parts": [{"kind": "points", "points": 1, "fen": 1}]}, "parts.0.fen"),
            ({"starts_at": "2026-11-11T00:00:00"}, "starts_at"),
            ({"claim_days": 0}, "claim_days"),
            ({"claim_days": 366}, "claim_days"),
            ({"claim_days": "7"}, "claim_days"),
            ({"worth_fen": -1}, "worth_fen"),
            ({"worth_fen": 10**30}, "worth_fen"),
            ({"max_claims": 0}, "max_claims"),
            ({"budget_fen": 0}, "budget_fen"),
            ({"status": "published"}, "status"),
            # What each field allows and all of them together do not:
            ({"ends_at": "2020-01-01T00:00:00Z"}, "ends_at"),
            ({"claim_days": None}, "claim_days"),
            ({"budget_fen": 100}, "worth_fen"),
            ({"budget_fen": 99, "worth_fen": 100}, "budget_fen"),
            ({"parts": [{"kind": "points"}]}, "parts.0"),
            ({"parts": [{"kind": "points", "points": 1}] * 2}, "parts.1"),
            ({"parts": [{"kind": "gift", "promotion_id": MISSING}]}, "parts.0"),
        ],
    )
    def test_refuses_what_is_wrong_and_changes_nothing(
        self, client, staff, body, session, changes, path
    ):
        answer = create(client, staff, body, **changes)

        assert (answer.status_code, answer.mimetype) == (422, PROBLEM)
        assert list(answer.json["errors"]) == [path]
        assert session.scalar(select(func.count(Pack.id))) == 0

    def test_asks_for_a_member_of_staff(self, client, body, session, newcomer):
        _, shopper = newcomer()

        for headers in ({}, shopper):
            answer = create(client, headers, body)
            assert (answer.status_code, answer.json["code"]) == (401, "unauthorized")
        assert session.scalar(select(func.count(Pack.id))) == 0


class TestChange:
    def test_replaces_a_draft(self, client, staff, body, draft):
        path = f"/admin/v1/packs/{draft['id']}"

        answer = client.put(path, json={**body, "title": "新", "max_claims": 3}, headers=staff)

        assert (answer.status_code, answer.json["title"]) == (200, "新")
        assert (answer.json["version"], answer.json["limits"]["max_claims"]) == (2, 3)

    def test_refuses_what_is_published(self, client, staff, body, draft):
        move(client, staff, draft["id"], "publish")

        answer = client.put(f"/admin/v1/packs/{draft['id']}", json=body, headers=staff)

        assert (answer.status_code, answer.json["code"]) == (409, "pack_status_conflict")
        assert answer.json["pack_status"] == "published"

    def test_refuses_a_contradiction_and_changes_nothing(self, client, staff, body, draft):
        path = f"/admin/v1/packs/{draft['id']}"

        answer = client.put(path, json={**body, "claim_days": None}, headers=staff)

        assert answer.json["errors"] == {"claim_days": ["请填写注册后几天内可领取"]}
        assert client.get(path, headers=staff).json == draft

    def test_of_nothing_is_not_found(self, client, staff, body):
        answer = client.put(f"/admin/v1/packs/{MISSING}", json=body, headers=staff)

        assert (answer.status_code, answer.json["code"]) == (404, "pack_not_found")


class TestMoves:
    def test_a_pack_lives_from_draft_to_end(self, client, staff, draft):
        pack_id = draft["id"]
        seen = [
            client.post(f"/admin/v1/packs/{pack_id}/publish", headers=staff).json,
            client.post(f"/admin/v1/packs/{pack_id}/pause", headers=staff).json,
            client.post(f"/admin/v1/packs/{pack_id}/resume", headers=staff).json,
            client.post(f"/admin/v1/packs/{pack_id}/end", headers=staff).json,
        ]

        assert [(one["status"], one["phase"]) for one in seen] == [
            ("published", "running"),
            ("paused", "paused"),
            ("published", "running"),
            ("ended", "ended"),
        ]
        answer = client.get(f"/admin/v1/packs/{pack_id}/versions", headers=staff)
        items = answer.json["items"]
        assert [(one["version"], one["action"], one["changed_by"]) for one in items] == [
            (1, "created", staff.id),
            (2, "published", staff.id),
            (3, "paused", staff.id),
            (4, "resumed", staff.id),
            (5, "ended", staff.id),
        ]
        assert items[0]["document"]["title"] == "新人礼包"

    def test_a_pack_whose_template_is_not_published_is_not_published(
        self, client, staff, body, make_template
    ):
        template = make_template(status=CampaignStatus.DRAFT)
        part = {"kind": "coupon", "promotion_id": template.id}
        made = create(client, staff, body, parts=[part]).json

        answer = move(client, staff, made["id"], "publish")

        assert (answer.status_code, answer.json["errors"]) == (
            422,
            {"parts.0": ["优惠券尚未发布或已停用"]},
        )
        shown = client.get(f"/admin/v1/packs/{made['id']}", headers=staff).json
        assert shown == made

    @pytest.mark.parametrize("step", ["pause", "resume"])
    def test_a_draft_is_neither_paused_nor_resumed(self, client, staff, draft, step):
        answer = move(client, staff, draft["id"], step)

        assert (answer.status_code, answer.json["code"]) == (409, "pack_status_conflict")

    @pytest.mark.parametrize("step", ["publish", "pause", "resume", "end"])
    def test_nothing_cannot_be_moved(self, client, staff, step):
        assert move(client, staff, MISSING, step).status_code == 404
        assert client.post(f"/admin/v1/packs/1/{step}").status_code == 401


class TestReading:
    def test_reports_claims_coupons_and_orders(
        self, client, staff, make_pack, make_template, session, now
    ):
        pack = make_pack(
            coupons_of(make_template(), 2), POINTS, worth_fen=500, max_claims=9, budget_fen=5_000
        )
        for number in (1, 2):
            claims.claim(
                session,
                pack_id=pack.id,
                person=make_person(number, registered_at=now),
                now=now,
            )
        coupon = session.scalars(select(Coupon).order_by(Coupon.id)).first()
        coupon.status, coupon.held_by, coupon.used_at = "used", "order:A", now
        session.commit()

        report = client.get(f"/admin/v1/packs/{pack.id}/report", headers=staff).json
        shown = client.get(f"/admin/v1/packs/{pack.id}", headers=staff).json

        assert report == {
            "claims": 2,
            "coupons": 4,
            "coupons_used": 1,
            "orders": 1,
            "points": 200,
            "worth_fen": 1_000,
            "max_claims": 9,
            "budget_fen": 5_000,
        }
        assert (shown["limits"]["claims"], shown["limits"]["spent_fen"]) == (2, 1_000)

    def test_reports_an_unlimited_pack_that_nobody_claimed(self, client, staff, draft):
        report = client.get(f"/admin/v1/packs/{draft['id']}/report", headers=staff).json

        assert {**report, "max_claims": 0, "budget_fen": 0} == dict.fromkeys(report, 0)
        assert (report["max_claims"], report["budget_fen"]) == (None, None)

    def test_of_nothing_is_not_found(self, client, staff):
        for tail in ("", "/versions", "/report"):
            answer = client.get(f"/admin/v1/packs/{MISSING}{tail}", headers=staff)
            assert (answer.status_code, answer.json["code"]) == (404, "pack_not_found")

    def test_lists_page_by_page_and_by_status(self, client, staff, body):
        ids = [create(client, staff, body).json["id"] for _ in range(3)]
        move(client, staff, ids[0], "publish")

        first = client.get("/admin/v1/packs?limit=2", headers=staff).json
        cursor = first["next_cursor"]
        second = client.get(f"/admin/v1/packs?limit=2&cursor={cursor}", headers=staff).json

        assert [one["id"] for one in first["items"]] == [ids[2], ids[1]]
        assert ([one["id"] for one in second["items"]], second["next_cursor"]) == ([ids[0]], None)
        published = client.get("/admin/v1/packs?status=published", headers=staff).json
        assert [one["id"] for one in published["items"]] == [ids[0]]

    @pytest.mark.parametrize("query", ["limit=0", "limit=101", "status=gone", "cursor=!", "page=2"])
    def test_refuses_a_bad_query(self, client, staff, query):
        assert client.get(f"/admin/v1/packs?{query}", headers=staff).status_code == 422


def test_every_refusal_and_every_flaw_has_its_words():
    assert set(wording.REFUSALS) == set(Refusal)
    assert set(wording.FLAWS) == set(PackFlaw)


def test_verify_reports_what_the_engine_finds(session, make_pack, now):
    pack = make_pack()
    claims.claim(session, pack_id=pack.id, person=make_person(registered_at=now), now=now)
    assert list(verify(session)) == []

    session.query(PackClaimKey).delete()

    assert [breach.rule for breach in verify(session)] == ["packs.claim_has_keys"]
