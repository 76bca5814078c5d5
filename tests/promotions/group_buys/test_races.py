"""Many at once want the last seat, or its team ends meanwhile: exact counts, nobody lost."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from promotions import group_buys
from promotions.group_buys import (
    BuyingTeam,
    CannotJoin,
    Outcome,
    SeatStatus,
    TeamSeat,
    TeamStatus,
)
from promotions.group_buys.verify import verify
from tests.builders.group_buys import hold, make_group_buy, opened, pay
from tests.builders.promotions import NOON

THREADS = 24
LATER = NOON + timedelta(hours=1)
pytestmark = pytest.mark.race


@pytest.fixture
def together(own_session):
    """Run `work(session, number)` in all threads at one moment, each committing what it did."""

    def go(work, threads=THREADS):
        start = threading.Barrier(threads)

        def run(number):
            with own_session() as own:
                own.connection()
                start.wait(timeout=60)
                try:
                    done = work(own, number)
                except CannotJoin as refused:
                    own.rollback()
                    return refused.refusal
                own.commit()
                return done

        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(run, range(threads)))

    return go


def statuses(session):
    session.rollback()
    assert list(verify(session)) == []
    return dict(
        session.execute(select(TeamSeat.status, func.count()).group_by(TeamSeat.status)).all()
    )


def ready(session, *, orders, **terms):
    """A team of two whose opener has paid and for which so many more have ordered, from 100 on."""
    terms = {"team_size": 2, "seats": "first_paid", **terms}
    campaign = make_group_buy(session, **terms)
    team = opened(session, campaign, 1)
    for number in range(orders):
        hold(session, campaign, 100 + number, team=team)
    session.commit()
    return campaign, team


def test_of_many_who_pay_for_the_last_seat_one_has_it(session, together):
    _, team = ready(session, orders=THREADS, when_late="refund")

    outcomes = together(lambda own, number: pay(own, 100 + number).outcome)

    assert outcomes.count(Outcome.TAKEN) == 1
    assert outcomes.count(Outcome.TO_REFUND) == THREADS - 1
    assert statuses(session) == {SeatStatus.TAKEN: 2, SeatStatus.REFUNDING: THREADS - 1}
    session.refresh(team)
    assert (team.status, team.seats_held) == (TeamStatus.COMPLETE, 0)


def test_whoever_is_late_finds_a_team_and_no_team_is_overfull(session, together):
    ready(session, orders=THREADS)

    together(lambda own, number: pay(own, 100 + number).outcome)

    assert statuses(session) == {SeatStatus.TAKEN: THREADS + 1}
    sizes = session.scalars(select(BuyingTeam.seats_taken)).all()
    assert sum(sizes) == THREADS + 1
    assert max(sizes) == 2


def test_two_late_orders_of_one_member_go_to_two_teams(session, together):
    campaign, team = ready(session, orders=0)
    group_buys.fail(session, team.id, now=NOON)
    for number in range(4):
        other = opened(session, campaign, 10 + number)
        hold(session, campaign, 7, team=other, source=f"order:{200 + number}")
        hold(session, campaign, 20 + number, team=other)
        pay(session, 20 + number)
    for number in range(2):
        opened(session, campaign, 30 + number)
    session.commit()

    together(lambda own, number: pay(own, 200 + number).outcome, threads=4)

    session.rollback()
    teams = session.scalars(
        select(TeamSeat.team_id).where(TeamSeat.member_id == 7, TeamSeat.status == SeatStatus.TAKEN)
    ).all()
    assert len(teams) == len(set(teams)) == 4
    assert list(verify(session)) == []


def test_no_more_seats_are_promised_than_there_are(session, together):
    campaign, team = ready(session, orders=0, team_size=5, seats="held")

    together(lambda own, number: hold(own, campaign, 100 + number, team=team).id)

    assert statuses(session) == {SeatStatus.TAKEN: 1, SeatStatus.HELD: 4}


def test_one_payment_told_many_times_at_once_counts_once(session, together):
    ready(session, orders=1, team_size=3)

    taken = together(lambda own, _: pay(own, 100).is_new)

    assert taken.count(True) == 1
    assert statuses(session) == {SeatStatus.TAKEN: 2}


def test_payments_and_the_end_of_their_team_meet_and_nobody_is_lost(session, together):
    """The payers still think it is time; whoever expires teams does not."""
    campaign, _ = ready(session, orders=0, team_size=50, when_late="refund")
    for round_ in range(4):
        team = opened(session, campaign, 1_000 + round_)
        for number in range(6):
            hold(session, campaign, 100 + 6 * round_ + number, team=team)
    session.commit()

    def work(own, number):
        if number % 4 == 3:
            return group_buys.expire_due(own, now=LATER, limit=9).failed
        return pay(own, 100 + number, now=LATER - timedelta(seconds=1)).outcome

    together(work)
    group_buys.expire_due(session, now=LATER, limit=99)
    session.commit()

    left = statuses(session)
    assert left.get(SeatStatus.TAKEN, 0) == 0, "every team was over"
    assert left[SeatStatus.REFUNDING] == 5 + THREADS * 3 // 4


def test_members_leave_and_join_at_once_and_the_team_keeps_a_leader(session, together):
    _, team = ready(session, orders=THREADS, team_size=100)
    for number in range(0, THREADS, 2):
        pay(session, 100 + number)
    session.commit()

    def work(own, number):
        if number % 2:
            return pay(own, 100 + number).outcome
        return group_buys.leave(own, source=f"order:{100 + number}", now=NOON)

    together(work)

    assert statuses(session) == {
        SeatStatus.TAKEN: THREADS // 2 + 1,
        SeatStatus.REFUNDING: THREADS // 2,
    }
    session.refresh(team)
    assert team.status is TeamStatus.OPEN
