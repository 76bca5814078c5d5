"""
The sandbox's only clock, with two readings.

`now()` is the calendar: it stamps and checks signatures, so it must agree with the merchant's
own clock and never runs faster than it. `passed()` is how long WeChat has been waiting: retries,
refunds and expiry are measured in it, and it can be compressed or pushed ahead.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta, timezone

CHINA = timezone(timedelta(hours=8))


class Clock:
    """Time as the sandbox tells it. The caller holds the world's lock when changing it."""

    def __init__(self) -> None:
        self.speed = 1.0
        self._offset = timedelta()
        self._mark = time.monotonic()
        self._passed_at_mark = 0.0

    def now(self) -> datetime:
        return datetime.now(UTC) + self._offset

    def timestamp(self) -> int:
        return int(self.now().timestamp())

    def passed(self) -> float:
        return self._passed_at_mark + (time.monotonic() - self._mark) * self.speed

    def set_now(self, moment: datetime) -> None:
        self._offset = moment - datetime.now(UTC)

    def set_speed(self, speed: float) -> None:
        self._settle()
        self.speed = speed

    def advance(self, seconds: float, *, calendar: bool = False) -> None:
        self._settle()
        self._passed_at_mark += seconds
        if calendar:
            self._offset += timedelta(seconds=seconds)

    def real_seconds_until(self, due: float) -> float:
        return max(0.0, (due - self.passed()) / self.speed)

    def reset(self) -> None:
        """Return to the real calendar at normal speed; what has passed stays passed."""
        self.set_speed(1.0)
        self._offset = timedelta()

    def _settle(self) -> None:
        self._passed_at_mark = self.passed()
        self._mark = time.monotonic()


def rfc3339(moment: datetime) -> str:
    """Write a moment the way WeChat Pay does: China time, whole seconds, with the offset."""
    return moment.astimezone(CHINA).isoformat(timespec="seconds")
