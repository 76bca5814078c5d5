"""
Both directions of the Pay v3 signature, and the encryption of what WeChat sends.

Ours: the platform signs answers and notifications. Theirs: the merchant's `Authorization` is
verified to the letter, the timestamp before the signature.
"""

from __future__ import annotations

import binascii
import json
import re
import secrets
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sandbox import keys
from sandbox.errors import PayRefusal
from sandbox.faults import Fault, named
from sandbox.world import Merchant, World

SCHEME = "WECHATPAY2-SHA256-RSA2048"
PROBE = "WECHATPAY/SIGNTEST/"
WINDOW_SECONDS = 300
FIELDS = {"mchid", "nonce_str", "timestamp", "serial_no", "signature"}
_PAIR = re.compile(r'([a-z_]+)="([^"]*)"')


def stamp(world: World, body: bytes, faults: Sequence[Fault] = ()) -> dict[str, str]:
    """Return the five signature headers for `body`, fresh, or spoilt as the faults say."""
    if named(faults, "unsigned"):
        return {}
    key = world.signing_key()
    timestamp = world.clock.timestamp()
    if stale := named(faults, "stale_timestamp"):
        timestamp -= int(stale.args.get("seconds", 2 * WINDOW_SECONDS))
    nonce = secrets.token_hex(16)
    signed = b"another body" if named(faults, "bad_signature") else body
    signature = key.sign(f"{timestamp}\n{nonce}\n".encode() + signed + b"\n")
    if named(faults, "signtest"):
        signature = PROBE + signature
    serial = _unknown(key.serial) if named(faults, "unknown_serial") else key.serial
    return {
        "Wechatpay-Timestamp": str(timestamp),
        "Wechatpay-Nonce": nonce,
        "Wechatpay-Signature": signature,
        "Wechatpay-Serial": serial,
        "Wechatpay-Signature-Type": SCHEME,
    }


def seal(apiv3_key: str, plaintext: bytes, associated_data: str) -> dict[str, str]:
    """Encrypt with AES-256-GCM under the APIv3 key; the nonce is twelve bytes of text."""
    nonce = secrets.token_hex(6)
    sealed = AESGCM(apiv3_key.encode()).encrypt(nonce.encode(), plaintext, associated_data.encode())
    return {
        "algorithm": "AEAD_AES_256_GCM",
        "nonce": nonce,
        "associated_data": associated_data,
        "ciphertext": b64encode(sealed).decode(),
    }


def dump(document: object) -> bytes:
    """Serialise once; these bytes are both signed and sent."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def verify_request(
    world: World, *, method: str, target: str, header: str | None, body: bytes
) -> Merchant:
    """
    Return the merchant whose key signed the request.

    `target` is path and query exactly as they came.

    :raises PayRefusal: 401 SIGN_ERROR, with a message that says what is wrong.
    """
    given = _parse(header)
    _check_timestamp(world, given["timestamp"])
    merchant = world.merchants.get(given["mchid"])
    if merchant is None:
        raise sign_error("商户号不存在")
    key = merchant.certificates().get(given["serial_no"])
    if key is None:
        raise sign_error("商户证书序列号有误")
    message = f"{method}\n{target}\n{given['timestamp']}\n{given['nonce_str']}\n".encode()
    if not _is_signed(key, given["signature"], message + body + b"\n"):
        raise sign_error("错误的签名, 验签失败")
    return merchant


def is_valid(merchant: Merchant, signature: str, message: bytes) -> bool:
    """Tell whether an API key of the merchant's made this base64 signature over `message`."""
    return any(_is_signed(key, signature, message) for key in merchant.certificates().values())


def _is_signed(key: RSAPublicKey, signature: str, message: bytes) -> bool:
    try:
        raw = b64decode(signature, validate=True)
    except binascii.Error:
        return False
    return keys.is_signed_by(key, raw, message)


def sign_error(message: str) -> PayRefusal:
    """Make the 401; one code, many messages."""
    return PayRefusal(401, "SIGN_ERROR", message)


def _parse(header: str | None) -> Mapping[str, str]:
    if not header:
        raise sign_error("Http头Authorization缺失")
    scheme, _, rest = header.partition(" ")
    if scheme != SCHEME:
        raise sign_error("Http头Authorization认证类型不正确")
    pairs = _PAIR.findall(rest)
    given = dict(pairs)
    # Rebuilding the text refuses spaces, single quotes and anything between the pairs.
    rebuilt = ",".join(f'{name}="{value}"' for name, value in pairs)
    if rebuilt != rest or len(pairs) != len(given) or set(given) != FIELDS:
        raise sign_error("Http头Authorization值格式错误")
    if not 1 <= len(given["nonce_str"]) <= 64:
        raise sign_error("随机串长度有误")
    return given


def _check_timestamp(world: World, text: str) -> None:
    if not text.isascii() or not text.isdigit() or len(text) > 12:
        raise sign_error("Http头Authorization中的timestamp有误")
    if abs(world.clock.timestamp() - int(text)) > WINDOW_SECONDS:
        raise sign_error("Http头Authorization中的timestamp与发起请求的时间不得超过5分钟")


def _unknown(serial: str) -> str:
    if serial.startswith("PUB_KEY_ID_"):
        return "PUB_KEY_ID_0" + "9" * 31
    return secrets.token_hex(20).upper()
