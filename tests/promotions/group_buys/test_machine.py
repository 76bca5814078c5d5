"""Open, join, pay, pay late, cancel, leave, expire in any order: the engine does as the model."""

from datetime import timedelta

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import select

from promotions import group_buys
from promotions.group_buys import BuyingTeam, CannotJoin, TeamSeat
from promotions.group_buys.verify import verify
from promotions.states import CampaignStatus
from tests.builders.group_buys import hold, make_group_buy, pay
from tests.builders.machines import live
from tests.builders.promotions import NOON
from tests.promotions.group_buys.model import Shop

MEMBER = st.integers(1, 5)
MINUTES = 10
ENDS = {"taken", "moved", "opened", "to_refund"}


class Teams(RuleBasedStateMachine):
    """One campaign in one transaction that is never committed."""

    def __init__(self, session):
        super().__init__()
        self.session = session
        self.now = 0
        self.orders = 0

    @initialize(
        size=st.integers(2, 3),
        places=st.sampled_from(["held", "first_paid"]),
        when_late=st.sampled_from(["join", "join", "open", "refund"]),
        auto=st.sampled_from([False, False, True]),
        newcomers_only=st.sampled_from([False, False, True]),
    )
    def publish(self, size, places, when_late, auto, newcomers_only):
        self.campaign = make_group_buy(
            self.session,
            team_size=size,
            team_minutes=MINUTES,
            seats=places,
            when_late=when_late,
            auto_complete=auto,
            newcomers_only=newcomers_only,
        )
        self.shop = Shop(size, MINUTES, places, when_late, auto, newcomers_only)

    @property
    def moment(self):
        return NOON + timedelta(minutes=self.now)

    def row(self, team):
        rows = select(BuyingTeam).order_by(BuyingTeam.id).offset(team.number)
        return self.session.scalars(rows).first()

    def any(self, data, *statuses):
        wanted = [one for one in self.shop.seats if one.status in statuses]
        return data.draw(st.sampled_from(wanted)) if wanted else None

    @rule(minutes=st.sampled_from([1, 4, MINUTES]))
    def time_passes(self, minutes):
        self.now += minutes

    @rule(running=st.booleans())
    def pause_or_resume(self, running):
        self.shop.is_running = running
        self.campaign.status = CampaignStatus.PUBLISHED if running else CampaignStatus.PAUSED
        self.session.flush()

    @rule(member=MEMBER)
    def open(self, member):
        self.orders += 1
        source = f"order:{self.orders}"
        hold(self.session, self.campaign, member, source=source, now=self.moment)
        self.shop.open(source, member)

    @precondition(lambda self: self.shop.teams)
    @rule(data=st.data(), member=MEMBER, is_new=st.booleans())
    def join(self, data, member, is_new):
        team = data.draw(st.sampled_from(self.shop.teams))
        self.orders += 1
        source = f"order:{self.orders}"
        joined = self.shop.join(source, member, team, self.now, is_new=is_new)
        step = self.session.begin_nested()
        try:
            hold(
                self.session,
                self.campaign,
                member,
                team=self.row(team),
                source=source,
                is_newcomer=is_new,
                now=self.moment,
            )
        except CannotJoin:
            step.rollback()
            assert not joined
            return
        step.commit()
        assert joined

    @precondition(lambda self: self.shop.seats)
    @rule(data=st.data(), again=st.booleans())
    def pay(self, data, again):
        seat = self.any(data, "held") if not again else data.draw(st.sampled_from(self.shop.seats))
        if seat is None:
            return
        is_first = seat.end is None
        self.shop.paid_at.setdefault(seat.source, (self.now, int(seat.source.split(":")[1])))
        outcome = self.shop.pay(seat, self.now)
        taken = pay(self.session, seat.source, now=self.moment)
        assert (taken.outcome, taken.is_new) == (outcome, is_first)

    @precondition(lambda self: self.shop.seats)
    @rule(data=st.data())
    def cancel(self, data):
        seat = data.draw(st.sampled_from(self.shop.seats))
        done = group_buys.release_seat(self.session, source=seat.source, now=self.moment)
        assert done == self.shop.cancel(seat)

    @precondition(lambda self: self.shop.seats)
    @rule(data=st.data())
    def leave(self, data):
        seat = self.any(data, "taken", "refunding")
        if seat is not None:
            done = group_buys.leave(self.session, source=seat.source, now=self.moment)
            assert done == self.shop.leave(seat)

    @rule()
    def expire(self):
        ended = group_buys.expire_due(self.session, now=self.moment, limit=99)
        assert ended.sources == self.shop.expire(self.now)

    @precondition(lambda self: any(one.status in ("opening", "open") for one in self.shop.teams))
    @rule(data=st.data())
    def staff_end_a_team(self, data):
        running = [one for one in self.shop.teams if one.status in ("opening", "open")]
        team = data.draw(st.sampled_from(running))
        sources = group_buys.fail(self.session, self.row(team).id, now=self.moment)
        assert sources == self.shop.fail(team)

    @rule(data=st.data())
    def money_is_back(self, data):
        seat = self.any(data, "refunding")
        if seat is not None:
            seat.status = "refunded"
            assert group_buys.refunded(self.session, source=seat.source, now=self.moment)

    @invariant()
    def the_tables_say_what_the_model_says(self):
        self.session.expire_all()
        teams = self.session.scalars(select(BuyingTeam).order_by(BuyingTeam.id)).all()
        numbers = {team.id: number for number, team in enumerate(teams)}
        assert [(one.status, one.seats_filled) for one in teams] == [
            (one.status, one.nobody) for one in self.shop.teams
        ]
        assert [one.opener_id for one in teams if one.status in ("open", "complete")] == [
            one.opener for one in self.shop.teams if one.status in ("open", "complete")
        ]
        seats = self.session.scalars(select(TeamSeat).order_by(TeamSeat.id)).all()
        assert [
            (one.source, one.member_id, numbers[one.team_id], one.status, one.outcome)
            for one in seats
        ] == [
            (one.source, one.member, one.team.number, one.status, one.end)
            for one in self.shop.seats
        ]
        assert all(one.seats_taken + one.seats_filled <= one.size for one in teams)
        assert list(verify(self.session)) == []

    def teardown(self):
        """Let all time pass: then every paid seat has come to exactly one end."""
        self.now += MINUTES
        self.expire()
        for seat in self.shop.seats:
            assert (seat.end in ENDS) == (seat.status not in ("held", "released"))
            has_team = seat.status == "taken" and seat.team.status == "complete"
            assert seat.end is None or has_team != (seat.status in ("refunding", "refunded"))
        self.the_tables_say_what_the_model_says()
        self.session.rollback()


@pytest.mark.parametrize(
    ("examples", "steps"),
    [
        pytest.param(10, 25, marks=pytest.mark.slow),
        pytest.param(500, 50, marks=pytest.mark.soak),
    ],
)
def test_teams_live_as_the_model_says(session, examples, steps):
    live(session, lambda: Teams(session), lives=examples, steps=steps)
