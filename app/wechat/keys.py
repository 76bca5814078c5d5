"""
The keys WeChat Pay signs with: its public key and its platform certificates, side by side.

A merchant has one, the other, or (while WeChat moves it over) both at once, so a key is always
chosen by the exact serial an answer names.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from app.settings import PUBLIC_KEY_ID_PREFIX
from app.wechat.errors import WeChatError

log = structlog.get_logger(__name__)

REFRESH_EVERY = timedelta(hours=12)
"""WeChat asks for a fresh list at least this often."""
REFRESH_AT_MOST = timedelta(seconds=30)
"""A stranger who invents serials cannot make us ask more often than this."""
MAX_SERIAL = 40


class UnknownSerial(Exception):
    """No key of ours has this serial, also not after asking WeChat."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """A platform certificate: the key, and when it may be trusted."""

    serial: str
    key: RSAPublicKey
    effective_at: datetime
    expires_at: datetime

    def is_valid(self, now: datetime) -> bool:
        """Tell whether `now` lies in the certificate's own period."""
        return self.effective_at <= now < self.expires_at


class PlatformKeys:
    """
    The keys by serial; thread-safe.

    `public_keys` maps `PUB_KEY_ID_…` to a key that never expires. `fetch` downloads the platform
    certificates; it is called when a certificate is asked for that we lack, or the list is old.
    """

    def __init__(
        self,
        public_keys: Mapping[str, RSAPublicKey],
        fetch: Callable[[datetime], list[Certificate]] | None = None,
    ) -> None:
        self._public_keys = dict(public_keys)
        self._certificates: dict[str, Certificate] = {}
        self._fetch = fetch
        self._fetching = threading.Lock()
        self._asked_at: datetime | None = None
        self._fetched_at: datetime | None = None

    def find(self, serial: str, now: datetime) -> RSAPublicKey:
        """
        Give the key with exactly this serial.

        :raises UnknownSerial: there is none, or its certificate is out of its period.
        """
        if key := self._public_keys.get(serial):
            return key
        if serial not in self._certificates:
            if _may_be_certificate(serial):
                self._refresh(now, wait=True)
        elif self._is_old(now):
            self._refresh(now, wait=False)
        certificate = self._certificates.get(serial)
        if certificate is None or not certificate.is_valid(now):
            raise UnknownSerial(serial[:MAX_SERIAL])
        return certificate.key

    def newest(self, now: datetime) -> tuple[str, RSAPublicKey]:
        """
        Give the serial and key to encrypt fields with: the public key, else the newest certificate.

        :raises UnknownSerial: there is no key at all.
        """
        for serial, key in self._public_keys.items():
            return serial, key
        if not self._certificates or self._is_old(now):
            self._refresh(now, wait=True)
        valid = [each for each in self._certificates.values() if each.is_valid(now)]
        if not valid:
            raise UnknownSerial("no platform certificate")
        best = max(valid, key=lambda each: each.effective_at)
        return best.serial, best.key

    @property
    def declared_serial(self) -> str | None:
        """The public key's id, which tells WeChat Pay to sign with that key; None without one."""
        return next(iter(self._public_keys), None)

    def _refresh(self, now: datetime, *, wait: bool) -> None:
        """Fetch the certificates, rarely and in one thread; a failure keeps the ones we have."""
        if self._fetch is None or self._just_asked(now):
            return
        if not self._fetching.acquire(blocking=wait):
            return
        try:
            if not self._just_asked(now):  # Another thread may have asked while we waited.
                self._ask(self._fetch, now)
        finally:
            self._fetching.release()

    def _ask(self, fetch: Callable[[datetime], list[Certificate]], now: datetime) -> None:
        try:
            self._take(fetch(now), now)
        except WeChatError as error:
            log.warning("platform_certificates_not_refreshed", error=str(error))
        finally:
            self._asked_at = now  # Last: whoever sees it also sees what was fetched.

    def _take(self, fetched: list[Certificate], now: datetime) -> None:
        kept = {s: each for s, each in self._certificates.items() if each.expires_at > now}
        self._certificates = kept | {each.serial: each for each in fetched}
        self._fetched_at = now

    def _just_asked(self, now: datetime) -> bool:
        return self._asked_at is not None and now - self._asked_at < REFRESH_AT_MOST

    def _is_old(self, now: datetime) -> bool:
        return self._fetched_at is None or now - self._fetched_at >= REFRESH_EVERY


def _may_be_certificate(serial: str) -> bool:
    is_hex = serial.isascii() and all(c in "0123456789ABCDEFabcdef" for c in serial)
    return 0 < len(serial) <= MAX_SERIAL and is_hex and not serial.startswith(PUBLIC_KEY_ID_PREFIX)
