"""
What a process remembers for a moment, so that a crowd does not ask the same thing again and again.

Nothing may rest on it but a refusal, or a page: what is remembered may have changed since.
"""

import time
from collections.abc import Hashable
from typing import Any, Generic, TypeVar
from weakref import WeakSet

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Remembered(Generic[K, V]):
    """Values by key, each for `seconds`; at `most` of them it forgets all and begins anew."""

    def __init__(self, *, seconds: float, most: int) -> None:
        self._seconds, self._most = seconds, most
        self._kept: dict[K, tuple[float, V]] = {}
        _all.add(self)

    def get(self, key: K) -> V | None:
        """Return what is remembered of `key`; None if nothing is, or not any more."""
        found = self._kept.get(key)
        return found[1] if found is not None and time.monotonic() < found[0] else None

    def put(self, key: K, value: V) -> None:
        """Remember a value from now on."""
        if len(self._kept) >= self._most:
            self._kept = {}
        self._kept[key] = time.monotonic() + self._seconds, value

    def forget(self) -> None:
        """Remember nothing."""
        self._kept = {}


_all: "WeakSet[Remembered[Any, Any]]" = WeakSet()


def forget_all() -> None:
    """Have the whole process remember nothing: for tests, which begin with empty tables."""
    for each in _all:
        each.forget()
