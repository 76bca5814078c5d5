"""Each promise about teams, broken by hand, is reported."""

import pytest
from sqlalchemy import text

from promotions.group_buys.verify import verify
from tests.builders.group_buys import hold, make_group_buy, opened, pay


@pytest.fixture
def team(session):
    campaign = make_group_buy(session)
    team = opened(session, campaign, 1)
    hold(session, campaign, 2, team=team)
    opened(session, campaign, 3, 4, 5)
    session.flush()
    return team


def broken(session, *statements):
    for statement in statements:
        session.execute(text(statement))
    return [(breach.rule.removeprefix("group_buys."), breach.subject) for breach in verify(session)]


def without(session, *names):
    for name in names:
        session.execute(text(f"ALTER TABLE buying_team DROP CONSTRAINT ck_buying_team_{name}"))


def test_sound_teams_have_no_breach(session, team):
    assert list(verify(session)) == []


@pytest.mark.parametrize("column", ["seats_taken", "seats_held"])
def test_a_count_that_is_not_that_of_the_seats(session, team, column):
    found = broken(session, f"UPDATE buying_team SET {column} = 0 WHERE id = {team.id}")

    assert found == [("team_counts_its_seats", team.team_no)]


def test_a_team_that_is_larger_than_its_size(session, team):
    without(session, "seats_within_size", "held_within_size", "complete_is_full", "terms")
    hold_more = f"UPDATE buying_team SET size = 1 WHERE id = {team.id}"

    assert broken(session, hold_more) == [("team_within_size", team.team_no)]


def test_a_paid_seat_in_a_team_that_failed(session, team):
    found = broken(
        session,
        "UPDATE buying_team SET status = 'failed', fail_reason = 'expired', settled_at = now()"
        f" WHERE id = {team.id}",
    )

    assert found == [("paid_seat_has_one_end", "order:1")]


def test_a_team_led_by_somebody_who_is_not_in_it(session, team):
    found = broken(session, f"UPDATE buying_team SET opener_id = 2 WHERE id = {team.id}")

    assert found == [("opener_is_in_the_team", team.team_no)]


def test_a_payment_that_moved_to_another_campaign(session):
    campaign = make_group_buy(session, team_size=2, seats="first_paid")
    team = opened(session, campaign, 1)
    hold(session, campaign, 9, team=team)
    hold(session, campaign, 2, team=team)
    pay(session, 2)
    new = pay(session, 9).team
    other = make_group_buy(session)

    found = broken(session, f"UPDATE buying_team SET promotion_id = {other.id} WHERE id = {new.id}")
    assert found == [("moved_within_the_campaign", "order:9")]
