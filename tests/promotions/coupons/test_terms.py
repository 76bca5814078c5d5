"""How coupons are given out: what contradicts itself is refused, and days are days of China."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promotions.coupons import BadIssue, Issue
from promotions.coupons.states import ValidMode
from promotions.coupons.terms import (
    Window,
    beginning_of,
    china_day,
    extended_until,
    validity,
)
from tests.builders.promotions import NOON

DAY = timedelta(days=1)
DATES = {"valid_starts_at": NOON, "valid_ends_at": NOON + DAY}
MOMENTS = st.integers(0, 10**9).map(lambda seconds: NOON + timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("terms", "field", "flaw"),
    [
        ({}, "valid_days", "two_validities"),
        ({**DATES, "valid_days": 1}, "valid_days", "two_validities"),
        ({"valid_starts_at": NOON}, "valid_days", "two_validities"),
        ({"valid_ends_at": NOON, "valid_days": 1}, "valid_days", "two_validities"),
        ({**DATES, "delay_days": 1}, "delay_days", "two_validities"),
        ({**DATES, "valid_ends_at": NOON}, "valid_ends_at", "empty_validity"),
        ({"valid_days": 0}, "valid_days", "not_positive"),
        ({"valid_days": 1, "max_issued": 0}, "max_issued", "not_positive"),
        ({"valid_days": 1, "member_max": -1}, "member_max", "not_positive"),
        ({"valid_days": 1, "member_day_max": 0}, "member_day_max", "not_positive"),
        ({"valid_days": 1, "delay_days": -1}, "delay_days", "not_positive"),
        ({"valid_days": 1, "extend_days": -1}, "extend_days", "not_positive"),
        (
            {"valid_days": 1, "member_max": 1, "member_day_max": 2},
            "member_day_max",
            "day_above_life",
        ),
    ],
)
def test_contradictions_are_refused(terms, field, flaw):
    with pytest.raises(BadIssue) as refused:
        Issue.parse(terms)

    assert (refused.value.field, refused.value.flaw) == (field, flaw)


@pytest.mark.parametrize(
    ("terms", "mode"),
    [
        ({**DATES, "claim_ends_at": NOON}, ValidMode.FIXED),
        ({"valid_days": 3, "delay_days": 1, "max_issued": 9}, ValidMode.AFTER_CLAIM),
    ],
)
def test_terms_are_read_back_as_they_were_written(terms, mode):
    issue = Issue.parse(terms)

    assert Issue.parse(issue.to_json()) == issue
    assert issue.valid_mode is mode


def test_a_coupon_of_one_day_ends_with_the_day():
    evening = datetime(2026, 11, 11, 13, tzinfo=UTC)  # Nine in the evening in China.

    assert validity(valid_days=1, delay_days=0, fixed=None, now=evening) == Window(
        evening, datetime(2026, 11, 11, 16, tzinfo=UTC)
    )


def test_from_the_next_day_on_means_from_midnight():
    night = datetime(2026, 11, 11, 16, tzinfo=UTC)  # Midnight in China: the 12th has begun.

    assert validity(valid_days=2, delay_days=1, fixed=None, now=night) == Window(
        beginning_of(date(2026, 11, 13)), beginning_of(date(2026, 11, 15))
    )


def test_fixed_dates_are_what_they_are():
    fixed = Window(NOON, NOON + DAY)

    assert validity(valid_days=None, delay_days=0, fixed=fixed, now=NOON + 9 * DAY) == fixed


@given(now=MOMENTS, valid_days=st.integers(1, 400), delay_days=st.integers(0, 60))
def test_a_coupon_touches_as_many_days_as_it_says(now, valid_days, delay_days):
    starts_at, ends_at = validity(valid_days=valid_days, delay_days=delay_days, fixed=None, now=now)

    assert starts_at >= now
    assert china_day(starts_at) - china_day(now) == delay_days * DAY
    last = china_day(ends_at - timedelta(microseconds=1))
    assert last - china_day(starts_at) == (valid_days - 1) * DAY


@given(now=MOMENTS, extend_days=st.integers(0, 400))
def test_an_extension_is_whole_days_after_this_one(now, extend_days):
    until = extended_until(extend_days=extend_days, now=now)

    assert extend_days * DAY < until - now <= (extend_days + 1) * DAY
    assert until == beginning_of(china_day(until))
