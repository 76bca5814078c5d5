"""One request that succeeds for every operation with a body, on the shop of `tests.api.world`."""

from collections.abc import Callable
from typing import Any, NamedTuple

from tests.builders.catalogue import sku_body
from tests.builders.flash_sales import FLASH_FEN
from tests.builders.members import ADDRESS
from tests.builders.staff import PASSWORD
from tests.builders.team_orders import PRICE_FEN
from tests.builders.withdrawals import ID_NUMBERS

NEW_PASSWORD = "another horse battery"
IMAGE = "https://img.example.com/a.jpg"
LOGO = {"name": "新牌子", "logo_url": IMAGE, "sort": 3}
CATEGORY = {"name": "茶具", "image_url": IMAGE, "sort": 1, "is_visible": True}
RULES = {
    "levels": 2,
    "level1_bp": 800,
    "level2_bp": 300,
    "cap_bp": 3000,
    "mature_days": 10,
    "base_kind": "profit",
    "pays_self_purchase": True,
}
BINDING_RULES = {
    "mode": "protected",
    "protect_days": 15,
    "extend_days": 30,
    "bindable": "never_paid",
    "new_minutes": 60,
    "click_days": 7,
    "on_leaving": "release",
}
GRADE = {
    "name": "金牌",
    "rank": 2,
    "conditions": {
        "is_every": True,
        "own_orders": 1,
        "own_spend_fen": 100,
        "level1_orders": 5,
        "level1_fen": 50_000,
        "direct_customers": 2,
    },
    "keep_days": 90,
}
VISITOR = "v-0123456789abcdef"
WITHDRAWAL_RULES = {
    "min_fen": 1_000,
    "max_fen": 200_000,
    "daily_count": 2,
    "daily_fen": 400_000,
    "fee_bp": 60,
    "fee_min_fen": 10,
    "tax": "labour",
    "review_over_fen": 10_000,
    "second_review_over_fen": 100_000,
    "name_from_fen": 0,
    "has_wechat": True,
    "has_manual": True,
}
TEMPLATE = {
    "name": "全国",
    "charge_by": "piece",
    "rules": [
        {
            "region_prefix": "",
            "is_served": True,
            "first_units": 1,
            "first_fen": 900,
            "next_units": 1,
            "next_fen": 100,
            "free_over_fen": 9900,
        }
    ],
}
PRODUCT = {
    "title": "茶杯",
    "subtitle": "薄胎",
    "description": "手工。\n易碎。",
    "keywords": "杯 茶",
    "images": [IMAGE],
    "spec": [{"name": "颜色", "values": ["红"]}],
    "tags": ["新品"],
    "sort": 1,
    "skus": [
        sku_body("红", market_price_fen=9900, cost_price_fen=100, weight_g=10, image_url=IMAGE)
    ],
}
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
PARCEL = {"company_code": "SF", "company_name": "顺丰速运", "tracking_no": "SF1234567890"}

FIRST_ORDER_FEN = 9900 + 800
IN_A_TEAM_FEN = PRICE_FEN + 800
"""One piece of the first SKU and its freight."""
BULK_ORDER_FEN = 8000 + 800
"""The same in the bulk buy."""


class Request(NamedTuple):
    """A body made of the world's ids and of WeChat; `pick` says which id goes into the path."""

    body: Callable[[Any, Any], dict[str, Any]]
    pick: int = 0


def fixed(**body: Any) -> Request:
    return Request(lambda ids, wechat: body)


def _product(ids: Any, _: Any) -> dict[str, Any]:
    first = {name: ids[name][0] for name in ("category_id", "brand_id")}
    return PRODUCT | first | {"freight_template_id": ids["template_id"][0]}


def _changed_product(ids: Any, wechat: Any) -> dict[str, Any]:
    return _product(ids, wechat) | {"spec": [], "skus": [sku_body()]}


