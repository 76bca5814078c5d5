"""
A WeChat Pay in memory, behind the real HTTP client: it signs, verifies, remembers and misbehaves.

It has its own keys and its own books. `fault` makes the next call go wrong in one way.
"""

import base64
import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.x509.oid import NameOID

from app.settings import WeChatSettings
from app.wechat import crypto, signing
from app.wechat.notify import NotificationReader
from app.wechat.pay import PayClient
from app.wechat.signing import Signer
from app.wechat.transport import PayTransport

APPID, MCHID = "wx0123456789abcdef", "1900000001"
APIV3_KEY = "0123456789abcdef0123456789abcdef"
PUBLIC_KEY_ID = "PUB_KEY_ID_0119000000012026110100000000001"
SERIAL = "5F1C72E2A8931B72A2E13AF8DEE92471EB397115"
NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)

_KEYS: list[rsa.RSAPrivateKey] = []


def key(number: int) -> rsa.RSAPrivateKey:
    """A key made once per run: 0 merchant, 1 platform, 2 certificate, 3 stranger."""
    while len(_KEYS) <= number:
        _KEYS.append(rsa.generate_private_key(public_exponent=65537, key_size=2048))
    return _KEYS[number]


def public_pem(number: int) -> str:
    return (
        key(number)
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


def private_pem(number: int) -> str:
    return (
        key(number)
        .private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        .decode()
    )


def settings(**changes: Any) -> WeChatSettings:
    facts = {
        "appid": APPID,
        "app_secret": "secret",
        "mchid": MCHID,
        "merchant_serial": SERIAL,
        "merchant_private_key": private_pem(0),
        "apiv3_key": APIV3_KEY,
        "public_key_id": PUBLIC_KEY_ID,
        "public_key": public_pem(1),
        "notify_base_url": "https://mall.example",
    }
    return WeChatSettings(**{**facts, **changes})


def certificate(
    number: int = 2, *, serial: int = 0xABCDEF0123, days: int = 365
) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Tenpay.com sign")])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key(number).public_key())
        .serial_number(serial)
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=days))
        .sign(key(number), hashes.SHA256())
    )


def seal(plain: bytes, *, associated_data: str, apiv3_key: str = APIV3_KEY) -> dict[str, str]:
    nonce = base64.b64encode(os.urandom(9)).decode()
    sealed = AESGCM(apiv3_key.encode()).encrypt(nonce.encode(), plain, associated_data.encode())
    return {
        "algorithm": "AEAD_AES_256_GCM",
        "nonce": nonce,
        "associated_data": associated_data,
        "ciphertext": base64.b64encode(sealed).decode(),
    }


