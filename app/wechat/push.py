"""
The messages WeChat pushes to a mini-program: signature, decryption, encrypted reply.

The cipher is wechatpy's, which reproduces the documented samples; this module adds what it leaves
out: signatures compared in constant time, a window of time, and one exception for everything that
is wrong.
"""

import hmac
import json
import struct
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from xml.parsers.expat import ExpatError

import xmltodict
from wechatpy.crypto import PrpCrypto
from wechatpy.exceptions import InvalidAppIdException
from wechatpy.utils import WeChatSigner

from app.wechat import crypto

WINDOW = timedelta(minutes=5)
"""How far a message's time may be from ours. WeChat documents none: this one is our own."""


class PushRejected(Exception):
    """Not a message of WeChat to this mini-program, or not one of these minutes."""


def signature(token: str, *parts: str) -> str:
    """Sign `parts` with the token: SHA-1 over all of them, sorted byte by byte."""
    signer = WeChatSigner()
    signer.add_data(token, *parts)
    return str(signer.signature)


class PushBox:
    """Opens and seals the push messages of one mini-program."""

    def __init__(self, *, token: str, encoding_aes_key: str, appid: str) -> None:
        self._token = token
        self._appid = appid
        self._cipher = PrpCrypto(crypto.encoding_aes_key(encoding_aes_key))

    def open(self, encrypted: str, *, msg_signature: str, timestamp: str, nonce: str) -> str:
        """
        Verify and decrypt one message; the text is JSON or XML as the console is set.

        :raises PushRejected: wrong signature, damaged text, or another mini-program's message.
        """
        expected = signature(self._token, timestamp, nonce, encrypted)
        if not hmac.compare_digest(expected.encode(), msg_signature.encode()):
            raise PushRejected("signature")
        return self.decrypt(encrypted)

    def decrypt(self, encrypted: str) -> str:
        """
        Decrypt one message whose signature has been verified.

        :raises PushRejected: damaged text, or another mini-program's message.
        """
        try:
            return str(self._cipher.decrypt(encrypted, self._appid))
        except (ValueError, IndexError, struct.error, InvalidAppIdException) as error:
            raise PushRejected(type(error).__name__) from error

    def encrypt(self, text: str) -> str:
        """Encrypt a reply."""
        return str(self._cipher.encrypt(text, self._appid).decode())

    def seal(self, text: str, *, timestamp: str, nonce: str) -> str:
        """Encrypt and sign a reply, in the JSON form."""
        encrypted = self.encrypt(text)
        return json.dumps(
            {
                "Encrypt": encrypted,
                "MsgSignature": signature(self._token, timestamp, nonce, encrypted),
                "TimeStamp": int(timestamp),
                "Nonce": nonce,
            }
        )


class PushReader:
    """
    Reads what comes to the address set in the mini-program's console, in JSON or XML.

    With an EncodingAESKey only sealed messages are read (safe mode): beside it the plain signature
    proves nothing, because it does not cover the body. Without one the messages come in clear.
    """

    def __init__(self, *, token: str, encoding_aes_key: str | None, appid: str) -> None:
        self._token = token
        self._box = (
            PushBox(token=token, encoding_aes_key=encoding_aes_key, appid=appid)
            if encoding_aes_key
            else None
        )

    def greet(self, query: Mapping[str, str], now: datetime) -> str:
        """
        Return what WeChat wants to hear when the address is set: its own `echostr`.

        :raises PushRejected: the signature or the time is not right.
        """
        _check_time(query, now)
        self._check_signature(query)
        return query.get("echostr", "")

    def read(self, query: Mapping[str, str], raw: bytes, now: datetime) -> dict[str, Any]:
        """
        Verify one message and return what it says.

        :raises PushRejected: the signature or the time is not right, or it cannot be read.
        """
        _check_time(query, now)
        if self._box is None:
            self._check_signature(query)
            return _parse(raw)
        encrypted = _parse(raw).get("Encrypt")
        if not isinstance(encrypted, str):
            raise PushRejected("not sealed")
        opened = self._box.open(
            encrypted,
            msg_signature=query.get("msg_signature", ""),
            timestamp=query["timestamp"],
            nonce=query.get("nonce", ""),
        )
        return _parse(opened.encode())

    def _check_signature(self, query: Mapping[str, str]) -> None:
        expected = signature(self._token, query["timestamp"], query.get("nonce", ""))
        if not hmac.compare_digest(expected.encode(), query.get("signature", "").encode()):
            raise PushRejected("signature")


def _check_time(query: Mapping[str, str], now: datetime) -> None:
    stamp = query.get("timestamp", "")
    is_number = stamp.isascii() and stamp.isdigit() and len(stamp) <= 12
    if not is_number or abs(now.timestamp() - int(stamp)) > WINDOW.total_seconds():
        raise PushRejected("timestamp")


def _parse(raw: bytes) -> dict[str, Any]:
    """Return the document in `raw`; XML may declare neither entities nor a document type."""
    try:
        if raw.lstrip().startswith(b"<"):
            if b"<!DOCTYPE" in raw:
                raise PushRejected("document type")
            document = xmltodict.parse(raw)["xml"]
        else:
            document = json.loads(raw)
    except (ValueError, KeyError, RecursionError, ExpatError) as error:
        raise PushRejected("unreadable") from error
    if not isinstance(document, dict):
        raise PushRejected("unreadable")
    return document
