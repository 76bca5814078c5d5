"""The shop's days as moments: a report of days is one of `[first day's start, last day's end)`."""

from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

from app.core import clock
from app.core.errors import Invalid

MOST_DAYS = 366
"""The longest stretch a report covers."""
USUAL_DAYS = 30
"""The stretch of a report that names no days: today and those before it."""
ONE = timedelta(days=1)


class Stretch(NamedTuple):
    """Moments from `since` on and before `until`."""

    since: datetime
    until: datetime


def start(day: date) -> datetime:
    """When a day begins in China."""
    return datetime.combine(day, time(), clock.CHINA).astimezone(UTC)


def end(day: date) -> datetime:
    """When a day is over in China."""
    return start(day + ONE)


def stretch(first_day: date | None, last_day: date | None, *, now: datetime) -> Stretch:
    """
    The moments of some days; without a last day up to today, without a first one 30 days in all.

    :raises Invalid: the days are in the wrong order, or more than `MOST_DAYS`.
    """
    last = last_day or clock.china_day(now)
    first = first_day or last - timedelta(days=USUAL_DAYS - 1)
    if first > last:
        raise Invalid(errors={"last_day": ["结束日期不能早于开始日期"]})
    if (last - first).days >= MOST_DAYS:
        raise Invalid(errors={"first_day": [f"最多查询 {MOST_DAYS} 天"]})
    return Stretch(start(first), end(last))
