"""How teams end that are not full, who leads them, and whose money goes back."""

from datetime import timedelta

import pytest

from promotions import group_buys
from promotions.group_buys import FailReason, RefundReason, SeatStatus, TeamStatus
from promotions.group_buys.verify import verify
from tests.builders.group_buys import hold, make_group_buy, opened, pay
from tests.builders.promotions import NOON

MINUTE = timedelta(minutes=1)
LATER = NOON + 60 * MINUTE


@pytest.fixture
def campaign(session):
    return make_group_buy(session)


@pytest.fixture(autouse=True)
def proven(session):
    yield
    assert list(verify(session)) == []


def seat(session, member_id):
    return group_buys.seat_of(session, f"order:{member_id}")


def leave(session, member_id):
    return group_buys.leave(session, source=f"order:{member_id}", now=NOON)


def test_a_team_that_is_not_full_at_its_end_fails(session, campaign):
    team = opened(session, campaign, 1, 2)
    hold(session, campaign, 3, team=team)
    whole = opened(session, campaign, 4, 5, 6)
    opened(session, campaign, 7, now=NOON + MINUTE)

    assert group_buys.expire_due(session, now=LATER - MINUTE, limit=9) == (0, 0, [])
    ended = group_buys.expire_due(session, now=LATER, limit=9)

    assert ended == (0, 1, ["order:1", "order:2"])
    assert group_buys.expire_due(session, now=LATER, limit=9) == (0, 0, [])
    session.refresh(team)
    assert (team.status, team.fail_reason) == (TeamStatus.FAILED, FailReason.EXPIRED)
    assert (team.seats_taken, team.seats_held, team.settled_at) == (2, 1, LATER)
    first = seat(session, 1)
    assert (first.status, first.refund_reason) == (SeatStatus.REFUNDING, RefundReason.EXPIRED)
    assert seat(session, 3).status is SeatStatus.HELD, "nobody paid for it yet"
    assert whole.status is TeamStatus.COMPLETE


def test_no_more_teams_than_asked_for_end_at_once_the_oldest_first(session, campaign):
    for member_id in (1, 2, 3):
        opened(session, campaign, member_id, now=NOON - member_id * MINUTE)

    assert group_buys.expire_due(session, now=LATER, limit=2).sources == ["order:2", "order:3"]
    assert group_buys.expire_due(session, now=LATER, limit=2).sources == ["order:1"]


def test_the_end_completes_a_team_where_that_is_the_rule(session):
    team = opened(session, make_group_buy(session, auto_complete=True), 1)

    assert group_buys.expire_due(session, now=LATER, limit=9) == (1, 0, [])
    session.refresh(team)
    assert (team.status, team.seats_taken, team.seats_filled) == (TeamStatus.COMPLETE, 1, 2)
    assert group_buys.may_ship(session, "order:1")


def test_staff_end_a_team(session, campaign):
    team = opened(session, campaign, 1, 2)

    assert group_buys.fail(session, team.id, now=NOON) == ["order:1", "order:2"]
    assert group_buys.fail(session, team.id, now=NOON) is None
    assert (team.status, team.fail_reason) == (TeamStatus.FAILED, FailReason.STOPPED)
    assert seat(session, 2).refund_reason is RefundReason.STOPPED
    whole = opened(session, campaign, 4, 5, 6)
    assert group_buys.fail(session, whole.id, now=NOON) is None


def test_money_is_back_once(session, campaign):
    team = opened(session, campaign, 1)
    back = {"source": "order:1", "now": LATER}

    assert not group_buys.refunded(session, **back), "nobody is to be refunded"
    group_buys.fail(session, team.id, now=NOON)
    assert group_buys.refunded(session, **back)
    assert not group_buys.refunded(session, **back)
    assert (seat(session, 1).status, seat(session, 1).refunded_at) == (SeatStatus.REFUNDED, LATER)


def test_who_took_a_seat_next_leads_the_team_when_its_opener_leaves(session, campaign):
    team = opened(session, campaign, 1)
    hold(session, campaign, 2, team=team)
    hold(session, campaign, 3, team=team)
    pay(session, 3, now=NOON + MINUTE)

    assert leave(session, 1)
    assert (team.opener_id, team.status, team.seats_taken) == (3, TeamStatus.OPEN, 1)
    gone = seat(session, 1)
    assert (gone.status, gone.refund_reason) == (SeatStatus.REFUNDING, RefundReason.LEFT)
    assert not leave(session, 1)
    hold(session, campaign, 1, team=team, source="order:again")
    assert pay(session, 2).team is team


def test_the_opener_stays_when_another_leaves(session, campaign):
    team = opened(session, campaign, 1, 2)

    assert leave(session, 2)
    assert (team.opener_id, team.seats_taken, team.seats_left) == (1, 1, 2)


def test_a_team_that_everybody_left_fails(session, campaign):
    team = opened(session, campaign, 1)
    hold(session, campaign, 2, team=team)

    assert leave(session, 1)
    assert (team.status, team.fail_reason) == (TeamStatus.FAILED, FailReason.DESERTED)
    assert pay(session, 2).team is not team


def test_a_complete_team_stays_complete_and_what_failed_is_not_left(session, campaign):
    whole = opened(session, campaign, 4, 5, 6)
    failed = opened(session, campaign, 1)
    group_buys.fail(session, failed.id, now=NOON)

    assert not leave(session, 4)
    assert not leave(session, 1)
    assert not leave(session, 77), "an order without a seat"
    assert (whole.status, whole.seats_taken) == (TeamStatus.COMPLETE, 3)
    assert seat(session, 4).status is SeatStatus.TAKEN


def test_an_order_is_shipped_when_its_team_is_complete(session, campaign):
    team = opened(session, campaign, 1, 2)
    hold(session, campaign, 3, team=team)
    sources = [f"order:{member_id}" for member_id in (1, 2, 3, 77)]

    assert group_buys.awaiting(session, sources) == set(sources[:3])
    assert not group_buys.may_ship(session, "order:1")
    pay(session, 3)
    assert group_buys.awaiting(session, sources) == set()
    assert group_buys.may_ship(session, "order:77"), "it has no team to wait for"
