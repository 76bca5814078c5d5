"""For whom, when and how much: set up, refused, copied and changed by staff over HTTP."""

import pytest
from sqlalchemy import func, select

from promotions import limits
from promotions.coupons.models import CouponTemplate
from promotions.limits import Use
from promotions.models import Promotion, PromotionCounter, PromotionGiftStock
from tests.builders.members import make_member

MISSING = 999_999_999
GIFT = {"sku_id": 8, "quantity": 1, "value_fen": 900}
OFF_PIECES = {"kind": "limited_time", "terms": {"off_bp": 1_000}}
WITH_GIFT = {"kind": "spend_and_gift", "terms": {"tiers": [{"threshold": 100, "gifts": [GIFT]}]}}
COUPON = {"kind": "coupon_amount", "terms": {"threshold_fen": 0, "off_fen": 500}}
ISSUE = {"valid_days": 7, "max_issued": 100, "member_max": 2}


@pytest.fixture
def create(client, staff, body):
    def send(**changes):
        return client.post("/admin/v1/promotions", json={**body, **changes}, headers=staff)

    return send


@pytest.fixture
def published(client, staff, create):
    def make(**changes):
        made = create(**changes).json
        client.post(f"/admin/v1/promotions/{made['id']}/publish", headers=staff)
        return made["id"]

    return make


@pytest.fixture
def change_limits(client, staff):
    def send(promotion_id, body, headers=staff):
        return client.patch(
            f"/admin/v1/promotions/{promotion_id}/limits", json=body, headers=headers
        )

    return send


class TestCreate:
    def test_keeps_for_whom_and_when(self, create):
        audience = {"levels": [2, 1], "tags": ["老客"], "is_new": False}
        slot = {"weekdays": [5, 6], "from_minute": 0, "until_minute": 1_440}

        made = create(audience=audience, slots=[slot], ends_at=None).json

        assert made["audience"] == {"levels": [1, 2], "tags": ["老客"], "is_new": False}
        assert made["slots"] == [slot]

    def test_keeps_what_is_limited_in_pieces_and_per_person(self, create):
        made = create(
            **OFF_PIECES, max_units=50, member_max_uses=2, member_max_units=3, member_period="day"
        ).json

        assert made["limits"] == {
            "max_uses": None,
            "uses_reserved": 0,
            "uses_used": 0,
            "budget_fen": None,
            "reserved_fen": 0,
            "used_fen": 0,
            "max_units": 50,
            "units_reserved": 0,
            "units_used": 0,
            "member_max_uses": 2,
            "member_max_units": 3,
            "member_period": "day",
        }

    def test_keeps_the_stock_of_gifts(self, create):
        made = create(**WITH_GIFT, gift_stock=[{"sku_id": 8, "total": 20}]).json

        assert made["gift_stock"] == [
            {"sku_id": 8, "total": 20, "units_reserved": 0, "units_used": 0}
        ]
        assert made["limits"] is None

    def test_keeps_how_coupons_are_issued(self, create, session):
        made = create(**COUPON, issue=ISSUE).json

        assert made["issue"] == {
            "valid_starts_at": None,
            "valid_ends_at": None,
            "valid_days": 7,
            "delay_days": 0,
            "max_issued": 100,
            "member_max": 2,
            "member_day_max": None,
            "is_claimable": True,
            "claim_ends_at": None,
            "extend_days": 0,
        }
        assert session.get(CouponTemplate, made["id"]).max_issued == 100

    @pytest.mark.parametrize(
        ("changes", "path"),
        [
            ({"audience": {"levels": [0]}}, "audience.levels.0"),
            ({"audience": {"levels": [1] * 51}}, "audience.levels"),
            ({"audience": {"tags": ["x" * 41]}}, "audience.tags.0"),
            ({"audience": {"is_new": "yes"}}, "audience.is_new"),
            ({"audience": {"ages": [18]}}, "audience.ages"),
            ({"slots": [{"from_minute": 0}]}, "slots.0.until_minute"),
            ({"slots": [{"from_minute": 1_440, "until_minute": 1}]}, "slots.0.from_minute"),
            ({"slots": [{"from_minute": 0, "until_minute": 1_441}]}, "slots.0.until_minute"),
            (
                {"slots": [{"from_minute": 0, "until_minute": 9, "weekdays": [7]}]},
                "slots.0.weekdays.0",
            ),
            ({"slots": [{"from_minute": 9, "until_minute": 9}]}, "slots.0.until_minute"),
            ({"slots": [{"from_minute": 0, "until_minute": 9}] * 51}, "slots"),
            ({**OFF_PIECES, "max_units": 0}, "max_units"),
            ({**OFF_PIECES, "member_max_units": -1}, "member_max_units"),
            ({**OFF_PIECES, "member_max_units": "3"}, "member_max_units"),
            ({"member_max_uses": 1.5}, "member_max_uses"),
            ({"member_max_uses": True}, "member_max_uses"),
            ({"member_period": "week"}, "member_period"),
            ({**WITH_GIFT, "gift_stock": [{"sku_id": 8}]}, "gift_stock.0.total"),
            ({**WITH_GIFT, "gift_stock": [{"sku_id": 8, "total": 0}]}, "gift_stock.0.total"),
            ({**COUPON, "issue": {"valid_days": 0}}, "issue.valid_days"),
            ({**COUPON, "issue": {"valid_days": 3, "forever": True}}, "issue.forever"),
            # What each field allows and all of them together do not:
            ({"max_units": 5}, "max_units"),
            ({"max_uses": 1, "member_max_uses": 2}, "member_max_uses"),
            ({**WITH_GIFT, "gift_stock": [{"sku_id": 9, "total": 1}]}, "gift_stock.0.sku_id"),
            (COUPON, "issue"),
            ({**COUPON, "issue": {}}, "issue.valid_days"),
            ({"issue": ISSUE}, "issue"),
        ],
    )
    def test_refuses_what_is_wrong_and_changes_nothing(self, create, session, changes, path):
        answer = create(**changes)

        assert answer.status_code == 422
        assert list(answer.json["errors"]) == [path]
        for table in (Promotion.id, PromotionCounter.promotion_id, PromotionGiftStock.sku_id):
            assert session.scalar(select(func.count(table))) == 0


