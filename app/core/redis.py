"""
Redis: rate limits and caches. Never the truth: everything stays correct with it empty or gone.
"""

import redis
import structlog
from flask import Flask, current_app

from app.core.errors import AppError

log = structlog.get_logger(__name__)

# Short, because a request waits for it and can do without.
TIMEOUT_SECONDS = 0.5

COUNT_WITHIN = """
local count = redis.call('INCR', KEYS[1])
if redis.call('TTL', KEYS[1]) < 0 then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
return count
"""


class TooMany(AppError):
    """The caller did this too often; `Retry-After` says when to come back."""

    code, status, title = "too_many_requests", 429, "操作太频繁，请稍后再试"


def init_app(app: Flask, url: str) -> None:
    """Give `app` its connection pool; nothing connects until the first use."""
    app.extensions["redis"] = redis.Redis.from_url(
        url,
        decode_responses=True,
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
    )


def client() -> "redis.Redis":
    """The application's Redis. Every caller survives `redis.RedisError`."""
    connection: redis.Redis = current_app.extensions["redis"]
    return connection


def rate_limit(key: str, *, limit: int, seconds: int) -> None:
    """
    Count one use of `key`; allow `limit` of them in any window of `seconds` that a use opens.

    With Redis gone everything is allowed: a limit protects the machine, never the money.

    :raises TooMany: the limit is reached.
    """
    try:
        count = client().eval(COUNT_WITHIN, 1, f"rate:{key}", str(seconds))
    except redis.RedisError as error:
        log.warning("redis_unavailable", use="rate_limit", error=str(error))
        return
    if int(str(count)) > limit:
        error_ = TooMany()
        error_.headers["Retry-After"] = str(seconds)
        raise error_
