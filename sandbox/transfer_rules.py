"""
The rules of a merchant transfer: its fields, its scene, its amount and its payee's name.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from sandbox import fields, sensitive
from sandbox.errors import PayRefusal, invalid_request, param_error
from sandbox.fields import Address, Group, Many, Text, Whole
from sandbox.mini import Mini
from sandbox.world import Merchant, World

LEAST_FEN = 10
NAME_ALLOWED_FEN = 30
NAME_REQUIRED_FEN = 200_000
NUMBER = Text(32, pattern=r"[0-9A-Za-z]+")


@dataclass(frozen=True)
class Scene:
    """What a transfer is for: what must be reported, and what the payee may be told it is."""

    reports: tuple[str, ...]
    perceptions: tuple[str, ...] = ()


SCENES = {
    "1000": Scene(("活动名称", "奖励说明"), ("活动奖励", "现金奖励")),
    "1002": Scene(("补贴类型",)),
    "1005": Scene(("岗位类型", "报酬说明"), ("劳务报酬",)),
    "1009": Scene(("采购商品名称",)),
    "1011": Scene(("赔付原因",)),
}
"""The scenes this WeChat has granted its merchants."""

BODY = Group(
    {
        "appid": Text(32),
        "out_bill_no": NUMBER,
        "transfer_scene_id": Text(36),
        "openid": Text(64),
        "user_name": Text(1024, required=False),
        "transfer_amount": Whole(1),
        "transfer_remark": Text(32),
        "notify_url": Address(256, required=False),
        "user_recv_perception": Text(64, required=False),
        "transfer_scene_report_infos": Many(
            Group({"info_type": Text(15), "info_content": Text(32)}), required=True
        ),
        "user_recv_style": Group(
            {"type": Text(32, among=("CONFIRM_PAGE", "RED_PACKET"))}, required=False
        ),
    }
)


def read(world: World, merchant: Merchant, serial: str | None) -> dict[str, Any]:
    """
    Return the request's body, checked, with the payee's name in clear.

    The name is compared in clear when a request is repeated, as no two sealings are alike.

    :raises PayRefusal: a field, the scene, the amount, the payee or the name breaks a rule.
    """
    body = fields.body(BODY)
    _check_payee(world, merchant, body)
    _check_scene(body)
    _check_amount(world, body)
    if "user_name" in body:
        name = sensitive.reveal(world, serial, body["user_name"], "/user_name")
        body["user_name"] = name
    return body


def _check_payee(world: World, merchant: Merchant, body: dict[str, Any]) -> None:
    if body["appid"] != merchant.appid:
        raise PayRefusal(400, "APPID_MCHID_NOT_MATCH", "appid和mchid不匹配")
    owner = world.store(Mini).appid_of(body["openid"])
    if owner not in (None, merchant.appid):
        raise param_error("/openid", "openid与appid不匹配", body["openid"])


def _check_scene(body: dict[str, Any]) -> None:
    scene = SCENES.get(body["transfer_scene_id"])
    if scene is None:
        raise invalid_request("你尚未获取该转账场景")
    told = Counter(info["info_type"] for info in body["transfer_scene_report_infos"])
    if told != Counter(scene.reports):
        pointer = "/transfer_scene_report_infos"
        raise param_error(pointer, f"应且仅应包含{'、'.join(scene.reports)}各一项")
    perception = body.get("user_recv_perception")
    if perception is not None and perception not in scene.perceptions:
        raise invalid_request("暂不支持展示当前传入的用户收款感知")


def _check_amount(world: World, body: dict[str, Any]) -> None:
    amount = body["transfer_amount"]
    if not LEAST_FEN <= amount <= world.settings.transfer_most_fen:
        raise invalid_request("转账金额不在允许的范围内")
    if amount >= NAME_REQUIRED_FEN and "user_name" not in body:
        raise param_error("/user_name", "转账金额大于等于2000元时必填")
    if amount < NAME_ALLOWED_FEN and "user_name" in body:
        raise param_error("/user_name", "转账金额小于0.3元时不支持传入")
