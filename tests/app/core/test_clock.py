"""The one clock: aware UTC, and the day as people in China count it."""

from datetime import UTC, date, datetime, timedelta

import pytest

from app.core import clock


def test_now_is_aware_utc():
    assert clock.now().tzinfo is UTC
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=1)


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        (datetime(2026, 11, 10, 15, 59, 59, tzinfo=UTC), date(2026, 11, 10)),
        (datetime(2026, 11, 10, 16, 0, 0, tzinfo=UTC), date(2026, 11, 11)),
        (datetime(2026, 11, 11, 15, 59, 59, tzinfo=UTC), date(2026, 11, 11)),
    ],
)
def test_a_day_begins_at_midnight_in_shanghai(moment, day):
    assert clock.china_day(moment) == day
