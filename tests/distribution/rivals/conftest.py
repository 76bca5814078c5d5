"""A chain of four, whose books must be in order after each test."""

from datetime import timedelta

import pytest

from distribution import queries, verify, withdrawals
from distribution.team import rebinding
from tests.builders.distribution import (
    NOON,
    make_chain,
    make_rules,
)
from tests.builders.withdrawals import make_withdrawal_rules

BUYER, NEAR, FAR, FARTHEST = 1, 2, 3, 4
YEARS_LATER = NOON + timedelta(days=3_650)


@pytest.fixture(autouse=True)
def two_levels(session):
    """The buyer's upline is NEAR, theirs is FAR, theirs is FARTHEST; 10 % and 5 %."""
    make_rules(session)
    make_withdrawal_rules(session)
    make_chain(session, BUYER, NEAR, FAR, FARTHEST)
    session.commit()
    yield
    session.rollback()
    assert list(verify.verify(session)) == []


def summary(session, member_id):
    return queries.summary(session, member_id)


def rebound(session, member_id, upline_id):
    """Staff put a member below somebody else."""
    rebinding.rebind(
        session,
        member_id=member_id,
        upline_id=upline_id,
        actor="staff:1",
        reason="错绑",
        now=NOON,
    )


def attempt(verb):
    """Do it in a savepoint: whether it was done."""

    def work(session):
        try:
            with session.begin_nested():
                verb(session)
        except (
            withdrawals.WithdrawalRefused,
            withdrawals.IllegalMove,
            withdrawals.SamePerson,
        ):
            return False
        return True

    return work