class TestCopy:
    def test_makes_a_draft_of_its_own_even_of_what_is_over(self, client, staff, create):
        made = create(**WITH_GIFT, max_uses=9, gift_stock=[{"sku_id": 8, "total": 20}]).json
        client.post(f"/admin/v1/promotions/{made['id']}/end", headers=staff)

        answer = client.post(f"/admin/v1/promotions/{made['id']}/copy", headers=staff)

        assert answer.status_code == 201
        differs = ("id", "created_at", "updated_at")
        assert {**answer.json, **dict.fromkeys(differs)} == {**made, **dict.fromkeys(differs)}
        assert answer.json["id"] != made["id"]

    def test_copies_how_coupons_are_issued(self, client, staff, create, session):
        made = create(**COUPON, issue=ISSUE).json

        copied = client.post(f"/admin/v1/promotions/{made['id']}/copy", headers=staff).json

        assert copied["issue"] == made["issue"]
        assert session.get(CouponTemplate, copied["id"]).issued == 0

    def test_of_nothing_is_not_found_and_asks_for_staff(
        self, client, staff, create, session, token_for
    ):
        made = create().json
        member = make_member(session)
        session.commit()

        missing = client.post(f"/admin/v1/promotions/{MISSING}/copy", headers=staff)

        assert (missing.status_code, missing.json["code"]) == (404, "promotion_not_found")
        for headers in ({}, token_for("shopper", member.id)):
            answer = client.post(f"/admin/v1/promotions/{made['id']}/copy", headers=headers)
            assert answer.status_code == 401
        assert session.scalar(select(func.count(Promotion.id))) == 1


