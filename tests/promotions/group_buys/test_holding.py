"""Seats of unpaid orders: who may open, who may join, and what is refused."""

from datetime import timedelta

import pytest

from promotions import group_buys
from promotions.group_buys import CannotJoin, NoGroupBuy, Refusal, SeatStatus, TeamStatus
from promotions.group_buys.verify import verify
from tests.builders.group_buys import hold, make_group_buy, opened, pay
from tests.builders.promotions import NOON, make_published

LATER = NOON + timedelta(hours=1)


@pytest.fixture
def campaign(session):
    return make_group_buy(session)


def release(session, member_id):
    return group_buys.release_seat(session, source=f"order:{member_id}", now=NOON)


def refused(session, campaign, team, member_id=9, *, now=NOON, **more):
    step = session.begin_nested()
    with pytest.raises(CannotJoin) as why:
        hold(session, campaign, member_id, team=team, now=now, **more)
    step.rollback()
    return why.value.refusal


def test_a_team_opens_when_its_opener_has_paid(session, campaign):
    team = hold(session, campaign, 1)

    assert (team.status, team.opener_id, team.seats_held) == (TeamStatus.OPENING, 1, 1)
    assert team.seats_left == 0
    assert refused(session, campaign, team) is Refusal.NOT_OPEN
    taken = pay(session, 1, now=LATER)
    assert (taken.team, team.status, team.seats_left) == (team, TeamStatus.OPEN, 2)
    assert (team.opened_at, team.ends_at) == (LATER, LATER + timedelta(minutes=60))


def test_an_order_is_asked_for_twice_and_holds_one_seat(session, campaign):
    team = hold(session, campaign, 1)

    assert hold(session, campaign, 1) is team
    assert team.seats_held == 1


def test_held_seats_are_promised(session, campaign):
    team = opened(session, campaign, 1)
    hold(session, campaign, 2, team=team)
    hold(session, campaign, 3, team=team)

    assert team.seats_left == 0
    assert refused(session, campaign, team) is Refusal.FULL
    assert release(session, 3)
    assert hold(session, campaign, 9, team=team).seats_held == 2
    assert list(verify(session)) == []


def test_where_the_first_who_pay_have_the_seats_anybody_may_order(session):
    campaign = make_group_buy(session, seats="first_paid", team_size=2)
    team = opened(session, campaign, 1)
    for member_id in (2, 3, 4):
        hold(session, campaign, member_id, team=team)

    assert (team.seats_held, team.seats_left) == (3, 1)
    pay(session, 4)
    assert (team.status, team.seats_held) == (TeamStatus.COMPLETE, 2)
    assert refused(session, campaign, team) is Refusal.COMPLETE


def test_one_member_has_one_live_seat_in_a_team(session, campaign):
    team = opened(session, campaign, 1)

    assert refused(session, campaign, team, 1, source="order:other") is Refusal.ALREADY_IN
    hold(session, campaign, 2, team=team)
    assert refused(session, campaign, team, 2, source="order:other") is Refusal.ALREADY_IN
    release(session, 2)
    hold(session, campaign, 2, team=team, source="order:other")
    assert group_buys.seat_of(session, "order:2").status is SeatStatus.RELEASED


def test_a_team_is_joined_in_its_own_campaign_only(session, campaign):
    other = make_group_buy(session)
    team = opened(session, other, 1)

    assert refused(session, campaign, team) is Refusal.NO_SUCH_TEAM
    with pytest.raises(NoGroupBuy):
        hold(session, make_published(session), 9)


def test_a_team_that_is_over_or_failed_cannot_be_joined(session, campaign):
    team = opened(session, campaign, 1)

    assert refused(session, campaign, team, now=LATER) is Refusal.OVER
    group_buys.fail(session, team.id, now=NOON)
    assert refused(session, campaign, team) is Refusal.OVER


def test_newcomers_only_join_where_old_members_bring_new_ones(session):
    campaign = make_group_buy(session, newcomers_only=True)
    team = opened(session, campaign, 1)

    assert refused(session, campaign, team) is Refusal.NEWCOMERS_ONLY
    assert hold(session, campaign, 9, team=team, is_newcomer=True) is team


def test_an_order_gives_its_seat_back_once(session, campaign):
    team = opened(session, campaign, 1)
    hold(session, campaign, 2, team=team)

    assert release(session, 2)
    assert not release(session, 2)
    assert not release(session, 1), "what is taken is not held"
    assert not release(session, 77), "an order without a seat"
    assert (team.seats_taken, team.seats_held, team.status) == (1, 0, TeamStatus.OPEN)


def test_a_team_whose_opener_never_pays_fails(session, campaign):
    team = hold(session, campaign, 1)

    assert release(session, 1)
    session.refresh(team)
    assert (team.status, team.fail_reason) == (TeamStatus.FAILED, "never_opened")
    assert (team.settled_at, team.seats_held) == (NOON, 0)
    assert list(verify(session)) == []


def test_a_place_that_goes_while_it_is_asked_for_is_refused_as_full(session, campaign, monkeypatch):
    team = opened(session, campaign, 1)
    monkeypatch.setattr(group_buys.holding.moves, "hold_place", lambda *_: None)

    assert refused(session, campaign, team) is Refusal.FULL
