"""What the shop's rules take and answer."""

from enum import StrEnum
from typing import Any

import marshmallow as ma

from app.core.fields import Flag, Moment, Quantity, Query, Schema, Text, WholeNumber
from app.core.http import page_of
from app.shop.models import REASON_MAX
from app.shop.rules import CHOICES, RANGES, ShopRules

DEFAULTS = ShopRules()
SAYS = {
    "receive_after_days": "发货后多少天自动确认收货",
    "complete_after_days": "收货后多少天内可申请售后，之后订单完成",
    "revive_late_orders": "订单关闭后才到的款项：库存与优惠仍可占用时恢复订单，否则自动退款",
    "rest_policy": "退货后不再满足优惠门槛：keep 按实付分摊退，reprice 重新计价并扣回优惠",
    "staff_answer_hours": "商家须在多少小时内处理售后",
    "staff_answer_outcome": "商家超时未处理时：approve 自动同意，reject 自动拒绝",
    "buyer_sends_days": "同意退货后，买家须在多少天内寄出",
    "shop_receives_days": "买家寄出后，商家须在多少天内确认收货",
    "remind_unpaid_minutes": "未支付订单关闭前多少分钟提醒买家，0 为不提醒",
    "upload_shipping": "发货信息录入：auto 按微信要求，on 始终，off 从不",
    "reviews_wait_for_staff": "评价须商家审核后才展示",
    "review_days": "收货后多少天内可评价",
}
"""What the form says beside each field."""


def _said(name: str) -> dict[str, Any]:
    return {"metadata": {"description": SAYS[name]}}


def _number(name: str) -> WholeNumber:
    least, most = RANGES[name]
    default = getattr(DEFAULTS, name)
    return WholeNumber(minimum=least, maximum=most, load_default=default, **_said(name))


def _choice(name: str) -> ma.fields.Enum[StrEnum]:
    kind = CHOICES[name]
    return ma.fields.Enum(kind, by_value=True, load_default=getattr(DEFAULTS, name), **_said(name))


def _flag(name: str) -> Flag:
    return Flag(load_default=getattr(DEFAULTS, name), **_said(name))


class ShopRulesFields(Schema):
    """Every decision, each with its default."""

    receive_after_days = _number("receive_after_days")
    complete_after_days = _number("complete_after_days")
    revive_late_orders = _flag("revive_late_orders")
    rest_policy = _choice("rest_policy")
    staff_answer_hours = _number("staff_answer_hours")
    staff_answer_outcome = _choice("staff_answer_outcome")
    buyer_sends_days = _number("buyer_sends_days")
    shop_receives_days = _number("shop_receives_days")
    remind_unpaid_minutes = _number("remind_unpaid_minutes")
    upload_shipping = _choice("upload_shipping")
    reviews_wait_for_staff = _flag("reviews_wait_for_staff")
    review_days = _number("review_days")


class ShopRulesIn(ShopRulesFields):
    """The whole set of rules: what is left out takes its default. And why they change."""

    reason = Text(maximum=REASON_MAX, required=True)


class ShopRulesOut(ShopRulesFields):
    """One version of the rules."""

    version = WholeNumber(required=True, metadata={"description": "0 是未设置时的默认规则"})


class ShopRulesVersionOut(ma.Schema):
    """One decision: what was decided, by whom, when and why."""

    version = ma.fields.Integer(required=True)
    rules = ma.fields.Nested(ShopRulesFields, required=True)
    staff_id = ma.fields.Integer(required=True)
    reason = ma.fields.String(required=True)
    created_at = Moment(required=True)


class VersionsQuery(Query):
    """Which page."""

    cursor = Text(maximum=200)
    limit = Quantity(maximum=100, load_default=20)


ShopRulesVersionPage = page_of(ShopRulesVersionOut)
