"""The tax hook: off by default; the labour prepayment by the month, however it is split."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distribution.withdrawals import tax
from distribution.withdrawals.rules import WithdrawalRules
from distribution.withdrawals.states import Tax


@pytest.mark.parametrize(
    ("month_yuan", "due_yuan"),
    [
        (0, 0),
        (800, 0),
        (801, 0.2),
        (3_000, 440),
        (4_000, 640),
        (5_000, 800),
        (25_000, 4_000),
        (30_000, 5_200),
        (62_500, 13_000),
        (100_000, 25_000),
    ],
)
def test_the_labour_prepayment_is_the_table_of_the_tax_office(month_yuan, due_yuan):
    assert tax.labour(month_yuan * 100) == round(due_yuan * 100)


def test_nothing_is_withheld_unless_the_merchant_turns_it_on():
    assert WithdrawalRules().tax is Tax.OFF
    assert tax.withheld_fen(Tax.OFF, 10**9, month_fen=10**9, month_tax_fen=0) == 0


@given(st.lists(st.integers(1, 3_000_000), min_size=1, max_size=12))
def test_a_month_in_any_parts_pays_what_the_whole_would(parts):
    asked = withheld = 0
    for part in parts:
        withheld += tax.withheld_fen(Tax.LABOUR, part, month_fen=asked, month_tax_fen=withheld)
        asked += part

    assert withheld == tax.labour(sum(parts))


@given(st.integers(0, 20_000_000), st.integers(1, 1_000_000))
def test_more_in_a_month_is_never_taxed_less_and_never_by_more_than_it_is(month_fen, more_fen):
    added = tax.labour(month_fen + more_fen) - tax.labour(month_fen)

    assert 0 <= added <= more_fen


def test_what_a_returned_withdrawal_left_over_withheld_is_made_up_for():
    # 5,000 yuan are asked for, 800 withheld; what came first then returned, with nothing withheld.
    assert tax.withheld_fen(Tax.LABOUR, 10_000, month_fen=100_000, month_tax_fen=80_000) == 0
