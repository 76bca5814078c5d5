"""`notification`: beside a bare Flask route with RSA verify, AES-GCM and one insert."""

import base64
import itertools
import json
import secrets
from collections.abc import Iterator
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bench import load
from bench.course import CONNECTIONS, ROUNDS, Course, compare

EACH = 1500
"""Notifications for one side of one round; a run ends early when they are used up."""


def notification(course: Course) -> None:
    """Signed and encrypted payment notifications, each with an id of its own."""
    platform = course.sandbox.control("GET", "/platform")
    apiv3_key = course.mall.env["WECHAT_PAY_APIV3_KEY"]
    identity = {"public_key": platform["public_key"], "apiv3_key": apiv3_key}
    (course.folder / "platform.json").write_text(json.dumps(identity))
    course.start_bare()
    course.mall.family.stop("worker")  # What is stored is acted upon later, by another process.
    messages = [_message(course, apiv3_key) for _ in range(EACH * ROUNDS)]
    compare(
        course,
        "notification",
        _each_once(messages, "/webhooks/wechat/pay"),
        _each_once(messages, "/notified"),
        expect=204,
    )
    course.mall.start_worker()


def _each_once(messages: list[tuple[dict[str, str], bytes]], path: str) -> load.Requests:
    """Every message once over all rounds, dealt out among the connections of a round."""
    rounds = itertools.count()

    def requests(number: int) -> Iterator[bytes]:
        turn = next(rounds) // CONNECTIONS
        for headers, body in messages[turn * EACH + number : (turn + 1) * EACH : CONNECTIONS]:
            yield load.request("POST", path, headers=headers, body=body)

    return requests


def _message(course: Course, apiv3_key: str) -> tuple[dict[str, str], bytes]:
    body = json.dumps(_envelope(course, apiv3_key))
    headers = course.sandbox.control("POST", "/sign", body=body)["headers"]
    return {**headers, "Content-Type": "application/json"}, body.encode()


def _envelope(course: Course, apiv3_key: str) -> dict[str, Any]:
    nonce, about = secrets.token_hex(6), "transaction"
    content = {
        "mchid": course.mall.env["WECHAT_PAY_MCHID"],
        "appid": course.mall.env["WECHAT_APPID"],
        "out_trade_no": f"P{secrets.token_hex(13).upper()}",
        "transaction_id": f"42{secrets.randbelow(10**26):026d}",
        "trade_type": "JSAPI",
        "trade_state": "SUCCESS",
        "trade_state_desc": "支付成功",
        "bank_type": "OTHERS",
        "success_time": "2026-11-23T20:00:00+08:00",
        "payer": {"openid": "bench"},
        "amount": {"total": 100, "payer_total": 100, "currency": "CNY", "payer_currency": "CNY"},
    }
    gcm = AESGCM(apiv3_key.encode())
    sealed = gcm.encrypt(nonce.encode(), json.dumps(content).encode(), about.encode())
    return {
        "id": secrets.token_hex(16),
        "create_time": "2026-11-23T20:00:00+08:00",
        "resource_type": "encrypt-resource",
        "event_type": "TRANSACTION.SUCCESS",
        "summary": "支付成功",
        "resource": {
            "original_type": "transaction",
            "algorithm": "AEAD_AES_256_GCM",
            "ciphertext": base64.b64encode(sealed).decode(),
            "associated_data": about,
            "nonce": nonce,
        },
    }
