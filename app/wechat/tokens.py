"""
The access token of the mini-program: one for all processes, renewed by whoever notices first.

It is shared through Redis, which is a convenience: without it each process keeps its own copy,
harmlessly, because `stable_token` gives everyone the same token while that token lives.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import redis
import structlog

from app.wechat.errors import ResultUnknown

log = structlog.get_logger(__name__)

EARLY = timedelta(minutes=5)
"""WeChat rotates a token about this long before its end."""
FORCE_EVERY = timedelta(seconds=30)
"""A forced renewal is allowed this seldom (and twenty times a day)."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token and the moment we stop using it."""

    text: str
    until: datetime


class Fetch(Protocol):
    """Asks WeChat for a token (forced: a new one); returns it with its remaining life."""

    def __call__(self, *, force: bool) -> tuple[str, timedelta]: ...


class TokenStore:
    """Keeps the token of one mini-program."""

    def __init__(
        self,
        *,
        appid: str,
        fetch: Fetch,
        clock: Callable[[], datetime],
        connect: Callable[[], "redis.Redis"],
    ) -> None:
        self._fetch = fetch
        self._clock = clock
        self._connect = connect
        self._key = f"wechat:token:{appid}"
        self._mine: Token | None = None
        self._renewing = threading.Lock()
        self._forced_at: datetime | None = None

    def get(self) -> str:
        """
        Return a token that should work.

        :raises ResultUnknown: there is none and WeChat does not answer.
        """
        if self._mine and self._clock() < self._mine.until:
            return self._mine.text
        return self._shared() or self._renew(dead=None)

    def replace(self, dead: str) -> str:
        """
        Return another token than `dead`, which WeChat has just refused.

        Compare and swap: if somebody has renewed it already, theirs is returned.

        :raises ResultUnknown: no other token can be had now.
        """
        if self._mine and self._mine.text != dead:
            return self._mine.text
        shared = self._shared()
        return shared if shared and shared != dead else self._renew(dead=dead)

    def _renew(self, dead: str | None) -> str:
        with self._renewing:
            if self._mine and self._mine.text != dead and self._clock() < self._mine.until:
                return self._mine.text  # Another thread renewed it while we waited.
            text, life = self._fetch(force=False)
            if text == dead:
                text, life = self._force()
            self._keep(text, life)
            return text

    def _force(self) -> tuple[str, timedelta]:
        now = self._clock()
        recently = self._forced_at is not None and now - self._forced_at < FORCE_EVERY
        if recently or not self._may_force():
            raise ResultUnknown("the access token was forced less than 30 seconds ago")
        self._forced_at = now
        return self._fetch(force=True)

    def _keep(self, text: str, life: timedelta) -> None:
        usable = max(life - EARLY, timedelta(seconds=1))
        self._mine = Token(text, self._clock() + usable)
        try:
            self._connect().set(self._key, text, px=int(usable.total_seconds() * 1000))
        except redis.RedisError as error:
            log.warning("redis_unavailable", use="access_token", error=str(error))

    def _shared(self) -> str | None:
        """Read the token another process left in Redis; remember it as long as it lives there."""
        try:
            text = self._connect().get(self._key)
            left = int(str(self._connect().pttl(self._key)))
        except redis.RedisError as error:
            log.warning("redis_unavailable", use="access_token", error=str(error))
            return None
        if not text or left <= 0:
            return None
        self._mine = Token(str(text), self._clock() + timedelta(milliseconds=left))
        return self._mine.text

    def _may_force(self) -> bool:
        """Claim the one forced renewal of these 30 seconds among all processes."""
        try:
            claimed = self._connect().set(
                f"{self._key}:forced", "1", nx=True, px=int(FORCE_EVERY.total_seconds() * 1000)
            )
        except redis.RedisError:
            return True
        return bool(claimed)
