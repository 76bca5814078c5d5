"""
The published samples of WeChat and its SDKs, through our own code.

The samples lie beside the project, not in it; without them this file has nothing to check.
"""

import base64
import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from wechatpy.crypto import PrpCrypto

from app.wechat import bills, certificates, crypto, push, signing
from app.wechat.keys import PlatformKeys
from app.wechat.notify import ForgedNotification, NotificationReader, StaleNotification
from app.wechat.push import PushBox

PATH = Path(__file__).parents[4] / "shared" / "reference" / "wechat_vectors.json"
FILE: dict[str, Any] = json.loads(PATH.read_text()) if PATH.exists() else {}
if not FILE:
    pytest.skip(f"the vector file is absent: {PATH.name}", allow_module_level=True)

Vector = dict[str, Any]

WATERMARKS = {
    "mp-userinfo-decrypt-official": "wx4f4bc4dec97d474b",
    "mp-phone-decrypt-wechatslim": "wx0000000000000000",
}
"""Whose data the samples are; the file does not say it beside them."""


def public(name: str) -> Any:
    return crypto.public_key(FILE["keys"][name]["pem"])


def request_signature(v: Vector) -> None:
    message = signing.request_message(
        v["method"], v["url"], v["timestamp"], v["nonce"], v["body"].encode()
    )
    assert crypto.verifies(public(v["signer_public_key"]), message, v["expect_signature"])


def canonical_request(v: Vector) -> None:
    parts = v["method"], v["url"], v["timestamp"], v["nonce"]
    assert signing.request_message(*parts, v["body"].encode()) == v["expect"].encode()
    if "expect_header" in v:
        header = signing.authorization(
            mchid="1234567890",
            nonce=v["nonce"],
            timestamp=v["timestamp"],
            serial="0123456789ABC",
            signature=f"Sign:{v['expect']}",
            scheme="WECHATPAY2-Mock",
        )
        assert header == v["expect_header"]


def pay_sign(v: Vector) -> None:
    message = signing.payment_message(*v["lines"])
    assert crypto.verifies(public(v["signer_public_key"]), message, v["expect_signature"])


def message_verify(v: Vector) -> None:
    message = signing.answer_message(v["timestamp"], v["nonce"], v["body"].encode())
    assert crypto.verifies(public(v["public"]), message, v["signature"]) is v["expect"]


def rsa_sign(v: Vector) -> None:
    key = public(v["signer_public_key"])
    assert crypto.verifies(key, v["message"].encode(), v["expect_signature"])


def rsa_verify(v: Vector) -> None:
    key = public(v["public"])
    assert crypto.verifies(key, v["message"].encode(), v["signature"]) is v["expect"]


def gcm(v: Vector) -> None:
    def opened() -> bytes:
        return crypto.open_gcm(
            v["key"].encode(),
            nonce=v["nonce"],
            associated_data=v["associated_data"],
            ciphertext=v["ciphertext"],
        )

    if v.get("expect_error"):
        with pytest.raises(crypto.Undecipherable):
            opened()
    else:
        assert opened().decode() == v["expect_plaintext"]


def certificate_list(v: Vector) -> None:
    (found,) = certificates.open_list(v["body"].encode(), [v["apiv3_key"].encode()])
    assert found.serial == v["expect_serial"]
    if "expect_pem_key" in v:
        assert found.key.public_numbers() == public(v["expect_pem_key"]).public_numbers()


def notification(v: Vector) -> None:
    keys = PlatformKeys({v["headers"]["Wechatpay-Serial"]: public(v["public"])})
    reader = NotificationReader(keys, [v["apiv3_key"].encode()])
    now = datetime.fromtimestamp(v.get("now", int(v["headers"]["Wechatpay-Timestamp"])), UTC)
    raw = v["body"].encode()
    failures = {"signature": ForgedNotification, "timestamp": StaleNotification}
    if failure := v.get("expect_error"):
        with pytest.raises(failures[failure]):
            reader.verify_and_open(v["headers"], raw, now)
        return
    read = reader.verify_and_open(v["headers"], raw, now)
    assert read.event_type == v["expect_event_type"]
    assert read.resource == json.loads(v["expect_plaintext"])


