"""Payments: in time, and what becomes of those that come too late."""

from datetime import timedelta

import pytest

from promotions import group_buys
from promotions.group_buys import Late, Outcome, RefundReason, SeatStatus, TeamStatus
from promotions.group_buys.verify import verify
from promotions.states import CampaignStatus
from tests.builders.group_buys import hold, make_group_buy, new_number, opened, pay
from tests.builders.promotions import NOON

MINUTE = timedelta(minutes=1)
LATER = NOON + 60 * MINUTE
LATE_ONE = "order:late"


@pytest.fixture(autouse=True)
def proven(session):
    yield
    assert list(verify(session)) == []


def seat(session, source=LATE_ONE):
    return group_buys.seat_of(session, source)


def full(session, campaign):
    """A full team of members 1 and 2, for which member 9 has ordered as well."""
    team = opened(session, campaign, 1)
    hold(session, campaign, 9, team=team, source=LATE_ONE)
    hold(session, campaign, 2, team=team)
    pay(session, 2)
    return team


def pair(session, **terms):
    return make_group_buy(session, team_size=2, seats="first_paid", **terms)


def test_the_last_payment_completes_the_team(session):
    campaign = make_group_buy(session)
    team = opened(session, campaign, 1, 2)
    hold(session, campaign, 3, team=team)

    last = pay(session, 3, now=NOON + MINUTE)

    assert (last.outcome, last.is_new, last.completes) == (Outcome.TAKEN, True, True)
    assert (team.status, team.settled_at) == (TeamStatus.COMPLETE, NOON + MINUTE)
    assert team.seats_left == 0
    assert not pay(session, 3).completes, "said before"


def test_a_payment_told_twice_counts_once(session):
    team = opened(session, make_group_buy(session), 1)

    again = pay(session, 1)

    assert (again.outcome, again.team, again.is_new) == (Outcome.TAKEN, team, False)
    assert team.seats_taken == 1


def test_an_order_without_a_seat_takes_none(session):
    nothing = group_buys.take_seat(session, source="order:X", spare_no=new_number(), now=NOON)

    assert nothing is None


def test_who_pays_too_late_joins_the_oldest_team_with_room(session):
    campaign = pair(session)
    was = full(session, campaign)
    opened(session, campaign, 3, 4)
    opened(session, make_group_buy(session), 5)
    younger = opened(session, campaign, 6, now=NOON + 3 * MINUTE)
    older = opened(session, campaign, 7, now=NOON + 2 * MINUTE)
    opened(session, campaign, 9, now=NOON + MINUTE)

    late = pay(session, LATE_ONE, now=NOON + 4 * MINUTE)

    assert (late.outcome, late.team) == (Outcome.MOVED, older), (
        "not their own, not one that is full"
    )
    assert late.completes
    assert (younger.seats_taken, was.seats_held, older.seats_held) == (1, 0, 0)
    moved = seat(session)
    assert (moved.status, moved.late_reason) == (SeatStatus.TAKEN, Late.FULL)
    assert (moved.team_id, moved.held_team_id) == (older.id, was.id)
    assert pay(session, LATE_ONE)[:] == (Outcome.MOVED, older, False)


def test_a_seat_that_is_promised_is_not_given_to_who_pays_late(session):
    campaign = make_group_buy(session, team_size=2)
    over = opened(session, campaign, 1)
    hold(session, campaign, 9, team=over, source=LATE_ONE)
    promised = opened(session, campaign, 2, now=NOON + MINUTE)
    hold(session, campaign, 3, team=promised, now=NOON + MINUTE)

    late = pay(session, LATE_ONE, now=LATER)

    assert (late.outcome, seat(session).late_reason) == (Outcome.OPENED, Late.OVER)


def test_who_is_overtaken_by_another_late_payment_tries_the_next_team(session, monkeypatch):
    campaign = pair(session)
    full(session, campaign)
    taken = opened(session, campaign, 3)
    free = opened(session, campaign, 4)
    join = group_buys.taking.moves.join

    def overtaken(of, team_id, *more):
        if team_id == taken.id and taken.status is TeamStatus.OPEN:
            hold(session, campaign, 5, team=taken)
            pay(session, 5)
        return join(of, team_id, *more)

    monkeypatch.setattr(group_buys.taking.moves, "join", overtaken)

    assert pay(session, LATE_ONE).team is free


