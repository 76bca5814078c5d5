"""Claims: what somebody asks the money back for does not mature, and only that."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from distribution import commissions, queries, verify
from distribution.commissions.models import Claim
from tests.builders.distribution import NOON, make_chain, make_rules, mature, pay, refund

BUYER, NEAR, FAR = 1, 2, 3
LATER = NOON + timedelta(days=1)


@pytest.fixture(autouse=True)
def paid(session):
    """An order of two lines; 10 % and 5 % of each; received, and due by `LATER`."""
    make_rules(session)
    make_chain(session, BUYER, NEAR, FAR)
    pay(session, buyer_id=BUYER, paid_fen=(10_000, 20_000))
    commissions.schedule_maturity(session, order_source="order:1", mature_at=NOON)
    session.commit()
    yield
    assert list(verify.verify(session)) == []


def claim(session, *lines, source="case:1"):
    commissions.claim(
        session,
        claim_source=source,
        line_sources=[f"order:1/{seq}" for seq in lines],
        now=NOON,
    )


def settle(session, source="case:1"):
    commissions.settle_claim(session, claim_source=source, now=LATER)


def due(session):
    return commissions.mature_due(session, now=LATER)


def test_a_claimed_line_does_not_mature_and_the_others_do(session):
    claim(session, 1)

    assert due(session) == 2
    assert queries.summary(session, NEAR).available_fen == 2_000
    assert queries.summary(session, NEAR).frozen_fen == 1_000


def test_what_is_left_matures_when_the_claim_ends(session):
    claim(session, 1, 2)
    assert due(session) == 0

    settle(session)

    assert due(session) == 4
    assert queries.summary(session, FAR).available_fen == 1_500


def test_a_refund_takes_its_share_and_lets_nothing_out_early(session):
    claim(session, 1)
    refund(session, total_fen=4_000)
    assert due(session) == 2

    settle(session)

    assert due(session) == 2
    assert queries.summary(session, NEAR).available_fen == 600 + 2_000


def test_the_moment_of_maturing_stays_what_it_was(session):
    claim(session, 1, 2)
    settle(session)

    assert commissions.mature_due(session, now=NOON - timedelta(seconds=1)) == 0
    assert commissions.mature_due(session, now=NOON) == 4


def test_two_claims_of_a_line_hold_it_until_both_have_ended(session):
    claim(session, 1)
    claim(session, 1, 2, source="case:2")
    settle(session)
    assert due(session) == 0

    settle(session, "case:2")
    assert due(session) == 4


def test_claiming_and_ending_again_changes_nothing(session):
    for _ in range(3):
        claim(session, 1)
    for _ in range(3):
        settle(session)
    claim(session, 1)

    assert due(session) == 4
    assert len(session.scalars(select(Claim)).all()) == 1


def test_a_claim_of_nothing_and_the_end_of_an_unknown_one_change_nothing(session):
    claim(session)
    settle(session, "case:9")

    assert due(session) == 4


def test_a_claim_of_what_has_matured_is_counted_and_holds_nothing(session):
    mature(session)
    claim(session, 1)
    refund(session, total_fen=10_000)
    settle(session)

    assert queries.summary(session, NEAR).available_fen == 2_000


def test_a_line_that_earned_nobody_anything_may_be_claimed(session):
    commissions.claim(session, claim_source="case:1", line_sources=["order:7/1"], now=NOON)
    settle(session)


@pytest.mark.race
def test_a_maturing_that_runs_meanwhile_leaves_a_line_being_claimed_alone(session):
    with Session(session.get_bind()) as other:
        claim(other, 1)
        assert due(session) == 2
        session.commit()
        other.commit()

    assert due(session) == 0
