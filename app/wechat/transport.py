"""
One signed conversation with WeChat Pay v3: the bytes sent are the bytes signed.

4xx answers carry no signature and are refusals; an answer of 2xx without a valid signature is not
an answer at all.
"""

import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx
import structlog
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from app.wechat import certificates, envelope
from app.wechat.errors import ResultUnknown, TooFast, UntrustedAnswer, WeChatRefused
from app.wechat.keys import Certificate, PlatformKeys, UnknownSerial
from app.wechat.signing import Signer

log = structlog.get_logger(__name__)

USER_AGENT = "siyu-mall/1.0"
MAX_CONNECTIONS = 100
CERTIFICATES_TIMEOUT_SECONDS = 3.0
"""Shorter than the five seconds WeChat waits for us while we look for a certificate."""


def http_client(base_url: str, timeout_seconds: float) -> httpx.Client:
    """Make the pooled client of one host; no environment variable changes how it connects."""
    # It logs whole URLs, and some of them carry the app's secret or the access token.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    return httpx.Client(
        base_url=base_url,
        timeout=httpx.Timeout(timeout_seconds, connect=min(3.0, timeout_seconds)),
        limits=httpx.Limits(max_connections=MAX_CONNECTIONS, max_keepalive_connections=20),
        headers={"User-Agent": USER_AGENT, "Accept": "application/json"},
        trust_env=False,
    )


@dataclass(frozen=True, slots=True)
class Answer:
    """A verified answer: its status, its object (empty for 204), its exact bytes."""

    status: int
    data: dict[str, Any]
    raw: bytes
    request_id: str


class PayTransport:
    """The signed HTTP client of one merchant. Thread-safe; one per process."""

    def __init__(
        self,
        *,
        client: httpx.Client,
        signer: Signer,
        apiv3_keys: Sequence[bytes],
        public_keys: Mapping[str, RSAPublicKey],
        clock: Callable[[], datetime],
    ) -> None:
        self._client = client
        self._signer = signer
        self._apiv3_keys = tuple(apiv3_keys)
        self._clock = clock
        self.keys = PlatformKeys(public_keys, fetch=self._fetch_certificates)

    def get(self, target: str) -> Answer:
        """
        Ask for `target` (path and query, percent-encoded as it will travel).

        :raises ResultUnknown: no trustworthy answer.
        :raises WeChatRefused: WeChat Pay said no.
        """
        return self._verified(self._send("GET", target, b""))

    def post(self, target: str, body: bytes, *, serial: str | None = None) -> Answer:
        """
        Send exactly `body` to `target`; `serial` names the key its secrets are sealed with.

        :raises ResultUnknown: no trustworthy answer; it may have been carried out.
        :raises WeChatRefused: WeChat Pay said no.
        """
        return self._verified(self._send("POST", target, body, serial=serial))

    def stream(self, target: str) -> Iterator[bytes]:
        """
        Read a file that WeChat hands over as it travels, piece by piece; nobody signs it.

        :raises ResultUnknown: the connection broke: what came so far is worth nothing.
        :raises WeChatRefused: WeChat Pay said no.
        """
        headers = {
            "Authorization": self._signer.authorization("GET", target, b"", now=self._clock())
        }
        try:
            with self._client.stream("GET", target, headers=headers) as response:
                if response.status_code != 200:
                    response.read()
                    _refuse_failures(response)
                    raise UntrustedAnswer("a file without content")
                yield from response.iter_raw()
        except httpx.HTTPError as error:
            raise ResultUnknown(f"GET {target}: {type(error).__name__}") from error

    def _send(
        self,
        method: str,
        target: str,
        body: bytes,
        *,
        timeout: float | None = None,
        serial: str | None = None,
    ) -> httpx.Response:
        headers = {
            "Authorization": self._signer.authorization(method, target, body, now=self._clock())
        }
        if body:
            headers["Content-Type"] = "application/json"
        if named := serial or self.keys.declared_serial:
            headers["Wechatpay-Serial"] = named
        waiting = httpx.USE_CLIENT_DEFAULT if timeout is None else timeout
        try:
            return self._client.request(
                method, target, content=body or None, headers=headers, timeout=waiting
            )
        except httpx.HTTPError as error:
            # A timeout says nothing about what happened at the other end.
            raise ResultUnknown(f"{method} {target}: {type(error).__name__}") from error

    def _verified(self, response: httpx.Response) -> Answer:
        _refuse_failures(response)
        try:
            sealed = envelope.Envelope.read(response.headers)
            sealed.check(response.content, self.keys, self._clock())
        except _UNTRUSTED as error:
            raise UntrustedAnswer(f"{type(error).__name__}: {error}") from error
        return _answer(response)

    def _fetch_certificates(self, now: datetime) -> list[Certificate]:
        """Download the platform certificates and check the list with what it contains."""
        response = self._send("GET", certificates.PATH, b"", timeout=CERTIFICATES_TIMEOUT_SECONDS)
        _refuse_failures(response)
        found = certificates.open_list(response.content, self._apiv3_keys)
        signers = PlatformKeys({each.serial: each.key for each in found if each.is_valid(now)})
        try:
            sealed = envelope.Envelope.read(response.headers)
            if sealed.serial == self.keys.declared_serial:
                signers = self.keys
            sealed.check(response.content, signers, now)
        except _UNTRUSTED as error:
            raise UntrustedAnswer(f"certificates: {type(error).__name__}: {error}") from error
        return found


_UNTRUSTED = (envelope.Unsigned, envelope.Stale, envelope.BadSignature, UnknownSerial)


def _refuse_failures(response: httpx.Response) -> None:
    """Turn every status but 200 and 204 into what it means; their bodies are not signed."""
    status = response.status_code
    if status in (200, 204):
        return
    request_id = response.headers.get("Request-ID", "")
    data = _object(response)
    code, message = str(data.get("code", f"HTTP_{status}")), str(data.get("message", ""))
    log.info("wechat_pay_failed", status=status, code=code, message=message, rid=request_id)
    if status == 429:
        raise TooFast(f"{code}: {message}")
    if 400 <= status < 500:
        raise WeChatRefused(code, http_status=status, message=message, request_id=request_id)
    raise ResultUnknown(f"HTTP {status} {code}: {message}")


def _answer(response: httpx.Response) -> Answer:
    if response.status_code == 200 and not (data := _object(response)):
        raise UntrustedAnswer("a signed answer that is not a JSON object")
    return Answer(
        status=response.status_code,
        data=data if response.status_code == 200 else {},
        raw=response.content,
        request_id=response.headers.get("Request-ID", ""),
    )


def _object(response: httpx.Response) -> dict[str, Any]:
    try:
        data = json.loads(response.content)
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}
