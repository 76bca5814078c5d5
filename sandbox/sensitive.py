"""
Sensitive fields, such as a person's name: RSAES-OAEP with SHA-1, in base64, both ways.

A merchant seals for WeChat with the key its `Wechatpay-Serial` names; WeChat seals for the merchant
with the merchant's own key. Every sealing of one text is another one.
"""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode

from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.hashes import SHA1

from sandbox.errors import PayRefusal, param_error
from sandbox.world import Merchant, World

_PADDING = OAEP(mgf=MGF1(SHA1()), algorithm=SHA1(), label=None)  # noqa: S303 # WeChat's rule.


def reveal(world: World, serial: str | None, sealed: str, pointer: str) -> str:
    """
    Return the text a merchant sealed for WeChat.

    `serial` is the request's `Wechatpay-Serial`; `pointer` names the field in a refusal.

    :raises PayRefusal: the serial names no key of ours, or its key does not open the text.
    """
    keys = {key.serial: key for key in (world.keys.public_key, *world.keys.certificates)}
    if serial not in keys:
        raise PayRefusal(400, "PARAM_ERROR", "Http头Wechatpay-Serial缺失或不是有效的序列号")
    try:
        raw = b64decode(sealed, validate=True)
        return keys[serial].private_key.decrypt(raw, _PADDING).decode()
    except (binascii.Error, ValueError) as error:
        raise param_error(pointer, "敏感信息解密失败") from error


def conceal(merchant: Merchant, text: str) -> str:
    """Return a text sealed so that only the merchant's private key opens it."""
    return b64encode(merchant.public_key.encrypt(text.encode(), _PADDING)).decode()
