"""The mall, its staff and the sandbox as HTTP clients: for the seed, the tour, the benches."""

import itertools
import secrets
import time
import weakref
from collections.abc import Callable, Mapping
from typing import Any

import httpx

PATIENCE_SECONDS = 30.0
CONFLICT = 409


class Refused(Exception):
    """The mall answered with a problem document."""

    def __init__(self, answer: httpx.Response) -> None:
        self.status = answer.status_code
        self.problem = answer.json() if "json" in answer.headers.get("content-type", "") else {}
        self.code = self.problem.get("code", "")
        request = answer.request
        super().__init__(f"{request.method} {request.url.path}: {answer.status_code} {answer.text}")


class Client:
    """
    Calls one side of the mall's API with one person's token.

    With `patience` it behaves like a person whose phone shows an error: it sends the same request
    again, with the same Idempotency-Key, until the mall answers or the seconds are over.
    """

    def __init__(
        self, base_url: str, prefix: str, token: str | None = None, *, patience: float = 0.0
    ) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.http = httpx.Client(
            base_url=base_url + prefix, headers=headers, timeout=15, trust_env=False
        )
        weakref.finalize(self, self.http.close)  # A visitor who is forgotten hangs up.
        self.patience = patience

    def get(self, path: str, **query: Any) -> Any:
        """GET `path`; raises `Refused` unless the answer is 2xx."""
        return self._send("GET", path, params=query)

    def post(self, path: str, *, key: str | None = None, **body: Any) -> Any:
        """POST `body`; `key` becomes the Idempotency-Key (a fresh one if none is given)."""
        headers = {"Idempotency-Key": key or secrets.token_hex(12)}
        return self._send("POST", path, json=body, headers=headers)

    def put(self, path: str, **body: Any) -> Any:
        """PUT `body`."""
        return self._send("PUT", path, json=body)

    def patch(self, path: str, **body: Any) -> Any:
        """PATCH with `body`."""
        return self._send("PATCH", path, json=body)

    def _send(self, method: str, path: str, **options: Any) -> Any:
        answer, tries = self._answered(method, path, options)
        if answer.status_code == CONFLICT and tries > 1:
            return None  # The try whose answer got lost had done it.
        if answer.is_error:
            raise Refused(answer)
        return answer.json() if answer.content else None

    def _answered(
        self, method: str, path: str, options: dict[str, Any]
    ) -> tuple[httpx.Response, int]:
        deadline = time.monotonic() + self.patience
        for tries in itertools.count(1):
            is_last = time.monotonic() >= deadline
            try:
                answer = self.http.request(method, path, **options)
            except httpx.TransportError:
                if is_last:
                    raise
            else:
                if not answer.is_server_error or is_last:
                    return answer, tries
            time.sleep(0.1)
        raise AssertionError("unreachable")


class Sandbox:
    """The sandbox WeChat, over its control API."""

    def __init__(self, url: str) -> None:
        self.http = httpx.Client(base_url=f"{url}/control", timeout=30, trust_env=False)
        weakref.finalize(self, self.http.close)

    def control(self, method: str, path: str, **body: Any) -> Any:
        """Call the control API; fails loudly."""
        answer = self.http.request(method, path, json=body or None)
        answer.raise_for_status()
        return answer.json()

    def login_code(self, openid: str) -> str:
        """What `wx.login` gives the mini-program of that person."""
        return str(self.control("POST", "/mini/codes", openid=openid)["js_code"])

    def pay(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """Hand `wx.requestPayment` its parameters, as the payer's phone does."""
        answer = self.control("POST", "/pay", **parameters)
        assert isinstance(answer, dict)
        return answer


def sign_in(
    mall_url: str,
    sandbox: Sandbox,
    openid: str,
    *,
    invited: Mapping[str, str] | None = None,
    patience: float = 0.0,
) -> Client:
    """A shopper, signed in through `wx.login`; `invited` by a `scene` or an `invite_code`."""
    public = Client(mall_url, "/api/v1")
    deadline = time.monotonic() + patience
    while True:
        try:
            # A code works once: after a lost answer the phone asks `wx.login` for another.
            session = public.post("/sessions", code=sandbox.login_code(openid), **invited or {})
        except (httpx.TransportError, Refused):
            if time.monotonic() >= deadline:
                raise
            time.sleep(0.1)
        else:
            return Client(mall_url, "/api/v1", session["token"], patience=patience)


def staff(mall_url: str, username: str, password: str, *, patience: float = 0.0) -> Client:
    """Merchant staff, signed in."""
    public = Client(mall_url, "/admin/v1", patience=patience)
    session = public.post("/sessions", username=username, password=password)
    return Client(mall_url, "/admin/v1", session["token"], patience=patience)


def wait_until(what: str, look: Callable[[], Any], *, seconds: float = PATIENCE_SECONDS) -> Any:
    """
    Look again until `look()` is truthy; return it.

    :raises TimeoutError: it stayed falsy.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if seen := look():
            return seen
        time.sleep(0.05)
    raise TimeoutError(f"waited {seconds:.0f} s in vain: {what}")
