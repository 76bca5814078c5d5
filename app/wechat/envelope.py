"""The signature headers around an answer or a notification, and the one way to check them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.wechat import crypto, signing
from app.wechat.keys import PlatformKeys

TOLERANCE = timedelta(minutes=5)
PROBE_PREFIX = "WECHATPAY/SIGNTEST/"
"""WeChat Pay sends signatures that begin so on purpose: they must fail like any other bad one."""


class Unsigned(Exception):
    """A signature header is missing or malformed."""


class Stale(Exception):
    """The timestamp is more than five minutes from our clock."""


class BadSignature(Exception):
    """The signature is not the platform's over these bytes."""


class Probe(BadSignature):
    """The signature is WeChat Pay's own test of whether we check."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """What the four headers say."""

    timestamp: str
    nonce: str
    serial: str
    signature: str

    @classmethod
    def read(cls, headers: Mapping[str, str]) -> "Envelope":
        """
        Take the envelope from `headers`, whose names compare without case.

        :raises Unsigned: one of the four is absent or not ASCII, or the timestamp is no number.
        """
        lower = {name.lower(): value for name, value in headers.items()}
        parts = [
            lower.get(f"wechatpay-{part}", "")
            for part in ("timestamp", "nonce", "serial", "signature")
        ]
        timestamp = parts[0]
        is_number = timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12
        if not all(parts) or not is_number or not all(part.isascii() for part in parts):
            raise Unsigned("a signature header is missing or malformed")
        return cls(*parts)

    def check(self, body: bytes, keys: PlatformKeys, now: datetime) -> None:
        """
        Prove that WeChat Pay sent `body` within five minutes of `now`.

        :raises Stale: the time is off.
        :raises Probe: it is a test of our vigilance.
        :raises keys.UnknownSerial: we have no key of that serial.
        :raises BadSignature: the key of that serial did not sign this body.
        """
        if abs(int(now.timestamp()) - int(self.timestamp)) > TOLERANCE.total_seconds():
            raise Stale(self.timestamp)
        if self.signature.startswith(PROBE_PREFIX):
            raise Probe("a signature probe")
        key = keys.find(self.serial, now)
        message = signing.answer_message(self.timestamp, self.nonce, body)
        if not crypto.verifies(key, message, self.signature):
            raise BadSignature(self.serial)
