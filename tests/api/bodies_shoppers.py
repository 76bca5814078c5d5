"""What shoppers and distributors send."""

from typing import Any

from tests.api.body_parts import IMAGE, Request, fixed
from tests.builders.flash_sales import FLASH_FEN
from tests.builders.members import ADDRESS
from tests.builders.orders import PARCEL
from tests.builders.team_orders import PRICE_FEN
from tests.builders.withdrawals import ID_NUMBERS

VISITOR = "v-0123456789abcdef"
FIRST_ORDER_FEN = 9900 + 800
IN_A_TEAM_FEN = PRICE_FEN + 800
"""One piece of the first SKU and its freight."""
BULK_ORDER_FEN = 8000 + 800
"""The same in the bulk buy."""
CHOICE = {
    "coupon_ids": [],
    "declined_promotion_ids": [999],
    "gift_choices": [{"promotion_id": 999, "sku_ids": [1]}],
}


def _lines(ids: Any, _: Any) -> dict[str, Any]:
    return CHOICE | {
        "lines": [{"sku_id": ids["sku_id"][0], "quantity": 1}],
        "address_id": ids["address_id"][0],
    }


def _bulk_lines(ids: Any, _: Any) -> dict[str, Any]:
    line = {"sku_id": ids["sku_id"][0], "quantity": 1}
    return {"lines": [line], "coupon_ids": [], "address_id": ids["address_id"][0]}


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
    "POST /api/v1/after-sales/{after_sale_no}/parcel": Request(lambda ids, _: PARCEL, pick=1),
    "POST /api/v1/after-sales/{after_sale_no}/appeal": Request(
        lambda ids, _: {"words": "有视频", "pictures": [IMAGE]}, pick=2
    ),
    "POST /api/v1/after-sales/{after_sale_no}/messages": fixed(words="请\n快", pictures=[IMAGE]),
    "POST /api/v1/after-sales/preview": Request(lambda ids, _: {"order_no": ids["order_no"][1]}),
    "POST /api/v1/notices/permissions": fixed(
        results=[{"template_id": "not-ours", "result": "accept"}]
    ),
    "POST /api/v1/distributor/apply": fixed(is_adult=True),
    "POST /api/v1/distributor/bind": Request(lambda ids, _: {"invite_code": ids["invite_code"][0]}),
    "POST /api/v1/distributor/clicks": Request(lambda ids, _: _click(ids)),
    "POST /api/v1/coupons/redeem": Request(lambda ids, _: {"code": ids["code"][0]}),
    "PUT /api/v1/distributor/payee": fixed(
        real_name="周敏", id_number=ID_NUMBERS[0], account="工行 6222 0000", has_consented=True
    ),
    "POST /api/v1/distributor/withdrawals": fixed(amount_fen=5_000, channel="manual"),
}
