"""
What happens at the door of a sale, second by second: counted in each process, shared in Redis.

Counting must cost nothing where thousands are refused, so a process adds up in memory and writes
once a second. These are figures to look at: a process that dies takes its last second with it, and
without Redis there are none. Pieces, orders and money are read from the database instead.
"""

import os
import threading
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import redis as redis_py
import structlog

from app.core import clock, redis

log = structlog.get_logger(__name__)

FLUSH_SECONDS = 1.0
MINUTES = 5
"""How many of the last minutes the board shows second by second."""
KEPT_SECONDS = 3600
"""How long a minute is kept."""
TOTAL_SECONDS = 90 * 86400
"""How long the sums of a sale are kept after it was last counted."""


class Mark(StrEnum):
    """What is counted."""

    REQUEST = "request"
    """Somebody asked to buy."""
    ADMITTED = "admitted"
    """The gate said maybe, or there was none."""
    NOT_STARTED = "not_started"
    ENDED = "ended"
    SOLD_OUT = "sold_out"
    LIMIT = "limit"
    BUSY = "busy"
    OTHER = "other"


REFUSED = (Mark.NOT_STARTED, Mark.ENDED, Mark.SOLD_OUT, Mark.LIMIT, Mark.BUSY, Mark.OTHER)
"""Why somebody got nothing."""


@dataclass(frozen=True, slots=True)
class Door:
    """What was counted of one sale: all in all, and by second of the last minutes."""

    total: Mapping[str, int]
    seconds: Mapping[int, Mapping[str, int]]
    """By second since 1970, those in which something happened."""


class Tally:
    """The counts of one process that are not in Redis yet."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[tuple[int, int, str]] = Counter()
        self._timer: threading.Timer | None = None

    def count(
        self,
        connection: "redis_py.Redis",
        promotion_id: int,
        marks: tuple[Mark, ...],
        now: datetime,
    ) -> None:
        """Count one of each mark in this second; a timer writes it down within the next."""
        second = int(now.timestamp())
        with self._lock:
            for what in marks:
                self._counts[promotion_id, second, what.value] += 1
            if self._timer is None:
                self._timer = threading.Timer(FLUSH_SECONDS, self.flush, [connection])
                self._timer.daemon = True
                self._timer.start()

    def flush(self, connection: "redis_py.Redis") -> None:
        """Write what was counted to Redis; what Redis does not take is forgotten."""
        with self._lock:
            counts, self._counts, self._timer = self._counts, Counter(), None
        pipe = connection.pipeline(transaction=False)
        for (promotion_id, second, what), number in counts.items():
            minute, total = _minute_key(promotion_id, second // 60), _total_key(promotion_id)
            pipe.hincrby(minute, f"{second % 60}:{what}", number)
            pipe.hincrby(total, what, number)
            pipe.expire(minute, KEPT_SECONDS)
            pipe.expire(total, TOTAL_SECONDS)
        try:
            pipe.execute()
        except redis_py.RedisError as error:
            log.warning("redis_unavailable", use="flash_board", error=str(error))


_tallies: defaultdict[int, Tally] = defaultdict(Tally)
"""By process id: a child counts for itself, with a timer of its own."""


def count(promotion_id: int, *marks: Mark) -> None:
    """Count one of each mark of a sale; costs a dictionary entry, never waits and never fails."""
    _tallies[os.getpid()].count(redis.client(), promotion_id, marks, clock.now())


REASONS = {
    "sale_not_started": Mark.NOT_STARTED,
    "sale_ended": Mark.ENDED,
    "sold_out": Mark.SOLD_OUT,
    "sale_limit_reached": Mark.LIMIT,
    "sale_busy": Mark.BUSY,
}


def outcome(status: int, code: str | None) -> Mark | None:
    """Return why a call that ended with this code got nothing; None if it got an order."""
    if status < 400:
        return None
    return REASONS.get(code or "", Mark.OTHER)


def flush() -> None:
    """Write down at once what this process has counted."""
    _tallies[os.getpid()].flush(redis.client())


def door(promotion_id: int, *, now: datetime) -> Door | None:
    """Return what all processes have counted; None while Redis does not answer."""
    last = int(now.timestamp()) // 60
    minutes = range(last - MINUTES + 1, last + 1)
    pipe = redis.client().pipeline(transaction=False)
    pipe.hgetall(_total_key(promotion_id))
    for minute in minutes:
        pipe.hgetall(_minute_key(promotion_id, minute))
    try:
        total, *kept = pipe.execute()
    except redis_py.RedisError as error:
        log.warning("redis_unavailable", use="flash_board", error=str(error))
        return None
    seconds: defaultdict[int, dict[str, int]] = defaultdict(dict)
    for minute, counts in zip(minutes, kept, strict=True):
        for field, number in counts.items():
            second, _, what = field.partition(":")
            seconds[minute * 60 + int(second)][what] = int(number)
    return Door(
        {what: int(number) for what, number in total.items()}, dict(sorted(seconds.items()))
    )


def _minute_key(promotion_id: int, minute: int) -> str:
    return f"flash_board:{{{promotion_id}}}:{minute}"


def _total_key(promotion_id: int) -> str:
    return f"flash_board:{{{promotion_id}}}:total"