def _campaign(ids: Any, _: Any) -> dict[str, Any]:
    includes = {"category_ids": [ids["category_id"][0]], "spu_ids": [ids["spu_id"][0]]}
    return CAMPAIGN | {"includes": {**includes, "sku_ids": [ids["sku_id"][0]], "tags": ["新品"]}}


CHOICE = {
    "coupon_ids": [],
    "declined_promotion_ids": [999],
    "gift_choices": [{"promotion_id": 999, "sku_ids": [1]}],
}


def _pack(ids: Any, _: Any) -> dict[str, Any]:
    template_id = ids["coupon_template_id"][0]
    coupons = {"kind": "coupon", "promotion_id": template_id, "count": 2, "points": None}
    return PACK | {"parts": [coupons, {"kind": "points", "points": 100}]}


def _lines(ids: Any, _: Any) -> dict[str, Any]:
    return CHOICE | {
        "lines": [{"sku_id": ids["sku_id"][0], "quantity": 1}],
        "address_id": ids["address_id"][0],
    }


def _bulk_lines(ids: Any, _: Any) -> dict[str, Any]:
    line = {"sku_id": ids["sku_id"][0], "quantity": 1}
    return {"lines": [line], "coupon_ids": [], "address_id": ids["address_id"][0]}


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


def _click(ids: Any) -> dict[str, Any]:
    return {"invite_code": ids["invite_code"][0], "source": "link", "spu_id": ids["spu_id"][0]}


def _order(ids: Any, wechat: Any) -> dict[str, Any]:
    more = {"expected_payable_fen": FIRST_ORDER_FEN, "remark": "请\n快"}
    brings = {"expected_gifts": [], "expected_coupons": [], "expected_points": 0}
    return _lines(ids, wechat) | more | brings


def _team_preview(ids: Any, _: Any) -> dict[str, Any]:
    named = {name: ids[name][0] for name in ("sku_id", "team_no", "address_id")}
    return {**named, "quantity": 1, "coupon_ids": []}


def _team_order(ids: Any, wechat: Any) -> dict[str, Any]:
    return _team_preview(ids, wechat) | {"expected_payable_fen": IN_A_TEAM_FEN, "remark": "快"}


def _because(*_: Any) -> dict[str, Any]:
    return {"reason": "资料不全"}


def _joining(ids: Any, _: Any) -> dict[str, Any]:
    return {
        "way": "goods",
        "spend_fen": None,
        "in_one_order": False,
        "spu_ids": [ids["spu_id"][0]],
        "counts_at_payment": False,
    }


def _rate(ids: Any) -> dict[str, Any]:
    nothing = {"grade_id": None, "level2_bp": None, "level1_fen": None, "is_off": False}
    return {
        "scope": "sku", "target_id": ids["sku_id"][0], "level1_bp": 500, "level2_fen": 100,
    } | nothing  # fmt: skip


def _preview(ids: Any, _: Any) -> dict[str, Any]:
    return {
        "lines": [{"sku_id": ids["sku_id"][0], "quantity": 2, "paid_fen": 19_900}],
        "rules": RULES,
        "rates": [_rate(ids)],
        "level1_grade_id": None,
        "level2_grade_id": None,
    }


