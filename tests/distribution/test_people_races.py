"""Joining, sums and grades with many at once: one winner, nothing lost, nothing counted twice."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from distribution import verify
from distribution.team import facts, grading, joining, purchases
from distribution.team.conditions import Facts
from distribution.team.grades import UnknownGrade
from distribution.team.purchases import Goods
from tests.builders.distribution import NOON, bind, make_rules, make_rung

pytestmark = pytest.mark.race
SELLER = 2


@pytest.fixture
def team(session):
    """Distributor 2, who brought 11, 12 and 13."""
    make_rules(session)
    for member_id in (11, 12, 13):
        bind(session, member_id=member_id, upline_id=SELLER)


def sell(session, name, *, buyer_id=11):
    """One order of somebody below the seller, paid and completed."""
    order = f"order:{name}"
    goods = [Goods(7, 1_000, 1_000)]
    purchases.paid(session, order_source=order, buyer_id=buyer_id, goods=goods, now=NOON)
    purchases.completed(session, [order], now=NOON)


def held(session):
    return joining.get(session, SELLER).grade_id


def give(session, grade_id, *, is_locked=False):
    grading.give(
        session, member_id=SELLER, grade_id=grade_id, is_locked=is_locked, reason="老客户",
        actor="staff:7", now=NOON,
    )  # fmt: skip


@pytest.fixture
def at_once(app, database_url):
    """Run functions of a session at the same moment, each in a transaction of its own."""
    engine = create_engine(database_url, pool_size=16)

    def run(works):
        barrier = Barrier(len(works))

        def one(work):
            with Session(engine) as session:
                barrier.wait()
                try:
                    result = work(session)
                except (joining.IllegalMove, UnknownGrade) as refusal:
                    return type(refusal).__name__
                session.commit()
                return result

        with ThreadPoolExecutor(len(works)) as pool:
            return list(pool.map(one, works))

    yield run
    engine.dispose()


def test_two_approvals_are_one(session, at_once):
    joining.join(session, member_id=5, now=NOON)
    session.commit()

    results = at_once(
        [lambda s: joining.approve(s, member_id=5, actor="staff:7", now=NOON).status] * 8
    )

    assert sorted(results) == ["IllegalMove"] * 7 + ["active"]
    assert len(joining.history(session, 5)) == 2
    assert list(verify.verify(session)) == []


def test_an_approval_and_a_refusal_have_one_winner(session, at_once):
    joining.join(session, member_id=5, now=NOON)
    session.commit()

    results = at_once(
        [lambda s: joining.approve(s, member_id=5, now=NOON).status,
         lambda s: joining.refuse(s, member_id=5, reason="资料不全", now=NOON).status]
    )  # fmt: skip

    assert results.count("IllegalMove") == 1
    assert joining.get(session, 5).status in results


def test_orders_completed_by_many_at_once_count_each_once(session, team, at_once):
    grade = make_rung(session, level1_orders=16, direct_customers=3)
    for number in range(16):
        purchases.paid(
            session, order_source=f"order:{number}", buyer_id=11 + number % 3,
            goods=[Goods(7, 100, 100)], now=NOON,
        )  # fmt: skip
    session.commit()

    at_once(
        [
            lambda s, n=n: purchases.completed(
                s, [f"order:{(n + each) % 16}" for each in range(4)], now=NOON
            )
            for n in range(16)
        ]
    )

    assert facts.of(session, [SELLER])[SELLER] == Facts(0, 0, 16, 1_600, 3)
    assert list(verify.verify(session)) == []
    grading.evaluate(session, [SELLER], now=NOON)
    assert held(session) == grade.id


def test_a_lift_and_a_grade_by_hand_end_in_one_of_them_on_record(session, team, at_once):
    low = make_rung(session, rank=1, level1_orders=9)
    high = make_rung(session, rank=2, level1_orders=1)
    session.commit()

    at_once(
        [lambda s: sell(s, "a"), lambda s: give(s, low.id, is_locked=True)]
        + [lambda s, n=n: sell(s, f"more{n}", buyer_id=12) for n in range(4)]
    )

    assert held(session) == low.id
    assert {each.cause for each in grading.history(session, SELLER)} >= {"staff"}
    assert high.id != low.id
    assert list(verify.verify(session)) == []


def test_a_grade_is_not_given_while_it_goes_out_of_use(session, team, at_once):
    grade = make_rung(session, level1_orders=1)
    session.commit()

    at_once(
        [lambda s: grading.archive(s, grade.id, now=NOON), lambda s: give(s, grade.id)]
        + [lambda s, n=n: sell(s, n, buyer_id=11 + n % 3) for n in range(6)]
    )

    assert held(session) is None
    assert list(verify.verify(session)) == []
