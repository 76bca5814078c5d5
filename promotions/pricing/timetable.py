"""
When a promotion runs, for a countdown: the stretch of time it is in, or the next one.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from promotions.pricing.promotion import CHINA, DAYS_A_WEEK, Promotion


class Stretch(NamedTuple):
    """A promotion runs in all of `[starts_at, ends_at)`; without an end, for good."""

    starts_at: datetime
    ends_at: datetime | None


def stretch(promotion: Promotion, now: datetime) -> Stretch | None:
    """
    Return the stretch that `now` lies in or, between two, the next one; None once there is no more.

    Without slots it is the whole window; a slot that the window cuts is as long as what is left.
    """
    if promotion.ends_at is not None and promotion.ends_at <= now:
        return None
    if not promotion.slots:
        return Stretch(promotion.starts_at, promotion.ends_at)
    return next(_openings(promotion, max(now, promotion.starts_at)), None)


def _openings(promotion: Promotion, after: datetime) -> Iterator[Stretch]:
    """Yield the slots within the window that end after `after`, for a week, the first one first."""
    there = after.astimezone(CHINA)
    midnight = there.replace(hour=0, minute=0, second=0, microsecond=0)
    for days in range(DAYS_A_WEEK + 1):
        day = midnight + timedelta(days=days)
        for slot in sorted(promotion.slots, key=lambda one: (one.from_minute, one.until_minute)):
            if slot.weekdays and day.weekday() not in slot.weekdays:
                continue
            opens = max(day + timedelta(minutes=slot.from_minute), promotion.starts_at)
            closes = day + timedelta(minutes=slot.until_minute)
            if promotion.ends_at is not None:
                closes = min(closes, promotion.ends_at)
            if opens < closes and after < closes:
                yield Stretch(opens.astimezone(UTC), closes.astimezone(UTC))
