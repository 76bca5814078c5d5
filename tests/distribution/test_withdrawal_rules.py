"""The rules of withdrawals are versions, hold together, and decide fee, reviews and names."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from distribution.withdrawals import rules
from distribution.withdrawals.rules import BadRules, WithdrawalRules
from distribution.withdrawals.states import Channel, Tax
from tests.builders.distribution import NOON
from tests.builders.withdrawals import make_withdrawal_rules


def test_a_shop_that_has_set_nothing_reviews_every_withdrawal_and_withholds_nothing(session):
    found = rules.current(session)

    assert found == WithdrawalRules()
    assert [found.reviews_needed(fen) for fen in (1, 200_000, 200_001)] == [1, 1, 2]
    assert (found.tax, found.fee_fen(500_000)) == (Tax.OFF, 0)
    assert (found.is_open(Channel.WECHAT), found.is_open(Channel.MANUAL)) == (True, False)


def test_a_change_is_a_new_version_and_the_latest_is_in_force(session):
    first = make_withdrawal_rules(session, fee_bp=60)
    second = make_withdrawal_rules(session, fee_bp=100, tax=Tax.LABOUR)

    assert second.version > first.version
    assert rules.current(session) == second
    assert (second.fee_bp, second.tax) == (100, Tax.LABOUR)


def test_rules_are_never_edited(session):
    make_withdrawal_rules(session)

    with pytest.raises(DBAPIError, match=r"append-only|history"):
        session.execute(text("UPDATE withdrawal_rules SET fee_bp = 1"))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"min_fen": 0}, "min_fen"),
        ({"min_fen": 600_000}, "max_fen"),
        ({"max_fen": 20_000_001}, "max_fen"),
        ({"daily_count": 0}, "daily_count"),
        ({"daily_count": 101}, "daily_count"),
        ({"daily_fen": 499_999}, "daily_fen"),
        ({"fee_bp": -1}, "fee_bp"),
        ({"fee_bp": 10_001}, "fee_bp"),
        ({"fee_min_fen": -1}, "fee_min_fen"),
        ({"fee_min_fen": 91}, "min_fen"),
        ({"fee_bp": 9_100}, "min_fen"),
        ({"review_over_fen": -1}, "review_over_fen"),
        ({"review_over_fen": 300_000}, "second_review_over_fen"),
        ({"name_from_fen": 200_001}, "name_from_fen"),
        ({"name_from_fen": -1}, "name_from_fen"),
        ({"has_wechat": False}, "has_wechat"),
    ],
)
def test_rules_that_contradict_each_other_are_refused(session, change, field):
    bad = dataclasses.replace(WithdrawalRules(), **change)

    with pytest.raises(BadRules) as refused:
        rules.change(session, bad, changed_by="staff:1", now=NOON)

    assert refused.value.field == field
    assert rules.current(session) == WithdrawalRules()


@given(
    st.integers(10, 20_000_000),
    st.integers(0, 9_000),
    st.integers(0, 500),
    st.sampled_from(Tax),
    st.integers(0, 10_000_000),
)
def test_the_parts_of_a_withdrawal_always_make_its_amount(amount, fee_bp, fee_min, tax, month):
    found = WithdrawalRules(fee_bp=fee_bp, fee_min_fen=fee_min, tax=tax)

    fee_fen, tax_fen, net_fen = found.figures(amount, month_fen=month)

    assert fee_fen + tax_fen + net_fen == amount
    assert fee_fen == max(fee_min, amount * fee_bp // 10_000)
    assert tax_fen >= 0


@pytest.mark.parametrize(
    ("change", "amount_fen", "channel", "is_needed"),
    [
        ({}, 199_999, Channel.WECHAT, False),
        ({}, 200_000, Channel.WECHAT, True),
        ({"name_from_fen": 0}, 100, Channel.WECHAT, True),
        ({"tax": Tax.LABOUR}, 100, Channel.WECHAT, True),
        ({}, 100, Channel.MANUAL, True),
    ],
)
def test_a_payee_is_named_where_wechat_tax_or_a_person_who_pays_needs_it(
    change, amount_fen, channel, is_needed
):
    found = dataclasses.replace(WithdrawalRules(), **change)

    assert found.needs_name(amount_fen, channel) is is_needed
