"""Days, weeks and months of China: what a distributor means by "today"."""

from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

CHINA = ZoneInfo("Asia/Shanghai")
EVER = date(1970, 1, 1)
"""The day that stands for all days together."""


class Unit(StrEnum):
    """How long a period is."""

    DAY = "day"
    WEEK = "week"
    """From Monday on."""
    MONTH = "month"
    TOTAL = "total"
    """Everything ever."""


def first_day(unit: Unit, day: date) -> date:
    """The first day of the period around `day`; `EVER` for the total."""
    if unit == Unit.WEEK:
        return day - timedelta(days=day.weekday())
    if unit == Unit.MONTH:
        return day.replace(day=1)
    return EVER if unit == Unit.TOTAL else day


def last_day(unit: Unit, first: date) -> date:
    """
    The last day of a day, week or month that begins on `first`.

    :raises ValueError: the total has no last day.
    """
    if unit == Unit.TOTAL:
        raise ValueError("all days together have no last one")
    if unit == Unit.MONTH:
        return (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return first + timedelta(days=6 if unit == Unit.WEEK else 0)


def starts_at(day: date) -> datetime:
    """The moment a day begins in China."""
    return datetime.combine(day, time(), CHINA).astimezone(UTC)


def ends_at(day: date) -> datetime:
    """The moment a day ends in China, and the next begins."""
    return starts_at(day + timedelta(days=1))