def trade_bill(v: Vector) -> None:
    content = base64.b64decode(v["content_base64"])
    assert hashlib.sha1(content).hexdigest() == v["sha1"]

    bill = bills.parse(content.decode())

    assert len(bill.rows) == v["expect_detail_rows"]
    assert list(bill.rows[0]) == v["expect_header"]
    assert list(bill.summary) == v["expect_summary_header"]
    assert list(bill.summary.values()) == v["expect_summary"]
    assert sum(bills.fen(row["订单金额"]) for row in bill.rows) == bills.fen("0.47")


def user_data(v: Vector) -> None:
    sealed = {"session_key": v["session_key"], "iv": v["iv"], "encrypted_data": v["encrypted_data"]}
    expected = (
        v["expect_json_subset"] if "expect_json_subset" in v else json.loads(v["expect_plaintext"])
    )
    with pytest.raises(crypto.Undecipherable):
        crypto.open_user_data(**sealed, appid="wx-of-another")
    appid = WATERMARKS[v["id"]]
    opened = crypto.open_user_data(**sealed, appid=appid)
    assert opened.items() >= expected.items()


def user_data_signature(v: Vector) -> None:
    signature = crypto.user_data_signature(session_key=v["session_key"], raw_data=v["raw_data"])
    assert signature == v["expect_signature"]


def session_signature(v: Vector) -> None:
    signature = crypto.session_signature(session_key=v["session_key"], body=v["data"])
    assert signature == v["expect_signature"]


def push_signature(v: Vector) -> None:
    assert push.signature(v["token"], *v["parts"]) == v["expect_signature"]


def push_decrypt(v: Vector) -> None:
    box = PushBox(token="", encoding_aes_key=v["encoding_aes_key"], appid=v["appid"])
    text = box.decrypt(v["encrypt"])
    assert text == v.get("expect_msg", text)
    assert all(part in text for part in v.get("expect_msg_contains", []))


def push_encrypt(v: Vector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PrpCrypto, "get_random_string", lambda self: v["random"])
    box = PushBox(token="", encoding_aes_key=v["encoding_aes_key"], appid=v["appid"])
    assert box.encrypt(v["msg"]) == v["expect_encrypt"]


CHECKS: dict[str, Callable[..., None]] = {
    "v3_request_signature": request_signature,
    "v3_canonical_request": canonical_request,
    "pay_sign": pay_sign,
    "v3_message_verify": message_verify,
    "rsa_sha256_sign": rsa_sign,
    "rsa_sha256_verify": rsa_verify,
    "aes_gcm_decrypt": gcm,
    "certificates_response": certificate_list,
    "v3_notification": notification,
    "trade_bill_csv": trade_bill,
    "wxa_data_decrypt": user_data,
    "wxa_userinfo_signature": user_data_signature,
    "wxa_session_hmac": session_signature,
    "push_signature": push_signature,
    "push_decrypt": push_decrypt,
    "push_encrypt": push_encrypt,
}


@pytest.mark.parametrize("vector", FILE["vectors"], ids=lambda v: v["id"])
def test_our_code_reproduces_the_published_sample(
    vector: Vector, monkeypatch: pytest.MonkeyPatch
) -> None:
    check = CHECKS[vector["kind"]]

    check(vector, monkeypatch) if check is push_encrypt else check(vector)


@pytest.mark.parametrize("name", FILE["keys"])
def test_every_published_key_and_certificate_loads(name: str) -> None:
    pem = FILE["keys"][name]["pem"]

    key = crypto.public_key(pem)

    text = key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    assert crypto.public_key(text.decode()).public_numbers() == key.public_numbers()


def test_there_are_as_many_samples_as_the_reference_promises() -> None:
    assert len(FILE["vectors"]) == 46
