"""Threads against the real database: no deadlock surfaces, no drift, nothing happens twice."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import create_engine, func, select
from sqlalchemy.orm import Session

from distribution import commissions, queries, team, verify
from distribution.ledger import rollup
from distribution.ledger.models import Account, Posting
from distribution.team import joining, people
from distribution.team.models import Binding
from tests.builders.distribution import (
    NOON,
    make_chain,
    make_distributor,
    make_rules,
    pay,
    refund,
)

pytestmark = pytest.mark.race
THREADS = 16


def refusal_of(call):
    """Do it; the name of the refusal, if it was refused."""
    try:
        call()
    except team.BindingRefused as refusal:
        return type(refusal).__name__


def test_an_order_accrued_by_many_at_once_pays_once(session, at_once):
    make_rules(session)
    make_chain(session, 1, 2, 3)
    session.commit()

    at_once([lambda s: pay(s, buyer_id=1)] * THREADS)

    assert queries.summary(session, 2).earned_fen == 1_000
    assert session.scalar(select(func.count()).select_from(Posting)) == 1


def test_a_refund_clawed_back_by_many_at_once_takes_once(session, at_once):
    make_rules(session)
    make_chain(session, 1, 2, 3)
    pay(session, buyer_id=1)
    session.commit()

    at_once([lambda s: refund(s, total_fen=5_000)] * THREADS)

    assert queries.summary(session, 2).clawed_fen == 500
    assert list(verify.verify(session)) == []


@pytest.mark.parametrize("first", [2_000, 7_000])
def test_a_refund_waits_for_another_one_of_its_line_and_takes_only_what_it_adds(
    session, app, database_url, first
):
    make_rules(session)
    make_chain(session, 1, 2, 3)
    pay(session, buyer_id=1)
    session.commit()
    engine = create_engine(database_url)
    with Session(engine) as slow, ThreadPoolExecutor(1) as pool:
        refund(slow, total_fen=first, source="refund:slow")

        def second():
            with Session(engine) as other:
                refund(other, total_fen=5_000, source="refund:other")
                other.commit()

        clawing = pool.submit(second)
        with pytest.raises(TimeoutError):
            clawing.result(timeout=0.3)
        slow.commit()
        clawing.result()
    engine.dispose()

    most = max(first, 5_000)
    assert queries.summary(session, 2).clawed_fen == most // 10
    assert queries.summary(session, 3).clawed_fen == most // 20
    assert list(verify.verify(session)) == []


@pytest.mark.parametrize("attempt", range(3))
def test_different_refunds_of_one_line_clawed_back_at_once_take_what_the_last_total_says(
    session, at_once, attempt
):
    make_rules(session)
    make_chain(session, 1, 2, 3)
    pay(session, buyer_id=1)
    session.commit()

    def refunding(number):
        return lambda s: refund(s, total_fen=333 * number, source=f"refund:{number}")

    at_once([refunding(number) for number in range(1, THREADS + 1)])

    assert queries.summary(session, 2).clawed_fen == 333 * THREADS // 10
    assert queries.summary(session, 3).clawed_fen == 333 * THREADS // 20
    assert list(verify.verify(session)) == []


def test_many_workers_mature_everything_once(session, at_once):
    make_rules(session)
    make_chain(session, 1, 2, 3)
    pay(session, buyer_id=1, paid_fen=(1_000,) * 100)
    commissions.schedule_maturity(session, order_source="order:1", mature_at=NOON)
    session.commit()

    matured = at_once([lambda s: commissions.mature_due(s, now=NOON, limit=20)] * 10)

    assert sum(matured) <= 200
    while commissions.mature_due(session, now=NOON, limit=20):
        pass
    assert queries.summary(session, 2).available_fen == 100 * 100
    assert list(verify.verify(session)) == []


@pytest.mark.parametrize("attempt", range(5))
def test_two_distributors_who_bind_to_each_other_at_once_never_make_a_circle(
    session, at_once, attempt
):
    codes = {each: make_distributor(session, member_id=each).invite_code for each in (1, 2)}
    session.commit()

    def binding(member, upline):
        return lambda s: refusal_of(
            lambda: team.bind(
                s, member_id=member, invite_code=codes[upline], origin="code", now=NOON
            )
        )

    assert sorted(map(str, at_once([binding(1, 2), binding(2, 1)]))) == ["BindingCycle", "None"]
    assert list(verify.verify(session)) == []


def test_a_ring_of_distributors_binding_at_once_stays_open(session, at_once):
    codes = {
        each: make_distributor(session, member_id=each).invite_code
        for each in range(1, THREADS + 1)
    }
    session.commit()

    def binding(member):
        upline = codes[member % THREADS + 1]
        return lambda s: refusal_of(
            lambda: team.bind(s, member_id=member, invite_code=upline, origin="code", now=NOON)
        )

    refusals = at_once([binding(member) for member in codes])

    assert refusals.count("BindingCycle") == 1
    assert list(verify.verify(session)) == []


@pytest.mark.parametrize("attempt", range(5))
def test_a_member_who_joins_while_being_bound_never_ends_above_and_below_the_inviter(
    session, at_once, attempt
):
    make_rules(session)
    inviter = make_distributor(session, member_id=2).invite_code
    session.commit()

    def bound(s):
        return refusal_of(
            lambda: team.bind(s, member_id=1, invite_code=inviter, origin="code", now=NOON)
        )

    def joined_and_bound_to(s):
        code = joining.join(s, member_id=1, now=NOON).invite_code
        s.commit()
        return refusal_of(
            lambda: team.bind(s, member_id=2, invite_code=code, origin="code", now=NOON)
        )

    refusals = at_once([bound, joined_and_bound_to])

    assert sorted(map(str, refusals)) == ["BindingCycle", "None"]
    assert session.scalar(select(func.count()).select_from(Binding)) == 1
    assert list(verify.verify(session)) == []


def test_a_member_bound_to_two_people_at_once_gets_one(session, at_once):
    codes = [make_distributor(session, member_id=each).invite_code for each in range(2, 10)]
    session.commit()

    def binding(code):
        return lambda s: refusal_of(
            lambda: team.bind(s, member_id=1, invite_code=code, origin="code", now=NOON)
        )

    refusals = at_once([binding(code) for code in codes])

    assert sorted(map(str, refusals)) == ["AlreadyBound"] * 7 + ["None"]
    assert sum(people.team_counts(session, each)[0] for each in range(2, 10)) == 1


def test_a_member_who_applies_many_times_at_once_joins_once(session, at_once):
    codes = at_once([lambda s: joining.join(s, member_id=1, now=NOON).invite_code] * THREADS)

    assert len(set(codes)) == 1


def test_a_roll_up_waits_for_entries_that_are_not_committed_yet(session, app, database_url):
    make_rules(session)
    make_chain(session, 1, 2)
    session.commit()
    engine = create_engine(database_url)
    with Session(engine) as slow, ThreadPoolExecutor(1) as pool:
        pay(slow, buyer_id=1, order="order:slow")

        def roll_up():
            with Session(engine) as other:
                rollup.roll_up(other)
                other.commit()

        rolling = pool.submit(roll_up)
        with pytest.raises(TimeoutError):
            rolling.result(timeout=0.3)
        slow.commit()
        rolling.result()
    engine.dispose()

    assert session.scalar(select(Account.debited_fen).where(Account.kind == "expense")) == 1_000
    assert list(verify.verify(session)) == []
