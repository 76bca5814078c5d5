"""
The mall under test meets a sandbox WeChat over HTTP: `wechat` configures the app for it.

One sandbox and one merchant per test process, made on first use; everything it remembers is
forgotten before each test. Notifications wait until a test delivers them.
"""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.settings import WeChatSettings
from app.wechat import extension
from sandbox import server

APPID = "wx0123456789abcdef"
MCHID = "1900000001"
SERIAL = "444F4864EA9B34415ABCDEF0123456789ABCDEF0"
APIV3_KEY = "0123456789abcdef0123456789abcdef"
SECRET = "s" * 32
MALL = "https://mall.test"
PUSH_TOKEN = "pushToken0"
PUSH_AES_KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"


class WeChat:
    """The sandbox as a test drives it, and the settings with which the mall trusts it."""

    def __init__(self, url: str) -> None:
        self.http = httpx.Client(base_url=url, trust_env=False, timeout=20)
        key = generate_private_key(public_exponent=65537, key_size=2048)
        self._public_pem = (
            key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        )
        platform = self.control("GET", "platform")
        self.settings = WeChatSettings(
            appid=APPID,
            app_secret=SECRET,
            mchid=MCHID,
            merchant_serial=SERIAL,
            merchant_private_key=key.private_bytes(
                Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
            ).decode(),
            apiv3_key=APIV3_KEY,
            public_key_id=platform["public_key_id"],
            public_key=platform["public_key"],
            notify_base_url=MALL,
            weixin_api=url,
            pay_api=url,
            refund_gap_seconds=0,
            push_token=PUSH_TOKEN,
            push_aes_key=PUSH_AES_KEY,
        )

    def control(self, method: str, path: str, **body: Any) -> Any:
        """Call `/control/…`; a GET carries no body."""
        answer = self.http.request(method, f"/control/{path}", json=body or None)
        assert answer.status_code < 400, answer.text
        return answer.json()

    def forget(self) -> None:
        """Start afresh, with this merchant and notifications by hand."""
        self.control("POST", "reset")
        self.control(
            "POST",
            "settings",
            notify="manual",
            push_url=f"{MALL}/webhooks/wechat/push",
            push_token=PUSH_TOKEN,
            push_aes_key=PUSH_AES_KEY,
        )
        self.control(
            "POST",
            "merchants",
            appid=APPID,
            app_secret=SECRET,
            mchid=MCHID,
            merchant_serial=SERIAL,
            merchant_public_key=self._public_pem,
            apiv3_key=APIV3_KEY,
        )

    def login_code(self, openid: str | None = None, **user: str) -> str:
        """What `wx.login` gives the mini-program."""
        given = {"openid": openid, **user} if openid else user
        return str(self.control("POST", "mini/codes", mchid=MCHID, **given)["js_code"])

    def phone_code(self, phone: str) -> str:
        """What the phone-number button gives the mini-program."""
        return str(self.control("POST", "mini/phone-codes", phone=phone)["code"])

    def deliver(self, client: FlaskClient, *, kind: str | None = None) -> list[TestResponse]:
        """
        Bring every notification so far, also those delivered, to the mall's webhooks.

        `kind` spoils each one: `bad_signature`, `stale_timestamp`, `wrong_amount` …
        """
        answers = []
        for notification in self.control("GET", "notifications")["notifications"]:
            path = f"notifications/{notification['id']}/take"
            message = self.control("POST", path, **({"kind": kind} if kind else {}))
            url = message["url"].removeprefix(MALL)
            answers.append(client.post(url, data=message["body"], headers=message["headers"]))
        return answers

    def push(self, openid: str, event: str, **body: Any) -> Any:
        """Have an event pushed; `deliver` brings it."""
        return self.control("POST", "push", openid=openid, event=event, body=body)

    def fault(self, on: str, kind: str, **args: Any) -> None:
        """Make the next call named `on` go wrong."""
        self.control("POST", "faults", on=on, kind=kind, **args)


@pytest.fixture(scope="session")
def wechat_server() -> Iterator[WeChat]:
    with server.start() as running:
        wechat = WeChat(running.url)
        yield wechat
        wechat.http.close()


@pytest.fixture
def wechat(app: Flask, wechat_server: WeChat) -> Iterator[WeChat]:
    """A fresh sandbox WeChat, and the application signed up with it."""
    wechat_server.forget()
    app.extensions["wechat"] = extension.build(wechat_server.settings)
    yield wechat_server
    app.extensions["wechat"] = None
