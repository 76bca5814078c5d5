"""Numbers people and WeChat see: 27 plain characters, in order of time, never twice."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core import numbers

KINDS = {
    "O": numbers.order_no,
    "P": numbers.out_trade_no,
    "R": numbers.out_refund_no,
    "A": numbers.after_sale_no,
}
MOMENTS = st.integers(1_600_000_000, 4_000_000_000).map(
    lambda seconds: datetime.fromtimestamp(seconds, UTC)
)


@pytest.mark.parametrize(("letter", "make"), KINDS.items())
def test_a_number_shows_its_kind_in_27_plain_characters(letter, make, now):
    assert re.fullmatch(f"{letter}[0-9A-Z]{{26}}", make(now))


@given(moment=MOMENTS, later=st.integers(1, 10**9))
def test_later_numbers_sort_after_earlier_ones(moment, later):
    first, second = (
        numbers.order_no(moment),
        numbers.order_no(moment + timedelta(milliseconds=later)),
    )

    assert first < second


def test_ten_thousand_of_one_moment_are_all_different(now):
    assert len({numbers.out_trade_no(now) for _ in range(10_000)}) == 10_000


def test_the_first_order_number_of_a_millisecond_parts_before_from_after(now):
    first = numbers.first_order_no(now)

    assert len(first) == 27
    assert all(numbers.order_no(now) >= first for _ in range(20))
    assert numbers.order_no(now - timedelta(milliseconds=1)) < first