class Platform:
    """The other side. `clock` is shared with the client under test."""

    def __init__(self, *, now: datetime | None = None, clock: Callable[[], datetime] | None = None):
        self.now = now or NOW
        self.clock = clock or (lambda: self.now)
        self.signs_with = (1, PUBLIC_KEY_ID)
        self.certificates: list[x509.Certificate] = []
        self.trades: dict[str, dict[str, Any]] = {}
        self.bodies: dict[str, bytes] = {}
        self.refunds: dict[str, dict[str, Any]] = {}
        self.refund_outcome = "PROCESSING"
        self.calls: list[tuple[str, str, bytes]] = []
        self.faults: list[str | tuple[int, str]] = []

    # -- what it signs ------------------------------------------------------------------------

    def headers(self, body: bytes, *, at: datetime | None = None) -> dict[str, str]:
        number, serial = self.signs_with
        timestamp, nonce = str(int((at or self.clock()).timestamp())), "N0NCE"
        message = signing.answer_message(timestamp, nonce, body)
        return {
            "Wechatpay-Timestamp": timestamp,
            "Wechatpay-Nonce": nonce,
            "Wechatpay-Serial": serial,
            "Wechatpay-Signature": crypto.sign(key(number), message),
            "Wechatpay-Signature-Type": signing.SCHEME,
            "Request-ID": "08F78BB5AF0610D302-268619321",
        }

    def notification(
        self,
        resource: dict[str, Any],
        *,
        id: str = "EV-1",
        event_type: str = "TRANSACTION.SUCCESS",
        original_type: str = "transaction",
        at: datetime | None = None,
    ) -> tuple[dict[str, str], bytes]:
        body = json.dumps(
            {
                "id": id,
                "create_time": "2026-11-23T12:00:00+08:00",
                "resource_type": "encrypt-resource",
                "event_type": event_type,
                "summary": "支付成功",
                "resource": {
                    "original_type": original_type,
                    **seal(json.dumps(resource).encode(), associated_data=original_type),
                },
            },
            ensure_ascii=False,
        ).encode()
        return {**self.headers(body, at=at), "Content-Type": "application/json"}, body

    # -- what it answers ----------------------------------------------------------------------

    def client(self) -> httpx.Client:
        return httpx.Client(
            base_url="https://pay.example", transport=httpx.MockTransport(self.handle)
        )

    def handle(self, request: httpx.Request) -> httpx.Response:
        target, body = request.url.raw_path.decode(), request.read()
        self.calls.append((request.method, target, body))
        fault = self.faults.pop(0) if self.faults else None
        if fault == "unreachable":
            raise httpx.ConnectError("no route")
        if isinstance(fault, tuple):
            status, code = fault
            return httpx.Response(status, json={"code": code, "message": "因为"})
        self.verify(request, target, body)
        status, answer = self.answer(request.method, target, body)
        if fault == "cut":
            raise httpx.ReadTimeout("cut after processing")
        return self.reply(status, answer, fault)

    def reply(self, status: int, answer: Any, fault: str | None) -> httpx.Response:
        if status >= 400:
            return httpx.Response(status, json=answer, headers={"Request-ID": "RID"})
        raw = b"" if answer is None else json.dumps(answer, ensure_ascii=False).encode()
        if fault == "not-json":
            raw = b"<html>"
        headers = self.headers(
            raw, at=self.clock() - timedelta(minutes=6) if fault == "stale" else None
        )
        if fault == "unsigned":
            headers = {}
        if fault == "tampered":
            raw += b" "
        return httpx.Response(status, content=raw, headers=headers)

    def verify(self, request: httpx.Request, target: str, body: bytes) -> None:
        scheme, _, rest = request.headers["Authorization"].partition(" ")
        assert scheme == signing.SCHEME
        facts = {
            part.partition("=")[0]: part.partition("=")[2].strip('"') for part in rest.split(",")
        }
        assert (facts["mchid"], facts["serial_no"]) == (MCHID, SERIAL)
        message = signing.request_message(
            request.method, target, facts["timestamp"], facts["nonce_str"], body
        )
        assert crypto.verifies(key(0).public_key(), message, facts["signature"])
        assert request.headers["User-Agent"]
        assert request.headers["Accept"]

    def answer(self, method: str, target: str, body: bytes) -> tuple[int, Any]:
        path = target.partition("?")[0]
        parts = path.split("/")
        if path == "/v3/certificates":
            return 200, {"data": [self._certificate(each) for each in self.certificates]}
        if path == "/v3/pay/transactions/jsapi":
            return self._prepay(body)
        if path.endswith("/close"):
            return self._close(parts[-2])
        if "/out-trade-no/" in path:
            trade = self.trades.get(parts[-1])
            absent = {"code": "ORDER_NOT_EXIST", "message": "订单不存在"}
            return (200, self.transaction(parts[-1])) if trade else (404, absent)
        if "/pay/transactions/id/" in path:
            return self._by_transaction(parts[-1])
        return self._answer_about_refund(method, parts, body)

    def _answer_about_refund(self, method: str, parts: list[str], body: bytes) -> tuple[int, Any]:
        if parts[-1] == "apply-abnormal-refund":
            return self._rescue(parts[-2], body)
        if method == "POST":
            return self._refund(body)
        refund = self.refunds.get(parts[-1])
        gone = {"code": "RESOURCE_NOT_EXISTS", "message": "退款单不存在"}
        return (200, refund) if refund else (404, gone)

    def _certificate(self, each: x509.Certificate) -> dict[str, Any]:
        pem = each.public_bytes(serialization.Encoding.PEM)
        return {
            "serial_no": f"{each.serial_number:010X}",
            "effective_time": each.not_valid_before_utc.isoformat(),
            "expire_time": each.not_valid_after_utc.isoformat(),
            "encrypt_certificate": seal(pem, associated_data="certificate"),
        }

    def _prepay(self, body: bytes) -> tuple[int, Any]:
        asked = json.loads(body)
        number = asked["out_trade_no"]
        if self.bodies.setdefault(number, body) != body:
            return 403, {"code": "OUT_TRADE_NO_USED", "message": "商户订单号重复"}
        trade = self.trades.setdefault(number, {"state": "NOTPAY", "asked": asked})
        if trade["state"] == "CLOSED":
            return 400, {"code": "ORDER_CLOSED", "message": "订单已关闭"}
        if trade["state"] != "NOTPAY":
            return 400, {"code": "ORDERPAID", "message": "该订单已支付"}
        return 200, {"prepay_id": f"wx{len(self.calls):032d}"}

    def _close(self, number: str) -> tuple[int, Any]:
        trade = self.trades.get(number)
        if trade is None:
            return 404, {"code": "ORDER_NOT_EXIST", "message": "订单不存在"}
        if trade["state"] not in ("NOTPAY", "CLOSED"):
            return 400, {"code": "ORDERPAID", "message": "该订单已支付"}
        trade["state"] = "CLOSED"
        return 204, None

    def _by_transaction(self, transaction_id: str) -> tuple[int, Any]:
        for number, trade in self.trades.items():
            if trade.get("transaction_id") == transaction_id:
                return 200, self.transaction(number)
        return 404, {"code": "ORDER_NOT_EXIST", "message": "订单不存在"}

    def _rescue(self, refund_id: str, body: bytes) -> tuple[int, Any]:
        asked = json.loads(body)
        refund = self.refunds.get(asked["out_refund_no"])
        if refund is None or refund["refund_id"] != refund_id or refund["status"] != "ABNORMAL":
            return 400, {"code": "INVALID_REQUEST", "message": "退款单状态不是退款异常"}
        refund["status"] = "PROCESSING"
        return 200, refund

    def _refund(self, body: bytes) -> tuple[int, Any]:
        asked = json.loads(body)
        number = asked["out_refund_no"]
        if self.bodies.setdefault(number, body) != body:
            return 400, {"code": "INVALID_REQUEST", "message": "参数不一致"}
        trade = next(
            n for n, t in self.trades.items() if t.get("transaction_id") == asked["transaction_id"]
        )
        refund = self.refunds.setdefault(
            number,
            {
                "refund_id": f"50{len(self.refunds):026d}",
                "out_refund_no": number,
                "out_trade_no": trade,
                "transaction_id": asked["transaction_id"],
                "status": self.refund_outcome,
                "create_time": "2026-11-23T12:05:00+08:00",
                "amount": asked["amount"],
            },
        )
        return 200, refund

    # -- what people do -----------------------------------------------------------------------

    def pay(self, number: str) -> dict[str, Any]:
        """The buyer pays: the transaction as WeChat would report it."""
        trade = self.trades[number]
        trade["state"] = "SUCCESS"
        trade.setdefault("transaction_id", f"42{len(self.trades):08d}{number[-18:]}")
        trade.setdefault("success_time", self.clock().isoformat(timespec="seconds"))
        return self.transaction(number)

    def transaction(self, number: str) -> dict[str, Any]:
        trade = self.trades[number]
        asked = trade["asked"]
        facts = {
            "appid": asked["appid"],
            "mchid": asked["mchid"],
            "out_trade_no": number,
            "trade_type": "JSAPI",
            "trade_state": trade["state"],
            "trade_state_desc": "说明",
            "amount": {
                **asked["amount"],
                "payer_total": asked["amount"]["total"],
                "payer_currency": "CNY",
            },
            "payer": asked["payer"],
        }
        if trade["state"] in ("SUCCESS", "REFUND"):
            facts |= {
                "transaction_id": trade["transaction_id"],
                "success_time": trade["success_time"],
            }
        return facts

    def settle_refund(self, number: str, status: str = "SUCCESS") -> dict[str, Any]:
        """WeChat finishes a refund: the resource its notification would carry."""
        refund = self.refunds[number]
        refund["status"] = status
        if status == "SUCCESS":
            refund["success_time"] = self.clock().isoformat(timespec="seconds")
            self.trades[refund["out_trade_no"]]["state"] = "REFUND"
        told = {name: value for name, value in refund.items() if name not in ("status",)}
        return {**told, "mchid": MCHID, "refund_status": status}


def signer() -> Signer:
    return Signer(mchid=MCHID, serial=SERIAL, key=key(0))


def transport(platform: Platform, *, public_key: bool = True) -> PayTransport:
    client = platform.client()
    client.headers.update({"User-Agent": "siyu-mall/1.0", "Accept": "application/json"})
    return PayTransport(
        client=client,
        signer=signer(),
        apiv3_keys=[APIV3_KEY.encode()],
        public_keys={PUBLIC_KEY_ID: key(1).public_key()} if public_key else {},
        clock=platform.clock,
    )


def pay_client(platform: Platform) -> PayClient:
    return PayClient(
        transport(platform), signer=signer(), appid=APPID, notify_base_url="https://mall.example"
    )


def reader(platform: Platform, *, public_key: bool = True) -> NotificationReader:
    return NotificationReader(transport(platform, public_key=public_key).keys, [APIV3_KEY.encode()])
