"""
Notifications of WeChat Pay: from raw bytes to a fact that WeChat Pay, and nobody else, has sent.

The order of the checks is the order of their cost, and nothing is parsed before the signature over
the raw bytes has been verified.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.wechat import certificates, crypto, envelope
from app.wechat.keys import PlatformKeys, UnknownSerial

MAX_BYTES = 64 * 1024


class NotificationRejected(Exception):
    """These bytes prove nothing: answer with a failure and keep nothing of them."""

    reason = "rejected"


class UnsignedNotification(NotificationRejected):
    """No signature headers: a stranger, or a refund notice of the old XML kind."""

    reason = "unsigned"


class StaleNotification(NotificationRejected):
    """Signed more than five minutes ago, or ahead of our clock: perhaps recorded and replayed."""

    reason = "stale"


class UnknownSigner(NotificationRejected):
    """The serial names a key we do not have."""

    reason = "unknown_serial"


class ForgedNotification(NotificationRejected):
    """The signature is not WeChat Pay's over these bytes."""

    reason = "bad_signature"


class SignatureProbe(ForgedNotification):
    """WeChat Pay tests whether we verify; the right answer is a refusal."""

    reason = "probe"


class UnreadableNotification(NotificationRejected):
    """Too long, or truly WeChat Pay's but not in the documented form."""

    reason = "unreadable"


@dataclass(frozen=True, slots=True)
class Notification:
    """One verified and decrypted notification."""

    id: str
    """The same for every delivery of it: the key to count it once."""
    event_type: str
    original_type: str
    """What the resource is: `transaction`, `refund`, `mch_payment`. Route by this."""
    resource: dict[str, Any]


class NotificationReader:
    """Reads the notifications of one merchant."""

    def __init__(self, keys: PlatformKeys, apiv3_keys: Sequence[bytes]) -> None:
        self._keys = keys
        self._apiv3_keys = tuple(apiv3_keys)

    def verify_and_open(
        self, headers: Mapping[str, str], raw: bytes, now: datetime
    ) -> Notification:
        """
        Prove that WeChat Pay sent `raw` just now, and open it.

        :raises NotificationRejected: anything at all is wrong; its class says what.
        """
        if len(raw) > MAX_BYTES:
            raise UnreadableNotification("too long")
        try:
            envelope.Envelope.read(headers).check(raw, self._keys, now)
        except tuple(_REJECTIONS) as error:
            raise _REJECTIONS[type(error)](str(error)) from error
        return self._open(raw)

    def _open(self, raw: bytes) -> Notification:
        try:
            outer = json.loads(raw)
            sealed = outer["resource"]
            resource = json.loads(certificates.open_resource(sealed, self._apiv3_keys))
            if not isinstance(resource, dict):
                raise TypeError("the resource is not an object")
            return Notification(
                id=_text(outer["id"]),
                event_type=_text(outer["event_type"]),
                original_type=_text(sealed["original_type"]),
                resource=resource,
            )
        except _UNREADABLE as error:
            raise UnreadableNotification(f"{type(error).__name__}: {error}") from error


_UNREADABLE = (
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    RecursionError,
    crypto.Undecipherable,
)

_REJECTIONS: dict[type[Exception], type[NotificationRejected]] = {
    envelope.Unsigned: UnsignedNotification,
    envelope.Stale: StaleNotification,
    envelope.Probe: SignatureProbe,
    envelope.BadSignature: ForgedNotification,
    UnknownSerial: UnknownSigner,
}


def _text(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= 64 or not value.isprintable():
        raise ValueError("an identifying field is not a short text")
    return value
