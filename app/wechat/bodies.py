"""
The bodies of prepay, refund and transfer requests, serialised once and for all.

A body is stored before it is sent and replayed byte for byte, so these functions are the only
place where its content is decided. No null, no character of four bytes, whole fen.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app.core.clock import CHINA
from app.wechat import text

DESCRIPTION_BYTES = 127
REASON_BYTES = 80
SCENE = "1005"
"""Commission and remuneration: what WeChat lets a merchant pay its distributors under."""
SCENE_REPORT = (("岗位类型", "分销推广员"), ("报酬说明", "商品推广佣金"))
REMARK = "推广佣金提现"


def prepay_body(
    *,
    appid: str,
    mchid: str,
    out_trade_no: str,
    description: str,
    amount_fen: int,
    openid: str,
    notify_url: str,
    expires_at: datetime,
) -> bytes:
    """Make the body that registers one attempt to pay `amount_fen` until `expires_at`."""
    return serialise(
        {
            "appid": appid,
            "mchid": mchid,
            "description": text.clip(description, DESCRIPTION_BYTES) or out_trade_no,
            "out_trade_no": out_trade_no,
            "time_expire": expires_at.astimezone(CHINA).isoformat(timespec="seconds"),
            "notify_url": notify_url,
            "amount": {"total": amount_fen, "currency": "CNY"},
            "payer": {"openid": openid},
        }
    )


def refund_body(
    *,
    transaction_id: str,
    out_refund_no: str,
    reason: str,
    notify_url: str,
    refund_fen: int,
    total_fen: int,
) -> bytes:
    """Make the body that refunds `refund_fen` of a payment of `total_fen`."""
    body: dict[str, Any] = {
        "transaction_id": transaction_id,
        "out_refund_no": out_refund_no,
        "notify_url": notify_url,
        "amount": {"refund": refund_fen, "total": total_fen, "currency": "CNY"},
    }
    if shown := text.clip(reason, REASON_BYTES):
        body["reason"] = shown
    return serialise(body)


def rescue_body(*, out_refund_no: str, to: str, sealed: Mapping[str, str]) -> bytes:
    """
    Make the body that gives abnormal money to a bank account: the payer's, or the merchant's own.

    `to` is `USER_BANK_CARD` or `MERCHANT_BANK_CARD`; the fields of the account, sealed where they
    name a person, go with the first only.
    """
    return serialise({"out_refund_no": out_refund_no, "type": to, **sealed})


def transfer_body(  # One argument per field.
    *,
    appid: str,
    out_bill_no: str,
    openid: str,
    amount_fen: int,
    notify_url: str,
    sealed_name: str | None,
) -> bytes:
    """Make the body that pays `amount_fen` of commission; what the payee perceives is left out."""
    body: dict[str, Any] = {
        "appid": appid,
        "out_bill_no": out_bill_no,
        "transfer_scene_id": SCENE,
        "openid": openid,
        "transfer_amount": amount_fen,
        "transfer_remark": REMARK,
        "notify_url": notify_url,
        "transfer_scene_report_infos": [
            {"info_type": kind, "info_content": content} for kind, content in SCENE_REPORT
        ],
    }
    if sealed_name is not None:
        body["user_name"] = sealed_name
    return serialise(body)


def serialise(body: dict[str, Any]) -> bytes:
    """Write `body` as compact UTF-8 JSON."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
