"""
The rules of a JSAPI prepay: its fields, its payer and its lifetime.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from sandbox.errors import PayRefusal, param_error
from sandbox.fields import Address, Flag, Group, Many, Text, Whole
from sandbox.mini import Mini
from sandbox.v3 import check_mchid
from sandbox.world import Merchant, World

WEEK_SECONDS = 7 * 86400
LEAST_SECONDS = 60
RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")

GOODS = Group(
    {
        "merchant_goods_id": Text(32),
        "wechatpay_goods_id": Text(32, required=False),
        "goods_name": Text(256, required=False),
        "quantity": Whole(1),
        "unit_price": Whole(),
    }
)
STORE = Group(
    {
        "id": Text(32),
        "name": Text(256, required=False),
        "area_code": Text(32, required=False),
        "address": Text(512, required=False),
    },
    required=False,
)
BODY = Group(
    {
        "appid": Text(32),
        "mchid": Text(32),
        "description": Text(127),
        "out_trade_no": Text(32, least=6, pattern=r"[0-9A-Za-z_\-|*]+"),
        "time_expire": Text(64, required=False),
        "attach": Text(128, required=False),
        "notify_url": Address(255),
        "goods_tag": Text(32, required=False),
        "support_fapiao": Flag(),
        "amount": Group(
            {"total": Whole(1), "currency": Text(16, required=False, among=("CNY",))},
        ),
        "payer": Group({"openid": Text(128)}),
        "detail": Group(
            {
                "cost_price": Whole(required=False),
                "invoice_id": Text(32, required=False),
                "goods_detail": Many(GOODS),
            },
            required=False,
            bytes_limit=6144,
        ),
        "scene_info": Group(
            {
                "payer_client_ip": Text(45),
                "device_id": Text(32, required=False),
                "store_info": STORE,
            },
            required=False,
        ),
        "settle_info": Group({"profit_sharing": Flag()}, required=False),
        "limit_pay": Many(Text(32, among=("no_credit",))),
    }
)


def check(world: World, merchant: Merchant, body: dict[str, Any]) -> None:
    """
    Check what the fields alone cannot say: whose appid, mchid and payer these are.

    :raises PayRefusal: one of them belongs to somebody else.
    """
    check_mchid(merchant, body["mchid"])
    if body["appid"] != merchant.appid:
        raise PayRefusal(400, "APPID_MCHID_NOT_MATCH", "appid和mchid不匹配")
    owner = world.store(Mini).appid_of(body["payer"]["openid"])
    if owner not in (None, merchant.appid):
        raise param_error("/payer/openid", "下单openid与appid不匹配", body["payer"]["openid"])


def seconds_open(world: World, body: dict[str, Any], *, is_known: bool) -> float:
    """
    Return how long the trade may stay unpaid, from now.

    :raises PayRefusal: `time_expire` is not RFC 3339, is over, or is more than a week ahead.
    """
    text = body.get("time_expire")
    if text is None or is_known:
        return WEEK_SECONDS
    if not RFC3339.fullmatch(text):
        raise param_error("/time_expire", "应为RFC3339格式", text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise param_error("/time_expire", "不是有效的时间", text) from error
    seconds = (moment - world.clock.now()).total_seconds()
    if not 0 < seconds <= WEEK_SECONDS:
        raise param_error("/time_expire", "应晚于当前时间且不超过7天", text)
    return max(seconds, LEAST_SECONDS)
