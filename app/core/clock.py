"""The only clock. The edge reads it once and passes `now` down; engines and services never ask."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

CHINA = ZoneInfo("Asia/Shanghai")


def now() -> datetime:
    """The moment it is, in aware UTC."""
    return datetime.now(UTC)


def china_day(moment: datetime) -> date:
    """The calendar day of `moment` in Asia/Shanghai: what a shop means by "today"."""
    return moment.astimezone(CHINA).date()
