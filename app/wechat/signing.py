"""
What WeChat Pay v3 signs, and how a request says who signed it.

Every string is built from the very bytes that travel; nothing here serialises JSON.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from app.wechat import crypto

SCHEME = "WECHATPAY2-SHA256-RSA2048"


def request_message(method: str, target: str, timestamp: str, nonce: str, body: bytes) -> bytes:
    """Build what a request signs: five lines, each ended, also the last and also when empty."""
    return f"{method}\n{target}\n{timestamp}\n{nonce}\n".encode() + body + b"\n"


def answer_message(timestamp: str, nonce: str, body: bytes) -> bytes:
    """Build what an answer or a notification signs: three lines over the raw body."""
    return f"{timestamp}\n{nonce}\n".encode() + body + b"\n"


def payment_message(appid: str, timestamp: str, nonce: str, package: str) -> bytes:
    """Build what `wx.requestPayment` signs; `package` is `prepay_id=…` for a mini-program."""
    return f"{appid}\n{timestamp}\n{nonce}\n{package}\n".encode()


def new_nonce() -> str:
    """Make a nonce nobody can guess: 32 hexadecimal digits."""
    return secrets.token_hex(16).upper()


@dataclass(frozen=True, slots=True)
class Signer:
    """The merchant: its number, the serial of its certificate, its private key."""

    mchid: str
    serial: str
    key: RSAPrivateKey

    def authorization(
        self, method: str, target: str, body: bytes, *, now: datetime, nonce: str | None = None
    ) -> str:
        """Make the `Authorization` header for exactly this method, target and body."""
        timestamp, nonce = str(int(now.timestamp())), nonce or new_nonce()
        message = request_message(method, target, timestamp, nonce, body)
        return authorization(
            mchid=self.mchid,
            nonce=nonce,
            timestamp=timestamp,
            serial=self.serial,
            signature=crypto.sign(self.key, message),
        )


def authorization(
    *, mchid: str, nonce: str, timestamp: str, serial: str, signature: str, scheme: str = SCHEME
) -> str:
    """Write the five facts of a signed request in the form WeChat Pay reads."""
    return (
        f'{scheme} mchid="{mchid}",nonce_str="{nonce}",timestamp="{timestamp}",'
        f'serial_no="{serial}",signature="{signature}"'
    )
