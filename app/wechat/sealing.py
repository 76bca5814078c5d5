"""The key to seal sensitive fields with: a payee's name, an account's number."""

from datetime import datetime
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from app.wechat import crypto
from app.wechat.errors import ResultUnknown
from app.wechat.keys import UnknownSerial
from app.wechat.transport import PayTransport


class Seal(NamedTuple):
    """A key of WeChat Pay's to seal sensitive fields with, and the serial that names it."""

    serial: str
    key: RSAPublicKey

    def close(self, text: str) -> str:
        """Seal `text`; each sealing is another one, so the result is kept."""
        return crypto.seal_oaep(self.key, text)


def seal(transport: PayTransport, now: datetime) -> Seal:
    """
    Give the key to seal with now; it may have to be fetched.

    :raises ResultUnknown: there is none at this moment.
    """
    try:
        return Seal(*transport.keys.newest(now))
    except UnknownSerial as error:
        raise ResultUnknown(f"no key to seal with: {error}") from error
