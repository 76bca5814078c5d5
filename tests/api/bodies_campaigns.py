"""What staff send about promotions, packs, coupons and teams."""

from typing import Any

from tests.api.body_parts import Request, fixed

CAMPAIGN = {
    "kind": "spend_and_save",
    "title": "满减",
    "terms": {"tiers": [{"threshold": 1000, "off_fen": 10, "off_bp": 0}], "max_times": 1},
    "starts_at": "2026-06-01T00:00:00+08:00",
    "ends_at": "2036-06-01T00:00:00+08:00",
    "excludes": {"category_ids": [], "spu_ids": [], "sku_ids": [999], "tags": ["清仓"]},
    "group": "大促",
    "group_mode": "best",
    "priority": 1,
    "tags": ["a"],
    "agrees_with": ["b"],
    "stop_after": False,
    "pays_commission": False,
    "base": "running",
    "max_discount_fen": 500,
    "audience": {"levels": [1], "tags": ["老客"], "is_new": False},
    "slots": [{"weekdays": [0, 6], "from_minute": 0, "until_minute": 1440}],
    "max_uses": 10,
    "budget_fen": 10_000,
    "member_max_uses": 2,
    "member_period": "day",
}
PACK = {
    "title": "新人礼包",
    "eligibility": "never_registered",
    "starts_at": "2026-06-01T00:00:00+08:00",
    "ends_at": "2036-06-01T00:00:00+08:00",
    "claim_days": 7,
    "worth_fen": 8_800,
    "max_claims": 100,
    "budget_fen": 880_000,
}


def _campaign(ids: Any, _: Any) -> dict[str, Any]:
    includes = {"category_ids": [ids["category_id"][0]], "spu_ids": [ids["spu_id"][0]]}
    return CAMPAIGN | {"includes": {**includes, "sku_ids": [ids["sku_id"][0]], "tags": ["新品"]}}


def _pack(ids: Any, _: Any) -> dict[str, Any]:
    template_id = ids["coupon_template_id"][0]
    coupons = {"kind": "coupon", "promotion_id": template_id, "count": 2, "points": None}
    return PACK | {"parts": [coupons, {"kind": "points", "points": 100}]}


def _carts(ids: Any, _: Any) -> dict[str, Any]:
    lines = [{"sku_id": ids["sku_id"][0], "quantity": 2}]
    return {"carts": [{"lines": lines, "freight_fen": 800}], "margin_floor_bp": 500}


def _explained(ids: Any, _: Any) -> dict[str, Any]:
    return {
        "lines": [{"sku_id": ids["sku_id"][0], "quantity": 2}],
        "member_id": ids["member_id"][0],
        "freight_fen": 800,
        "at": "2036-01-01T00:00:00+08:00",
        "promotion_ids": [ids["promotion_id"][0]],
        "coupon_ids": [],
        "declined_promotion_ids": [ids["promotion_id"][1]],
        "gift_choices": [{"promotion_id": ids["promotion_id"][1], "sku_ids": [1]}],
    }


REQUESTS = {
    "POST /admin/v1/promotions": Request(_campaign),
    "PUT /admin/v1/promotions/{promotion_id}": Request(_campaign),
    "PATCH /admin/v1/promotions/{promotion_id}/limits": Request(
        lambda ids, _: {"max_uses": 2_000}, pick=1
    ),
    "POST /admin/v1/promotions/{promotion_id}/simulation": Request(_carts),
    "POST /admin/v1/packs": Request(_pack),
    "PUT /admin/v1/packs/{pack_id}": Request(_pack),
    "POST /admin/v1/quotes/explain": Request(_explained),
    "POST /admin/v1/coupons/revoke": Request(lambda ids, _: {"coupon_ids": [ids["coupon_id"][0]]}),
    "POST /admin/v1/coupon-templates/{promotion_id}/code-batches": Request(
        lambda ids, _: {"count": 3}, pick=2
    ),
    "POST /admin/v1/coupon-templates/{promotion_id}/pushes": Request(
        lambda ids, _: {
            "segment": "members",
            "member_ids": [ids["member_id"][0]],
            "per_member": 1,
        },
        pick=2,
    ),
    "POST /admin/v1/teams/{team_no}/fail": fixed(reason="缺货"),
}
