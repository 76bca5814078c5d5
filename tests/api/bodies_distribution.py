"""What staff send about distributors, their rates and their withdrawals."""

from typing import Any

from tests.api.body_parts import Request, fixed

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
    "POST /admin/v1/distributors/{member_id}/freeze": fixed(reason="刷单"),
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
