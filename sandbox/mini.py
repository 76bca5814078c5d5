"""
The mini-program side of a user: login codes, phone codes and the app's access tokens.

Codes work once, for five minutes. A stable token is the same while it is valid, rotates five
minutes before its end with both accepted, and is replaced at once by a forced refresh.
"""

from __future__ import annotations

import collections
import secrets
from base64 import b64encode
from dataclasses import dataclass

from sandbox.errors import MiniRefusal
from sandbox.world import Merchant, Store, World

CODE_SECONDS = 300
TOKEN_SECONDS = 7200
OVERLAP_SECONDS = 300
FORCE_SECONDS = 30
FORCE_A_DAY = 20
LOGINS_A_MINUTE = 100
DAY = 86400


@dataclass
class User:
    """Somebody with WeChat, in one mini-program."""

    appid: str
    openid: str
    unionid: str | None = None
    session_key: str | None = None
    is_blocked: bool = False
    real_name: str | None = None
    """Whom a transfer may be made to by name; None answers to every name."""


@dataclass
class PhoneCode:
    """A phone number its owner has agreed to hand over."""

    appid: str
    phone: str
    country_code: str
    expires_at: float


@dataclass
class Token:
    """One access token; `is_dead` is a token that WeChat no longer honours before its time."""

    value: str
    expires_at: float
    is_dead: bool = False


class Mini(Store):
    """Users, codes and tokens of every mini-program."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.users: dict[str, User] = {}
        self._logins: dict[str, tuple[User, float]] = {}
        self._phones: dict[str, PhoneCode] = {}
        self._tokens: dict[str, list[Token]] = {}
        self._forced: dict[str, list[float]] = {}
        self._calls: dict[str, collections.deque[float]] = {}

    def user(self, appid: str, openid: str, unionid: str | None = None) -> User:
        """Return the user of that openid, made on first sight."""
        user = self.users.setdefault(openid, User(appid, openid))
        user.unionid = unionid or user.unionid
        return user

    def appid_of(self, openid: str) -> str | None:
        user = self.users.get(openid)
        return user.appid if user else None

    def login_code(self, user: User) -> str:
        code = "0" + secrets.token_hex(15)
        self._logins[code] = (user, self.world.clock.passed() + CODE_SECONDS)
        return code

    def phone_code(self, appid: str, phone: str, country_code: str) -> str:
        code = secrets.token_hex(32)
        expires_at = self.world.clock.passed() + CODE_SECONDS
        self._phones[code] = PhoneCode(appid, phone, country_code, expires_at)
        return code

    def log_in(self, merchant: Merchant, code: str) -> User:
        """
        Use up a login code and renew its user's session key.

        :raises MiniRefusal: 40029 bad or used code, 40226 blocked user, 45011 too often.
        """
        user, expires_at = self._logins.pop(code, (None, 0.0))
        if user is None or user.appid != merchant.appid or expires_at <= self.world.clock.passed():
            raise MiniRefusal(40029, "invalid code")
        self._count_login(user)
        if user.is_blocked:
            raise MiniRefusal(40226, "code blocked")
        user.session_key = b64encode(secrets.token_bytes(16)).decode()
        return user

    def phone(self, merchant: Merchant, code: str) -> PhoneCode:
        """
        Use up a phone code.

        :raises MiniRefusal: 40029 bad or used code.
        """
        given = self._phones.pop(code, None)
        now = self.world.clock.passed()
        if given is None or given.appid != merchant.appid or given.expires_at <= now:
            raise MiniRefusal(40029, "invalid code")
        return given

    def token(self, merchant: Merchant, *, force: bool) -> tuple[str, int]:
        """
        Return the current token and the seconds it has left.

        :raises MiniRefusal: 45011 forced too often.
        """
        now = self.world.clock.passed()
        tokens = [t for t in self._tokens.get(merchant.appid, []) if t.expires_at > now]
        if force:
            self._count_forced(merchant.appid, now)
            tokens = []
        if not tokens or tokens[-1].expires_at - now <= OVERLAP_SECONDS:
            tokens.append(Token(secrets.token_urlsafe(96), now + TOKEN_SECONDS))
        self._tokens[merchant.appid] = tokens
        return tokens[-1].value, int(tokens[-1].expires_at - now)

    def owner_of(self, value: str) -> str:
        """
        Return the appid whose token this is.

        :raises MiniRefusal: 40001 not a current token, 42001 expired.
        """
        for appid, tokens in self._tokens.items():
            for token in tokens:
                if secrets.compare_digest(token.value.encode(), value.encode()):
                    if token.is_dead:
                        break
                    if token.expires_at <= self.world.clock.passed():
                        raise MiniRefusal(42001, "access_token expired")
                    return appid
        raise MiniRefusal(40001, "invalid credential, access_token is invalid or not latest")

    def kill_token(self, appid: str, *, sticky: bool) -> None:
        """Stop honouring the app's tokens; `sticky` keeps handing the dead one out."""
        for token in self._tokens.get(appid, []):
            token.is_dead = True
        if not sticky:
            self._tokens.pop(appid, None)

    def _count_login(self, user: User) -> None:
        now = self.world.clock.passed()
        calls = self._calls.setdefault(user.openid, collections.deque())
        while calls and calls[0] <= now - 60:
            calls.popleft()
        if len(calls) >= LOGINS_A_MINUTE:
            raise MiniRefusal(45011, "api minute-quota reach limit")
        calls.append(now)

    def _count_forced(self, appid: str, now: float) -> None:
        forced = [at for at in self._forced.get(appid, []) if at > now - DAY]
        if (forced and now - forced[-1] < FORCE_SECONDS) or len(forced) >= FORCE_A_DAY:
            raise MiniRefusal(45011, "api minute-quota reach limit")
        self._forced[appid] = [*forced, now]
