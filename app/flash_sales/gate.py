"""
The gate in front of a flash sale: Redis says no or maybe, and what it says sells nothing.

Each process has one `Gate`: the scripts, a breaker that leaves a Redis alone that does not answer,
and a few places for those who go to the database without having been asked (`place`). Everything
here survives a Redis that is empty, old, slow or gone.
"""

import secrets
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import blake2b
from typing import Any, NamedTuple

import redis
import structlog

from app.core import metrics
from app.core.errors import AppError
from app.flash_sales import scripts

log = structlog.get_logger(__name__)

KEEP = timedelta(days=3)
"""How long a gate outlives its last sweep: as long as idempotency keys are kept."""
REST_SECONDS = 1.0
"""How long a Redis that failed is left alone before one caller tries it again."""
DOUBT_SECONDS = 60.0
"""How long after a failure tokens may be missing: until a sweep has surely been."""
PLACES = 4
"""How many of a process go to the database at once without the gate's word."""
WAIT_SECONDS = 0.25
"""How long one waits for such a place."""
CHUNK = 1_000
"""How many tokens or members go to Redis in one command."""


class Busy(AppError):
    """Too many try at this moment; `Retry-After` says when to come back."""

    code, status, title = "sale_busy", 429, "抢购的人太多，请稍后再试"

    def __init__(self) -> None:
        super().__init__()
        self.headers["Retry-After"] = "1"


class Word(StrEnum):
    """What the gate says."""

    MAYBE = "maybe"
    """A ticket was taken; the database decides."""
    KNOWN = "known"
    """The token was admitted before; the database has its answer, or gives it now."""
    LIMIT = "limit"
    """The member has taken what one person may."""
    SOLD_OUT = "sold_out"
    LOST = "lost"
    """The gate has no memory of the sale, or one of yesterday."""
    AWAY = "away"
    """Redis does not answer."""


class Attempt(NamedTuple):
    """One try to buy, as the gate sees it."""

    promotion_id: int
    sku_id: int
    quantity: int
    member_id: int
    key: str
    """The `Idempotency-Key`."""

    @property
    def token(self) -> str:
        """Who tries with which key: the same key of a member is the same try."""
        return token_of(self.member_id, self.key)


class Verdict(NamedTuple):
    """The gate's word; `number` is the pieces left, or the limit that was reached."""

    word: Word
    number: int = 0
    changes: int = 0


class Note(NamedTuple):
    """What is pending: a token that was admitted and of which no more is known."""

    token: str
    member_id: int
    key: str
    ms: int


class State(NamedTuple):
    """A gate as Redis has it. Without an epoch there is none."""

    epoch: str
    run: str
    swept_ms: int
    asked: int
    admitted: int
    left: Mapping[int, int]
    pending: Sequence[Note]


class Truth(NamedTuple):
    """What the database says of a sale, all at one moment."""

    left: Mapping[int, int]
    """Pieces by SKU id."""
    max_uses: int | None
    max_units: int | None
    until: datetime | None
    """When the members' counts are out of date: the next midnight for limits a day."""
    members: Mapping[int, tuple[int, int]]
    """Member → uses and pieces that count."""
    tokens: Sequence[str]
    """Those of committed orders, which are to be known."""
    settled: frozenset[str]
    """Which of the pending tokens are committed."""


def digest_of(key: str) -> str:
    """Return the short digest of an idempotency key: twelve characters."""
    return urlsafe_b64encode(blake2b(key.encode(), digest_size=9).digest()).decode()


def token_of(member_id: int, key: str) -> str:
    """Return the token of a member's key."""
    return f"{member_id}:{digest_of(key)}"


