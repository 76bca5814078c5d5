"""What staff send about the shop: people, goods, orders, after-sales, rules."""

from typing import Any

from app.core import clock, days
from tests.api.body_parts import IMAGE, Request, fixed
from tests.builders.catalogue import sku_body
from tests.builders.staff import PASSWORD

NEW_PASSWORD = "another horse battery"
LOGO = {"name": "新牌子", "logo_url": IMAGE, "sort": 3}
CATEGORY = {"name": "茶具", "image_url": IMAGE, "sort": 1, "is_visible": True}
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
PARCEL = {"company_code": "SF", "company_name": "顺丰速运", "tracking_no": "SF1234567890"}


def _product(ids: Any, _: Any) -> dict[str, Any]:
    first = {name: ids[name][0] for name in ("category_id", "brand_id")}
    return PRODUCT | first | {"freight_template_id": ids["template_id"][0]}


def _changed_product(ids: Any, wechat: Any) -> dict[str, Any]:
    return _product(ids, wechat) | {"spec": [], "skus": [sku_body()]}


REQUESTS = {
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
    "POST /admin/v1/orders/{order_no}/ship": Request(
        lambda ids, _: PARCEL | {"lines": [{"line_id": ids["line_id"][1], "quantity": 1}]}, pick=1
    ),
    "POST /admin/v1/orders/{order_no}/deliver": Request(
        lambda ids, _: {
            "courier_name": "小周",
            "courier_phone": "13900001111",
            "lines": [{"line_id": ids["line_id"][1], "quantity": 1}],
        },
        pick=1,
    ),
    "PUT /admin/v1/orders/{order_no}/shipments/{shipment_id}": Request(
        lambda _, __: PARCEL | {"tracking_no": "SF0000000001", "reason": "抄错一位"}, pick=2
    ),
    "POST /admin/v1/shipments/batches": Request(
        lambda ids, _: {
            "content": f"订单号,快递公司,快递单号\n{ids['order_no'][1]},SF,SF0000000002\n"
        }
    ),
    "PUT /admin/v1/orders/{order_no}/remark": fixed(text="老客户\n优先"),
    "POST /admin/v1/after-sales": Request(
        lambda ids, _: {"order_no": ids["order_no"][2], "reason": "协商退款"}
    ),
    "POST /admin/v1/after-sales/{after_sale_no}/approve": fixed(answer="同意"),
    "POST /admin/v1/after-sales/{after_sale_no}/receive": Request(
        lambda ids, _: {"lines": [], "answer": "空包裹", "refused_parcel": PARCEL}, pick=1
    ),
    "POST /admin/v1/after-sales/{after_sale_no}/ship": Request(lambda ids, _: PARCEL, pick=3),
    "POST /admin/v1/after-sales/{after_sale_no}/messages": fixed(words="请\n寄回"),
    "POST /admin/v1/after-sales/{after_sale_no}/reject": fixed(answer="已打包"),
    "POST /admin/v1/payments/quarantine/{fact_id}/decision": fixed(
        decision="dismiss", reason="已在微信后台核实"
    ),
    "POST /admin/v1/refunds/{out_refund_no}/retry": fixed(reason="已充值"),
    "POST /admin/v1/refunds/{out_refund_no}/rescue": fixed(
        reason="买家换卡",
        account={
            "bank_type": "ICBC_DEBIT",
            "account_number": "6222020000001",
            "account_name": "王强",
        },
    ),
    "POST /admin/v1/refunds/{out_refund_no}/replace": Request(
        lambda *_: {"reason": "重新退款"}, pick=1
    ),
    "POST /admin/v1/refunds/{out_refund_no}/by-hand": Request(
        lambda *_: {"reason": "超过一年，银行转账", "receipt_no": "ICBC-0002"}, pick=2
    ),
    "POST /admin/v1/reconciliation/runs": Request(
        lambda *_: {"day": (clock.china_day(clock.now()) - days.ONE).isoformat(), "is_anew": True}
    ),
    "POST /admin/v1/reconciliation/breaks/{break_id}/resolve": Request(
        lambda *_: {"how": "explained", "reason": "已核实"}, pick=1
    ),
    "PUT /admin/v1/shop-rules": fixed(
        receive_after_days=12,
        complete_after_days=15,
        revive_late_orders=True,
        rest_policy="reprice",
        staff_answer_hours=24,
        staff_answer_outcome="reject",
        buyer_sends_days=5,
        shop_receives_days=6,
        remind_unpaid_minutes=5,
        upload_shipping="on",
        reviews_wait_for_staff=True,
        review_days=60,
        reason="试运行",
    ),
}