class TestChangeLimits:
    def test_raises_them_and_puts_it_on_record(self, client, staff, published, change_limits):
        promotion_id = published(max_uses=5, budget_fen=900, member_max_uses=1)

        answer = change_limits(promotion_id, {"max_uses": 9, "member_max_uses": 2})

        assert (answer.status_code, answer.json["version"]) == (200, 3)
        limits_now = answer.json["limits"]
        assert [limits_now[name] for name in ("max_uses", "budget_fen", "member_max_uses")] == [
            9,
            900,
            2,
        ]
        history = client.get(f"/admin/v1/promotions/{promotion_id}/versions", headers=staff).json
        last = history["items"][-1]
        assert (last["action"], last["changed_by"], last["document"]["max_uses"]) == (
            "changed",
            staff.id,
            9,
        )

    def test_lowers_what_all_may_have_to_what_is_taken(
        self, published, change_limits, session, now
    ):
        promotion_id = published(max_uses=5)
        uses = [Use(promotion_id, 100)]
        for source in ("order:A", "order:B"):
            limits.reserve(session, source=source, member_id=1, uses=uses, now=now)
        session.commit()

        assert change_limits(promotion_id, {"max_uses": 1}).json["errors"] == {
            "max_uses": ["不能小于已占用和已使用的数量"]
        }
        assert change_limits(promotion_id, {"max_uses": 2}).json["limits"]["max_uses"] == 2

    def test_changes_the_stock_of_gifts(self, published, change_limits):
        promotion_id = published(**WITH_GIFT, gift_stock=[{"sku_id": 8, "total": 20}])

        answer = change_limits(promotion_id, {"gift_stock": [{"sku_id": 8, "total": 30}]})

        assert answer.json["gift_stock"][0]["total"] == 30

    @pytest.mark.parametrize(
        ("changes", "path"),
        [
            ({}, "max_uses"),
            ({"max_uses": 0}, "max_uses"),
            ({"max_uses": None}, "max_uses"),
            ({"max_uses": "9"}, "max_uses"),
            ({"max_uses": 10**9}, "max_uses"),
            ({"budget_fen": 10**30}, "budget_fen"),
            ({"gift_stock": []}, "gift_stock"),
            ({"gift_stock": [{"sku_id": 0, "total": 1}]}, "gift_stock.0.sku_id"),
            ({"member_period": "day"}, "member_period"),
            ({"title": "新标题"}, "title"),
            ({"max_units": 5}, "max_units"),
            ({"member_max_uses": 1}, "member_max_uses"),
            ({"max_uses": 1}, "member_max_uses"),
            ({"gift_stock": [{"sku_id": 8, "total": 1}]}, "gift_stock.0.sku_id"),
        ],
    )
    def test_refuses_what_is_wrong_and_changes_nothing(
        self, client, staff, published, change_limits, changes, path
    ):
        promotion_id = published(max_uses=5, member_max_uses=2)
        before = client.get(f"/admin/v1/promotions/{promotion_id}", headers=staff).json

        answer = change_limits(promotion_id, changes)

        assert (answer.status_code, list(answer.json["errors"])) == (422, [path])
        assert client.get(f"/admin/v1/promotions/{promotion_id}", headers=staff).json == before

    def test_needs_a_published_campaign_and_a_member_of_staff(
        self, client, staff, create, change_limits, session, token_for
    ):
        made = create(max_uses=5).json
        member = make_member(session)
        session.commit()

        refused = change_limits(made["id"], {"max_uses": 9})

        assert (refused.status_code, refused.json["code"]) == (409, "promotion_status_conflict")
        assert change_limits(MISSING, {"max_uses": 9}).json["code"] == "promotion_not_found"
        for headers in ({}, token_for("shopper", member.id)):
            assert change_limits(made["id"], {"max_uses": 9}, headers).status_code == 401
        shown = client.get(f"/admin/v1/promotions/{made['id']}", headers=staff).json
        assert shown["limits"]["max_uses"] == 5
