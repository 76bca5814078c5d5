"""
The bodies of prepay and refund requests, serialised once and for all.

A body is stored before it is sent and replayed byte for byte, so these functions are the only
place where its content is decided. No null, no character of four bytes, whole fen.
"""

import json
from datetime import datetime
from typing import Any

from app.core.clock import CHINA
from app.wechat import text

DESCRIPTION_BYTES = 127
REASON_BYTES = 80


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


def serialise(body: dict[str, Any]) -> bytes:
    """Write `body` as compact UTF-8 JSON."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