class Breaker:
    """Leaves Redis alone for a moment after a failure; then lets one caller try."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rests_until = 0.0
        self._failed_at = float("-inf")

    def allows(self) -> bool:
        """Say whether to ask Redis now."""
        now = time.monotonic()
        if now >= self._rests_until and self._rests_until == 0.0:
            return True
        with self._lock:
            if now < self._rests_until:
                return False
            self._rests_until = now + REST_SECONDS  # Ours is the try; the others wait for it.
            return True

    def succeeded(self) -> None:
        """Redis answers."""
        self._rests_until = 0.0

    def failed(self, error: redis.RedisError) -> None:
        """Redis did not answer."""
        now = time.monotonic()
        if now - self._failed_at > REST_SECONDS:
            log.warning("redis_unavailable", use="flash_sales", error=str(error))
        with self._lock:
            self._failed_at, self._rests_until = now, now + REST_SECONDS

    @property
    def is_doubtful(self) -> bool:
        """Say whether Redis failed so lately that it may not know of all that was admitted."""
        return time.monotonic() - self._failed_at < DOUBT_SECONDS


class Gate:
    """The gates of all flash sales, as one process reaches them."""

    def __init__(self, client: "redis.Redis") -> None:
        self._client = client
        self._admit = client.register_script(scripts.ADMIT)
        self._give_back = client.register_script(scripts.GIVE_BACK)
        self._clear = client.register_script(scripts.CLEAR)
        self._load = client.register_script(scripts.LOAD)
        self._places = threading.BoundedSemaphore(PLACES)
        self.breaker = Breaker()

    def ask(self, attempt: Attempt, *, now: datetime, more: int = 0) -> Verdict:
        """Ask for a ticket; `more` have asked whom the process has answered by itself."""
        told = self._told(
            self._admit,
            attempt.promotion_id,
            attempt.token,
            attempt.member_id,
            attempt.sku_id,
            attempt.quantity,
            ms_of(now),
            attempt.key,
            more,
            ms_in(KEEP),
        )
        verdict = Verdict(Word.AWAY) if told is None else Verdict(Word(told[0]), *told[1:])
        metrics.flash_sale_attempts.labels(verdict.word.value).inc()
        return verdict

    def give_back(self, attempt: Attempt) -> bool:
        """Give the ticket back, once: the database said no. Says whether there was one."""
        return bool(self._told(self._give_back, attempt.promotion_id, attempt.token))

    def clear(self, attempt: Attempt) -> None:
        """Forget that the token is pending, and know it for good: its order is committed."""
        self._told(self._clear, attempt.promotion_id, attempt.token, ms_in(KEEP))

    @contextmanager
    def place(self) -> Iterator[None]:
        """
        Hold one of the few places of those who go to the database without the gate's word.

        :raises Busy: none gets free in time.
        """
        if not self._places.acquire(timeout=WAIT_SECONDS):
            raise Busy
        try:
            yield
        finally:
            self._places.release()

    def tokens(self, promotion_id: int, *, most: int) -> frozenset[str] | None:
        """Return the tokens known, or None if they are too many or Redis does not answer."""
        key = keys_of(promotion_id)[3]
        try:
            if self._client.scard(key) > most:
                return None
            known = self._client.smembers(key)
        except redis.RedisError as error:
            self.breaker.failed(error)
            return None
        return frozenset(str(token) for token in known)

    def run(self) -> str:
        """Return the name of the Redis that runs now; another one may have forgotten things."""
        return str(self._client.info("server")["run_id"])

    def state(self, promotion_id: int) -> State:
        """Read a gate. Raises `redis.RedisError` when there is no Redis."""
        gate_key, _, pending_key, _ = keys_of(promotion_id)
        with self._client.pipeline() as pipe:
            pipe.hgetall(gate_key)
            pipe.hgetall(pending_key)
            gate, pending = pipe.execute()
        left = {
            int(name.removeprefix("left:")): int(value)
            for name, value in gate.items()
            if name.startswith("left:")
        }
        return State(
            epoch=gate.get("epoch", ""),
            run=gate.get("run", ""),
            swept_ms=int(gate.get("swept_ms", 0)),
            asked=int(gate.get("asked", 0)),
            admitted=int(gate.get("admitted", 0)),
            left=left,
            pending=[_note(token, value) for token, value in pending.items()],
        )

    def load(
        self, promotion_id: int, state: State, truth: Truth, *, given_up: Sequence[str],
        now: datetime,
    ) -> bool:  # fmt: skip
        """
        Set a gate to the truth less what is pending, unless somebody else did since `state`.

        Raises `redis.RedisError` when there is no Redis.
        """
        keys = keys_of(promotion_id)
        members_key = f"{keys[1]}:{secrets.token_hex(4)}"
        with self._client.pipeline(transaction=False) as pipe:
            for some in _chunks(_counts(truth.members)):
                pipe.hset(members_key, items=list(some))
            pipe.expire(members_key, 60)  # Should we die before they are put in place.
            for some in _chunks(truth.tokens):
                pipe.sadd(keys[3], *some)
            pipe.execute()
        left = [each for pair in truth.left.items() for each in pair]
        words: list[Any] = [
            state.epoch,
            secrets.token_hex(8),
            _or_nothing(truth.max_uses),
            _or_nothing(truth.max_units),
            "" if truth.until is None else ms_of(truth.until),
            ms_of(now),
            ms_in(KEEP),
            self.run(),
            *(len(left), *left),
            *(len(truth.settled), *sorted(truth.settled)),
            *(len(given_up), *given_up),
        ]
        return bool(self._load(keys=[*keys, members_key], args=words))

    def _told(self, script: Any, promotion_id: int, *words: str | int) -> Any:
        """Run a script; None if Redis does not answer or is left alone."""
        if not self.breaker.allows():
            return None
        try:
            told = script(keys=keys_of(promotion_id), args=words)
        except redis.RedisError as error:
            self.breaker.failed(error)
            return None
        self.breaker.succeeded()
        return told


def keys_of(promotion_id: int) -> list[str]:
    """Return the keys of a sale, in the order of the scripts."""
    return [f"{{flash:{promotion_id}}}:{name}" for name in ("gate", "members", "pending", "tokens")]


def ms_of(moment: datetime) -> int:
    """Return a moment as whole milliseconds since 1970."""
    return int(moment.timestamp() * 1000)


def ms_in(duration: timedelta) -> int:
    """Return a duration in whole milliseconds."""
    return duration // timedelta(milliseconds=1)


def _note(token: str, value: str) -> Note:
    _, _, ms, key = value.split(":", 3)
    return Note(token, int(token.partition(":")[0]), key, int(ms))


def _counts(members: Mapping[int, tuple[int, int]]) -> list[str | int]:
    """What the hash of members is to hold: names and numbers in turn."""
    return [
        each
        for member, (uses, units) in members.items()
        for each in (f"uses:{member}", uses, f"units:{member}", units)
    ]


def _chunks(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    # Even, so that a name and its number stay together.
    for start in range(0, len(items), 2 * CHUNK):
        yield items[start : start + 2 * CHUNK]


def _or_nothing(number: int | None) -> int | str:
    return "" if number is None else number
