"""Whom a promotion is for, and when it runs."""

from datetime import UTC, datetime, timedelta

import pytest

from promotions.pricing import EVERYBODY, Audience, Buyer, Slot
from promotions.pricing.money import NotWhole, OutOfRange
from promotions.pricing.promotion import EmptyWindow, minute_of_week
from tests.builders.promotions import make_promotion

MONDAY = datetime(2026, 11, 8, 16, tzinfo=UTC)
"""Midnight in China."""
TICK = timedelta(microseconds=1)


def at(hours: float, days: int = 0) -> datetime:
    return MONDAY + timedelta(days=days, hours=hours)


class TestAudience:
    @pytest.mark.parametrize(
        ("audience", "buyer", "is_admitted"),
        [
            (EVERYBODY, Buyer(), True),
            (EVERYBODY, Buyer(tags=frozenset("a"), level=1, is_new=True), True),
            (Audience(levels=frozenset({1, 2})), Buyer(level=2), True),
            (Audience(levels=frozenset({1, 2})), Buyer(level=3), False),
            (Audience(levels=frozenset({1, 2})), Buyer(), False),
            (Audience(tags=frozenset("ab")), Buyer(tags=frozenset("bc")), True),
            (Audience(tags=frozenset("ab")), Buyer(tags=frozenset("c")), False),
            (Audience(is_new=True), Buyer(is_new=True), True),
            (Audience(is_new=True), Buyer(), False),
            (Audience(is_new=False), Buyer(is_new=True), False),
            (Audience(is_new=False), Buyer(), True),
            (Audience(levels=frozenset({1}), is_new=True), Buyer(level=1), False),
        ],
    )
    def test_it_admits_whoever_meets_all_it_asks(self, audience, buyer, is_admitted):
        assert audience.admits(buyer) is is_admitted

    def test_a_level_is_a_whole_number(self):
        with pytest.raises(NotWhole):
            Audience(levels=frozenset({1.0}))


class TestSlots:
    def test_the_hours_are_those_of_china(self):
        assert minute_of_week(MONDAY) == 0
        assert minute_of_week(MONDAY - TICK) == 7 * 24 * 60 - 1
        assert minute_of_week(at(1.5, days=2)) == (2 * 24 + 1) * 60 + 30

    def test_the_start_belongs_to_a_slot_and_the_end_does_not(self):
        slot = Slot(from_minute=600, until_minute=720)

        moments = [at(10) - TICK, at(10), at(12) - TICK, at(12), at(10, days=6)]

        assert [slot.covers(now) for now in moments] == [False, True, True, False, True]

    def test_it_keeps_to_its_weekdays(self):
        slot = Slot(from_minute=0, until_minute=1_440, weekdays=frozenset({0, 6}))

        moments = [at(0), at(24) - TICK, at(24), at(0, days=6) - TICK, at(0, days=6)]

        assert [slot.covers(now) for now in moments] == [True, True, False, False, True]

    def test_it_changes_at_its_start_and_its_end_and_the_week_is_round(self):
        sunday = Slot(from_minute=1_380, until_minute=1_440, weekdays=frozenset({6}))
        daily = Slot(from_minute=1, until_minute=3)

        assert sunday.minutes_of_week() == {6 * 1_440 + 1_380, 0}
        assert daily.minutes_of_week() == {
            day * 1_440 + minute for day in range(7) for minute in (1, 3)
        }

    @pytest.mark.parametrize("until", [9, 10])
    def test_it_ends_after_it_starts(self, until):
        with pytest.raises(EmptyWindow):
            Slot(from_minute=10, until_minute=until)

    @pytest.mark.parametrize(
        ("fields", "refusal"),
        [
            ({"from_minute": -1}, OutOfRange),
            ({"until_minute": 1_441}, OutOfRange),
            ({"until_minute": 20.0}, NotWhole),
            ({"weekdays": frozenset({7})}, OutOfRange),
        ],
    )
    def test_its_numbers_are_whole_and_in_range(self, fields, refusal):
        with pytest.raises(refusal):
            Slot(**{"from_minute": 10, "until_minute": 20, **fields})

    def test_a_promotion_runs_within_any_of_its_slots_and_its_window(self):
        slots = (Slot(from_minute=0, until_minute=60), Slot(from_minute=120, until_minute=180))
        promotion = make_promotion(starts_at=at(0, days=1), ends_at=at(0, days=2), slots=slots)

        running = [hours for hours in range(50) if promotion.is_running(at(hours))]

        assert running == [24, 26]
