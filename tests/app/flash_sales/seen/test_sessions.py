"""Sessions: half-open, of days in China, and together exactly when the sale runs."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core import clock
from app.flash_sales import sessions
from app.flash_sales.sessions import SaleState, Sitting
from promotions.pricing.promotion import Slot
from tests.builders.promotions import make_promotion

DAY = date(2026, 11, 24)
"""A Tuesday."""
HOUR = timedelta(hours=1)


def at(hour, minute=0, day=DAY):
    """A moment of that day in China."""
    there = datetime(day.year, day.month, day.day, tzinfo=clock.CHINA)
    return (there + timedelta(hours=hour, minutes=minute)).astimezone(UTC)


def slot(opens, closes, *weekdays):
    return Slot(from_minute=opens * 60, until_minute=closes * 60, weekdays=frozenset(weekdays))


def sale(*slots, starts_at=None, ends_at=None):
    return make_promotion(
        starts_at=starts_at or at(0), ends_at=ends_at or at(48), slots=tuple(slots)
    )


def test_the_slots_of_today_and_tomorrow_are_the_sessions_in_order():
    found = sessions.of_days(sale(slot(20, 22), slot(10, 12)), DAY)

    assert found == [
        Sitting(at(10), at(12)),
        Sitting(at(20), at(22)),
        Sitting(at(34), at(36)),
        Sitting(at(44), at(46)),
    ]


def test_the_window_cuts_sessions_and_what_is_outside_is_none():
    found = sessions.of_days(sale(slot(10, 12), starts_at=at(11), ends_at=at(34)), DAY)

    assert found == [Sitting(at(11), at(12))]


def test_without_slots_the_window_is_one_session_on_each_day_it_touches():
    whole = sale(starts_at=at(-5), ends_at=at(5))

    assert sessions.of_days(whole, DAY) == [Sitting(at(-5), at(5))]
    assert sessions.of_days(whole, DAY - sessions.ONE) == [Sitting(at(-5), at(5))]
    assert sessions.of_days(whole, DAY + sessions.ONE) == []


def test_a_window_that_ends_at_midnight_is_not_of_the_next_day():
    assert sessions.of_days(sale(starts_at=at(-5), ends_at=at(0)), DAY) == []


def test_a_slot_keeps_to_its_weekdays():
    wednesdays = sale(slot(10, 12, 2))

    assert sessions.of_days(wednesdays, DAY) == [Sitting(at(34), at(36))]


def test_the_start_is_in_it_and_the_end_is_not():
    promotion = sale(slot(10, 12))
    one = Sitting(at(10), at(12))

    assert sessions.current(promotion, at(10)) == one
    assert sessions.current(promotion, at(12)) is None
    assert sessions.current(promotion, at(10) - timedelta.resolution) is None
    assert sessions.following(promotion, at(10) - timedelta.resolution) == one
    assert sessions.following(promotion, at(10)) == Sitting(at(34), at(36))


def test_of_two_that_overlap_the_one_that_goes_on_longest_is_now():
    assert sessions.current(sale(slot(10, 12), slot(11, 13)), at(11)) == Sitting(at(11), at(13))


def test_after_the_last_session_there_is_no_next():
    assert sessions.following(sale(slot(10, 12)), at(34)) is None


def test_the_next_session_may_be_far_away():
    promotion = sale(slot(10, 12), starts_at=at(24 * 30), ends_at=at(24 * 32))

    assert sessions.following(promotion, at(0)) == Sitting(at(24 * 30 + 10), at(24 * 30 + 12))
    assert not sessions.has_begun(promotion, at(24 * 30 + 9))
    assert sessions.has_begun(promotion, at(24 * 30 + 10))


def test_a_weekly_session_is_found_a_week_ahead():
    promotion = sale(slot(10, 12, 1), ends_at=at(24 * 20))

    assert sessions.following(promotion, at(10)) == Sitting(at(24 * 7 + 10), at(24 * 7 + 12))


@pytest.mark.parametrize(("minutes", "is_seen"), [(59, False), (60, True), (61, True)])
def test_people_see_it_from_the_warm_up_of_its_first_session_on(minutes, is_seen):
    promotion = sale(slot(10, 12))
    moment = at(9) + timedelta(minutes=minutes - 60)

    assert sessions.is_visible(promotion, moment, warm_up_minutes=60) is is_seen


def test_a_window_without_a_session_is_never_seen():
    promotion = sale(slot(20, 22), ends_at=at(19))

    assert not sessions.is_visible(promotion, at(18), warm_up_minutes=600)
    assert not sessions.has_begun(promotion, at(18))


@pytest.mark.parametrize(
    ("moment", "sold_out", "state"),
    [
        (at(9), False, SaleState.UPCOMING),
        (at(9), True, SaleState.SOLD_OUT),
        (at(10), False, SaleState.ON_SALE),
        (at(11), True, SaleState.SOLD_OUT),
        (at(12), False, SaleState.ENDED),
        (at(12), True, SaleState.ENDED),
    ],
)
def test_a_session_is_what_the_clock_and_the_pieces_say(moment, sold_out, state):
    assert Sitting(at(10), at(12)).state(moment, is_sold_out=sold_out) is state


quarters = st.integers(0, 96)
slots = st.lists(
    st.tuples(quarters, quarters, st.frozensets(st.integers(0, 6))).filter(lambda t: t[0] < t[1]),
    max_size=3,
).map(
    lambda found: tuple(
        Slot(from_minute=15 * opens, until_minute=15 * closes, weekdays=days)
        for opens, closes, days in found
    )
)


@given(slots, st.integers(-200, 300), st.integers(1, 400))
def test_sessions_are_exactly_when_the_sale_runs(found, opens, lasts):
    quarter = timedelta(minutes=15)
    starts_at = at(0) + opens * quarter
    promotion = sale(*found, starts_at=starts_at, ends_at=starts_at + lasts * quarter)

    listed = sessions.of_days(promotion, DAY)

    for number in range(192):
        moment = at(0) + number * quarter
        runs = any(one.starts_at <= moment < one.ends_at for one in listed)
        assert runs is promotion.is_running(moment)
        now = sessions.current(promotion, moment)
        assert (now is not None) is runs
        ahead = sessions.following(promotion, moment)
        assert ahead is None or ahead.starts_at > moment
