"""The application's WeChat clients: built once from its settings, found again wherever it runs."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from flask import Flask, current_app

from app.core import clock, redis
from app.settings import MessageTemplate, WeChatSettings
from app.wechat import crypto
from app.wechat.billing import BillClient
from app.wechat.errors import WeChatNotConfigured
from app.wechat.messages import Messenger
from app.wechat.mini import MiniClient
from app.wechat.notify import NotificationReader
from app.wechat.pay import PayClient
from app.wechat.push import PushReader
from app.wechat.shipping import ShippingClient
from app.wechat.signing import Signer
from app.wechat.transfers import TransferClient
from app.wechat.transport import PayTransport, http_client


@dataclass(frozen=True, slots=True)
class Clients:
    """Everything that talks to WeChat for one mini-program and its merchant."""

    pay: PayClient
    transfers: TransferClient
    bills: BillClient
    mini: MiniClient
    messages: Messenger
    shipping: ShippingClient
    notifications: NotificationReader
    pushes: PushReader | None
    """None: the mini-program pushes no messages to us."""


def build(settings: WeChatSettings) -> Clients:
    """
    Make the clients; nothing connects until the first call.

    :raises crypto.NotAnRsaKey: a key in the settings is not one.
    :raises ValueError: the APIv3 key has not 32 bytes.
    """
    signer = Signer(
        mchid=settings.mchid,
        serial=settings.merchant_serial,
        key=crypto.private_key(settings.merchant_private_key),
    )
    apiv3_keys = [
        crypto.apiv3_key(key) for key in (settings.apiv3_key, settings.other_apiv3_key) if key
    ]
    transport = PayTransport(
        client=http_client(settings.pay_api, settings.timeout_seconds),
        signer=signer,
        apiv3_keys=apiv3_keys,
        public_keys=_public_keys(settings),
        clock=_now,
    )
    mini = MiniClient(
        client=http_client(settings.weixin_api, settings.timeout_seconds),
        appid=settings.appid,
        secret=settings.app_secret,
        clock=_now,
        connect=redis.client,
    )
    return Clients(
        pay=PayClient(
            transport,
            signer=signer,
            appid=settings.appid,
            notify_base_url=settings.notify_base_url,
            refund_gap=timedelta(seconds=settings.refund_gap_seconds),
        ),
        transfers=TransferClient(
            transport,
            appid=settings.appid,
            mchid=settings.mchid,
            notify_base_url=settings.notify_base_url,
        ),
        bills=BillClient(transport, appid=settings.appid, mchid=settings.mchid),
        mini=mini,
        messages=Messenger(mini, dict(settings.templates)),
        shipping=ShippingClient(mini, appid=settings.appid, mchid=settings.mchid),
        notifications=NotificationReader(transport.keys, apiv3_keys),
        pushes=_pushes(settings),
    )


def _pushes(settings: WeChatSettings) -> PushReader | None:
    if settings.push_token is None:
        return None
    return PushReader(
        token=settings.push_token,
        encoding_aes_key=settings.push_aes_key,
        appid=settings.appid,
    )


def _public_keys(settings: WeChatSettings) -> dict[str, RSAPublicKey]:
    """The keys by id, the one in use first; none in certificate mode."""
    pairs = (
        (settings.public_key_id, settings.public_key),
        (settings.other_public_key_id, settings.other_public_key),
    )
    return {key_id: crypto.public_key(pem) for key_id, pem in pairs if key_id and pem}


def _now() -> datetime:
    return clock.now()  # Looked up at each call: the tests make this clock stand still.


def init_app(app: Flask, settings: WeChatSettings | None) -> None:
    """Give `app` its clients; without settings it runs and answers `wechat_not_configured`."""
    app.extensions["wechat"] = build(settings) if settings else None


def clients() -> Clients:
    """
    Return the clients of the current application.

    :raises WeChatNotConfigured: the mall runs without WeChat.
    """
    configured: Clients | None = current_app.extensions.get("wechat")
    if configured is None:
        raise WeChatNotConfigured
    return configured


def template_of(event: str) -> MessageTemplate | None:
    """Return the template that tells of `event`; None: there is none, or no WeChat at all."""
    configured: Clients | None = current_app.extensions.get("wechat")
    return configured.messages.template(event) if configured else None