REQUESTS = {
    "POST /api/v1/sessions": Request(
        lambda ids, wechat: {
            "code": wechat.login_code(),
            "invite_code": ids["invite_code"][0],
            "scene": "s",
            "visitor_key": VISITOR,
            "is_adult": True,
        }
    ),
    "POST /api/v1/share-clicks": Request(lambda ids, _: _click(ids) | {"visitor_key": VISITOR}),
    "PATCH /api/v1/me": fixed(nickname="小王", avatar_url=IMAGE),
    "POST /api/v1/me/phone": Request(
        lambda ids, wechat: {"code": wechat.phone_code("13812345678")}
    ),
    "POST /api/v1/addresses": fixed(**ADDRESS, is_default=True),
    "PATCH /api/v1/addresses/{address_id}": fixed(**ADDRESS, is_default=True),
    "POST /api/v1/cart/items": Request(lambda ids, _: {"sku_id": ids["sku_id"][0], "quantity": 1}),
    "PATCH /api/v1/cart/items/{item_id}": Request(
        lambda ids, _: {"sku_id": ids["sku_id"][0], "quantity": 3, "is_selected": False}
    ),
    "POST /api/v1/cart/remove": Request(lambda ids, _: {"item_ids": [ids["item_id"][0]]}),
    "POST /api/v1/cart/select": Request(
        lambda ids, _: {"item_ids": [ids["item_id"][0]], "is_selected": False}
    ),
    "POST /api/v1/cart/quote": fixed(**CHOICE),
    "POST /api/v1/orders/preview": Request(_lines),
    "POST /api/v1/orders": Request(_order),
    "POST /api/v1/flash-sales/{promotion_id}/orders": Request(
        lambda ids, _: {
            "sku_id": ids["flash_sku_id"][0],
            "quantity": 1,
            "address_id": ids["address_id"][0],
            "expected_payable_fen": FLASH_FEN,
            "coupon_ids": [],
            "remark": "请\n快",
        },
        pick=3,
    ),
    "POST /api/v1/bulk-buys/{bulk_buy_id}/orders/preview": Request(_bulk_lines),
    "POST /api/v1/bulk-buys/{bulk_buy_id}/orders": Request(
        lambda ids, wechat: (
            _bulk_lines(ids, wechat) | {"expected_payable_fen": BULK_ORDER_FEN, "remark": "请\n快"}
        )
    ),
    "POST /api/v1/group-buys/{group_buy_id}/orders/preview": Request(_team_preview),
    "POST /api/v1/group-buys/{group_buy_id}/orders": Request(_team_order),
    "POST /api/v1/new-user-pack/claims": Request(lambda ids, _: {"pack_id": ids["pack_id"][1]}),
    "POST /api/v1/after-sales": Request(
        lambda ids, _: {"order_no": ids["order_no"][1], "reason": "不想要了"}
    ),
    "POST /api/v1/after-sales/preview": Request(lambda ids, _: {"order_no": ids["order_no"][1]}),
    "POST /api/v1/distributor/apply": fixed(is_adult=True),
    "POST /api/v1/distributor/bind": Request(lambda ids, _: {"invite_code": ids["invite_code"][0]}),
    "POST /api/v1/distributor/clicks": Request(lambda ids, _: _click(ids)),
    "POST /admin/v1/sessions": Request(
        lambda ids, _: {"username": ids["username"][0], "password": PASSWORD}
    ),
    "PUT /admin/v1/me/password": fixed(present_password=PASSWORD, new_password=NEW_PASSWORD),
    "POST /admin/v1/staff": fixed(
        username="xiaoli", password=NEW_PASSWORD, display_name="小李", role="merchant"
    ),
    "PUT /admin/v1/staff/{staff_id}/password": fixed(new_password=NEW_PASSWORD),
    "POST /admin/v1/categories": Request(
        lambda ids, _: CATEGORY | {"parent_id": ids["category_id"][0]}
    ),
    "PUT /admin/v1/categories/{category_id}": Request(
        lambda ids, _: CATEGORY | {"parent_id": ids["category_id"][1]}
    ),
    "POST /admin/v1/brands": fixed(**LOGO),
    "PUT /admin/v1/brands/{brand_id}": fixed(**LOGO),
    "POST /admin/v1/freight-templates": fixed(**TEMPLATE),
    "PUT /admin/v1/freight-templates/{template_id}": fixed(**TEMPLATE),
    "POST /admin/v1/products": Request(_product),
    "PUT /admin/v1/products/{spu_id}": Request(_changed_product),
    "PUT /admin/v1/skus/{sku_id}/price": fixed(price_fen=8800, market_price_fen=9900),
    "PUT /admin/v1/skus/{sku_id}/stock": fixed(available=7, reason="盘点"),
    "POST /admin/v1/skus/{sku_id}/stock-adjustments": fixed(delta=-1, reason="破损"),
    "POST /admin/v1/promotions": Request(_campaign),
    "PUT /admin/v1/promotions/{promotion_id}": Request(_campaign),
    "PATCH /admin/v1/promotions/{promotion_id}/limits": Request(
        lambda ids, _: {"max_uses": 2_000}, pick=1
    ),
    "POST /admin/v1/promotions/{promotion_id}/simulation": Request(_carts),
    "POST /admin/v1/packs": Request(_pack),
    "PUT /admin/v1/packs/{pack_id}": Request(_pack),
    "POST /admin/v1/quotes/explain": Request(_explained),
    "POST /api/v1/coupons/redeem": Request(lambda ids, _: {"code": ids["code"][0]}),
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
    "POST /admin/v1/orders/{order_no}/ship": Request(lambda ids, _: PARCEL, pick=1),
    "PUT /admin/v1/orders/{order_no}/remark": fixed(text="老客户\n优先"),
    "POST /admin/v1/after-sales": Request(
        lambda ids, _: {"order_no": ids["order_no"][2], "reason": "协商退款"}
    ),
    "POST /admin/v1/after-sales/{after_sale_no}/reject": fixed(answer="已打包"),
    "POST /admin/v1/teams/{team_no}/fail": fixed(reason="缺货"),
    "POST /admin/v1/distributors/{member_id}/freeze": fixed(reason="刷单"),
    "PUT /api/v1/distributor/payee": fixed(
        real_name="周敏", id_number=ID_NUMBERS[0], account="工行 6222 0000", has_consented=True
    ),
    "POST /api/v1/distributor/withdrawals": fixed(amount_fen=5_000, channel="manual"),
    "POST /admin/v1/withdrawals/{withdrawal_no}/reject": fixed(reason="资料不符"),
    "POST /admin/v1/withdrawals/{withdrawal_no}/pay": Request(
        lambda ids, _: {"receipt_no": "ICBC-0001"}, pick=1
    ),
    "PUT /admin/v1/withdrawal-rules": fixed(**WITHDRAWAL_RULES),
    "POST /admin/v1/commission-adjustments": Request(
        lambda ids, _: {
            "member_id": ids["member_id"][0],
            "kind": "give",
            "amount_fen": 300,
            "reason": "活动补发",
        }
    ),
    "POST /admin/v1/commission-adjustments/{adjustment_no}/refuse": fixed(answer="金额有误"),
    "POST /admin/v1/distributors/{member_id}/refuse": Request(_because, pick=3),
    "POST /admin/v1/distributors/{member_id}/appoint": Request(_because, pick=4),
    "PUT /admin/v1/joining-rules": Request(_joining),
    "POST /admin/v1/distributor-grades": fixed(**GRADE | {"rank": 9}),
    "PUT /admin/v1/distributor-grades/{grade_id}": fixed(**GRADE),
    "PUT /admin/v1/distributors/{member_id}/grade": Request(
        lambda ids, _: {"grade_id": ids["grade_id"][0], "is_locked": True, "reason": "老客户"}
    ),
    "PUT /admin/v1/commission-rules": fixed(**RULES),
    "PUT /admin/v1/binding-rules": fixed(**BINDING_RULES),
    "PUT /admin/v1/bindings/{member_id}": Request(
        lambda ids, _: {"upline_member_id": ids["member_id"][1], "reason": "归属有误"}
    ),
    "POST /admin/v1/bindings/{member_id}/unbind": fixed(reason="误绑"),
    "POST /admin/v1/distributors/{member_id}/hand-over": Request(
        lambda ids, _: {"upline_member_id": ids["member_id"][1], "reason": "已离职"}, pick=2
    ),
    "POST /admin/v1/commission-rules/preview": Request(_preview),
    "PUT /admin/v1/commission-rates": Request(lambda ids, _: _rate(ids)),
}
