"""
Everything one sandbox knows, behind one lock.

The world itself holds what every surface shares: clock, keys, merchants, settings. A surface keeps
its own state in a `Store`, made on first use and forgotten by `reset`.
"""

from __future__ import annotations

import random
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeVar, cast

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from flask import current_app

from sandbox.agenda import Agenda
from sandbox.clock import Clock
from sandbox.errors import ControlRefusal
from sandbox.keys import PlatformKeys, SigningKey

SigningMode = Literal["public_key", "certificate", "mixed"]
SIGNING_MODES = ("public_key", "certificate", "mixed")


@dataclass(frozen=True)
class Merchant:
    """One mini-program and the merchant account bound to it."""

    appid: str
    app_secret: str
    mchid: str
    serial: str
    public_key: RSAPublicKey
    apiv3_key: str
    refund_notify_url: str | None = None
    """The console's refund callback address: used, in v2 XML, when a refund names none."""
    older: Mapping[str, RSAPublicKey] = field(default_factory=dict)
    """Certificates that were replaced and not revoked yet, by serial: they are accepted too."""

    def certificates(self) -> dict[str, RSAPublicKey]:
        return {**self.older, self.serial: self.public_key}


@dataclass
class Settings:
    """How this WeChat behaves when no fault says otherwise."""

    signing: SigningMode = "public_key"
    notify_automatically: bool = True
    refund_outcome: str | None = "SUCCESS"
    """None leaves refunds PROCESSING until someone settles them."""
    refund_delay_seconds: float = 0.0
    tells_unpaid_amount: bool = True
    """The real one documents the amount of a trade that is not paid as optional."""
    transfer_start: str = "WAIT_USER_CONFIRM"
    """The state a new transfer is answered with."""
    steps_transfers_automatically: bool = True
    """False leaves a transfer in each state of its own until someone advances it."""
    transfer_delay_seconds: float = 0.0
    transfer_most_fen: int = 2_000_000
    transfers_a_second: int = 100
    is_trade_managed: bool = False
    """Whether the mini-program must tell of its parcels before its money is let go."""
    push_url: str | None = None
    """Where the mini-program's messages are pushed to, as the console has it; None: nowhere."""
    push_token: str = ""
    push_aes_key: str = ""
    push_mode: str = "safe"
    push_format: str = "json"
    bills: str = "automatic"
    """When a day's bills are ready: from ten on the next day, as soon as it is over, or never."""


class Store:
    """State of one surface; the caller holds `world.lock`."""

    def __init__(self, world: World) -> None:
        self.world = world

    def is_current(self) -> bool:
        """Tell whether no reset has replaced this store since."""
        return self.world.store(type(self)) is self


S = TypeVar("S", bound=Store)


@dataclass
class World:
    """The whole sandbox."""

    keys: PlatformKeys
    clock: Clock = field(default_factory=Clock)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        self.agenda = Agenda(self.lock, self.clock)
        self.merchants: dict[str, Merchant] = {}
        self.settings = Settings()
        self.random = random.Random()
        self._stores: dict[type[Store], Store] = {}

    def store(self, kind: type[S]) -> S:
        """Return this world's one store of that kind."""
        with self.lock:
            if kind not in self._stores:
                self._stores[kind] = kind(self)
            return cast("S", self._stores[kind])

    def reset(self) -> None:
        """Forget everything but the keys and the merchants."""
        with self.lock:
            self.agenda.clear()
            self._stores.clear()
            self.settings = Settings()
            self.clock.reset()

    def merchant_of(self, mchid: str | None) -> Merchant:
        """
        Return the merchant named, or the only one.

        :raises ControlRefusal: there is no such merchant, or several and none was named.
        """
        if mchid is None and len(self.merchants) == 1:
            return next(iter(self.merchants.values()))
        if mchid is None or mchid not in self.merchants:
            raise ControlRefusal(404, f"no such merchant: {mchid}")
        return self.merchants[mchid]

    def merchant_by_appid(self, appid: str) -> Merchant | None:
        return next((one for one in self.merchants.values() if one.appid == appid), None)

    def signing_key(self) -> SigningKey:
        """Choose the key the platform signs the next message with."""
        mode = self.settings.signing
        if mode == "mixed":
            mode = self.random.choice(("public_key", "certificate"))
        return self.keys.public_key if mode == "public_key" else self.keys.certificates[-1]


def current() -> World:
    """Return the world of the Flask application in use."""
    return cast("World", current_app.extensions["sandbox"])


def digits(count: int) -> str:
    """Return random decimal digits, for numbers in WeChat's style."""
    return "".join(secrets.choice("0123456789") for _ in range(count))