@pytest.mark.parametrize("rule", ["join", "open"])
def test_money_that_comes_too_late_opens_a_team(session, rule):
    campaign = pair(session, when_late=rule)
    was = full(session, campaign)
    if rule == "open":
        opened(session, campaign, 3)

    late = pay(session, LATE_ONE, now=NOON + MINUTE)

    assert (late.outcome, late.team.opener_id) == (Outcome.OPENED, 9)
    assert (late.team.status, late.team.opened_at) == (TeamStatus.OPEN, NOON + MINUTE)
    assert (late.team.seats_taken, late.team.seats_held, was.seats_held) == (1, 0, 0)
    assert (late.team.size, late.team.when_late) == (2, rule)


def test_money_that_comes_too_late_goes_back_where_that_is_the_rule(session):
    campaign = pair(session, when_late="refund")
    was = full(session, campaign)
    opened(session, campaign, 3)

    late = pay(session, LATE_ONE)

    assert late == (Outcome.TO_REFUND, was, True)
    assert not pay(session, LATE_ONE).is_new
    lost = seat(session)
    assert (lost.status, lost.refund_reason) == (SeatStatus.REFUNDING, RefundReason.LATE)


@pytest.mark.parametrize("how", ["paused", "over"])
def test_nobody_opens_a_team_that_nobody_could_join(session, how):
    campaign = pair(session, ends_at=LATER)
    full(session, campaign)
    if how == "paused":
        campaign.status = CampaignStatus.PAUSED

    late = pay(session, LATE_ONE, now=LATER if how == "over" else NOON)

    assert late.outcome is Outcome.TO_REFUND


def test_the_teams_of_a_paused_campaign_live_on(session):
    campaign = make_group_buy(session, team_size=2)
    team = opened(session, campaign, 1)
    hold(session, campaign, 2, team=team)
    campaign.status = CampaignStatus.PAUSED

    assert pay(session, 2).completes


def test_a_team_ends_with_its_campaign(session):
    campaign = make_group_buy(session, ends_at=NOON + 30 * MINUTE)
    team = opened(session, campaign, 1)
    never = hold(session, campaign, 9, source=LATE_ONE)

    assert team.ends_at == NOON + 30 * MINUTE
    late = pay(session, LATE_ONE, now=NOON + 30 * MINUTE)
    assert (late.outcome, seat(session).late_reason) == (Outcome.TO_REFUND, Late.OVER)
    assert (never.status, never.fail_reason) == (TeamStatus.FAILED, "never_opened")


def test_money_for_a_team_that_failed_is_late(session):
    campaign = make_group_buy(session)
    team = opened(session, campaign, 1)
    hold(session, campaign, 9, team=team, source=LATE_ONE)
    group_buys.fail(session, team.id, now=NOON)

    assert pay(session, LATE_ONE).outcome is Outcome.OPENED
    assert seat(session).late_reason is Late.FAILED


def test_an_opener_whose_team_was_stopped_opens_another_among_newcomers(session):
    campaign = make_group_buy(session, newcomers_only=True)
    opened(session, campaign, 1)
    stopped = hold(session, campaign, 9, source=LATE_ONE)
    group_buys.fail(session, stopped.id, now=NOON)

    assert pay(session, LATE_ONE).outcome is Outcome.OPENED, "who is not new cannot join"


def test_who_gave_everything_back_gets_the_money_back(session):
    campaign = make_group_buy(session)
    team = opened(session, campaign, 1)
    hold(session, campaign, 9, team=team, source=LATE_ONE)
    group_buys.release_seat(session, source=LATE_ONE, now=NOON)

    late = pay(session, LATE_ONE)

    assert (late.outcome, late.team, team.seats_held) == (Outcome.TO_REFUND, team, 0)
    assert seat(session).late_reason is Late.RELEASED


@pytest.mark.parametrize("is_noticed", [False, True])
def test_nobody_is_late_for_a_team_whose_end_completes_it(session, is_noticed):
    campaign = make_group_buy(session, auto_complete=True)
    team = opened(session, campaign, 1)
    hold(session, campaign, 9, team=team, source=LATE_ONE)
    if is_noticed:
        group_buys.expire_due(session, now=LATER, limit=9)
        session.refresh(team)
        assert team.seats_filled == 2

    late = pay(session, LATE_ONE, now=LATER + MINUTE)

    assert (late.outcome, late.team, late.completes) == (Outcome.TAKEN, team, is_noticed)
    assert (team.seats_taken, team.seats_held, team.seats_filled) == (2, 0, int(is_noticed))
