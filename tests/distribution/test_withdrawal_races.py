"""Threads on withdrawals: no money is set aside twice, and each withdrawal ends once."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from distribution import queries, verify, withdrawals
from distribution.withdrawals.models import Withdrawal
from distribution.withdrawals.requesting import WithdrawalRefused
from tests.builders.distribution import NOON, refund
from tests.builders.withdrawals import ask, earn, make_withdrawal_rules
from tests.distribution.test_races import THREADS

pytestmark = pytest.mark.race


@pytest.fixture
def order(session):
    make_withdrawal_rules(session)
    source = earn(session, member_id=2, fen=10_000)
    session.commit()
    return source


def attempt(verb):
    """Do it in a savepoint; the name of what refused it, None if nothing did."""

    def work(session):
        try:
            with session.begin_nested():
                verb(session)
        except (
            WithdrawalRefused,
            withdrawals.IllegalMove,
            withdrawals.SamePerson,
        ) as refusal:
            return type(refusal).__name__
        return None

    return work


def test_many_requests_at_once_never_withdraw_more_than_there_is(session, order, at_once):
    results = at_once([attempt(lambda s: ask(s, amount_fen=3_000))] * THREADS)

    assert results.count(None) == 3
    assert set(results) == {None, "NotEnough"}
    session.rollback()
    assert queries.summary(session, 2).available_fen == 1_000
    assert list(verify.verify(session)) == []


def test_many_requests_at_once_never_pass_the_days_count(session, order, at_once):
    make_withdrawal_rules(session, daily_count=5)
    session.commit()

    results = at_once([attempt(lambda s: ask(s, amount_fen=10))] * THREADS)

    assert results.count(None) == 5
    assert set(results) == {None, "TooMany"}


def test_one_person_who_agrees_many_times_at_once_agrees_once(session, order, at_once):
    make_withdrawal_rules(session, review_over_fen=0, second_review_over_fen=0)
    number = ask(session).no
    session.commit()

    agree = attempt(lambda s: withdrawals.approve(s, no=number, by="staff:1", now=NOON))
    results = at_once([agree] * THREADS)

    assert results.count(None) == 1
    assert set(results) == {None, "SamePerson"}
    session.rollback()
    assert withdrawals.get(session, number).state == "approving"


@pytest.mark.parametrize("turn", range(3))
def test_paying_and_giving_back_at_once_end_it_one_way(session, order, at_once, turn):
    number = ask(session, amount_fen=10_000).no
    session.commit()
    wanted = {"no": number, "by": "wechat", "now": NOON}
    pay = attempt(lambda s: withdrawals.pay_out(s, **wanted))
    back = attempt(lambda s: withdrawals.give_back(s, reason="FAIL", **wanted))

    results = at_once([pay, back] * (THREADS // 2))

    assert results.count(None) == 1
    session.rollback()
    assert list(verify.verify(session)) == []


def test_refunds_and_withdrawals_at_once_leave_no_drift(session, order, at_once):
    works = [attempt(lambda s: ask(s, amount_fen=1_000))] * 8
    works += [
        lambda s, total=total: refund(
            s, order=order, total_fen=total, source=f"refund:{total}", now=NOON + timedelta(1)
        )
        for total in range(2_000, 18_000, 2_000)
    ]

    at_once(works)

    session.rollback()
    for number in session.scalars(select(Withdrawal.no)).all():
        withdrawals.give_back(session, no=number, by="wechat", reason="FAIL", now=NOON)
    assert queries.summary(session, 2).available_fen == 2_000
    assert list(verify.verify(session)) == []
