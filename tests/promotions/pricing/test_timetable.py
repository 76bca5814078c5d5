"""The stretch a countdown counts: the one a moment lies in, or the next."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promotions.pricing import Slot
from promotions.pricing.timetable import stretch
from tests.builders.promotions import make_promotion

MONDAY = datetime(2026, 11, 8, 16, tzinfo=UTC)
"""Midnight in China."""
MINUTE = timedelta(minutes=1)


def at(hours: float, days: int = 0) -> datetime:
    return MONDAY + timedelta(days=days, hours=hours)


def slot(from_hour, until_hour, *weekdays):
    return Slot(
        from_minute=from_hour * 60, until_minute=until_hour * 60, weekdays=frozenset(weekdays)
    )


def running(*slots, starts_at=MONDAY, ends_at=None):
    return make_promotion(slots=slots, starts_at=starts_at, ends_at=ends_at)


class TestWithoutSlots:
    @pytest.mark.parametrize("now", [at(-1), at(0), at(9)])
    def test_it_is_the_window_before_and_within_it(self, now):
        assert stretch(running(ends_at=at(10)), now) == (at(0), at(10))

    def test_it_has_no_end_if_the_window_has_none(self):
        assert stretch(running(), at(5)) == (at(0), None)

    def test_there_is_none_once_it_is_over(self):
        assert stretch(running(ends_at=at(10)), at(10)) is None


class TestWithSlots:
    @pytest.mark.parametrize(
        ("now", "opens", "closes"),
        [
            (at(9), at(10), at(12)),
            (at(10), at(10), at(12)),
            (at(11), at(10), at(12)),
            (at(12), at(20), at(22)),
            (at(22), at(10, 1), at(12, 1)),
            (at(-30), at(10), at(12)),
        ],
    )
    def test_it_is_the_slot_of_the_moment_or_the_next(self, now, opens, closes):
        assert stretch(running(slot(20, 22), slot(10, 12)), now) == (opens, closes)

    def test_weekdays_are_kept(self):
        friday = running(slot(10, 12, 4))

        assert stretch(friday, at(11)) == (at(10, 4), at(12, 4))
        assert stretch(friday, at(12, 4)) == (at(10, 11), at(12, 11))

    def test_the_window_cuts_it(self):
        cut = running(slot(10, 12), starts_at=at(11), ends_at=at(11, 1))

        assert stretch(cut, at(0)) == (at(11), at(12))
        assert stretch(cut, at(13)) == (at(10, 1), at(11, 1))

    def test_there_is_none_if_the_window_ends_before_the_next(self):
        assert stretch(running(slot(10, 12, 4), ends_at=at(10, 4)), at(0)) is None


@given(
    slots=st.lists(
        st.builds(
            lambda start, length, days: Slot(
                from_minute=start, until_minute=min(start + length, 1440), weekdays=frozenset(days)
            ),
            st.integers(0, 1439),
            st.integers(1, 600),
            st.sets(st.integers(0, 6)),
        ),
        max_size=3,
    ),
    start=st.integers(0, 3 * 1440),
    length=st.integers(1, 9 * 1440),
    minute=st.integers(-1440, 12 * 1440),
)
def test_it_is_running_in_the_stretch_and_not_between(slots, start, length, minute):
    starts_at = MONDAY + start * MINUTE
    one = running(*slots, starts_at=starts_at, ends_at=starts_at + length * MINUTE)
    now = MONDAY + minute * MINUTE
    found = stretch(one, now)

    assert one.is_running(now) is (found is not None and found.starts_at <= now)
    if found is None:
        checked = range(minute, start + length)
    else:
        assert now < found.ends_at
        assert one.is_running(found.starts_at)
        assert one.is_running(found.ends_at - MINUTE)
        checked = range(minute, (found.starts_at - MONDAY) // MINUTE)
    assert not any(one.is_running(MONDAY + each * MINUTE) for each in checked)
