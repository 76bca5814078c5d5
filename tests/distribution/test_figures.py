"""What each distributor earned by day, week and month is what the history says, at any moment."""

from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, text
from sqlalchemy.orm import Session

from distribution import queries, verify
from distribution.figures import days, periods, ranking, rolling
from distribution.figures.days import Unit
from distribution.figures.models import Period, RolledTo
from distribution.figures.periods import Figures
from distribution.ledger import horizon
from tests.builders.distribution import (
    NOON,
    bind,
    make_chain,
    make_rules,
    mature,
    pay,
    refund,
    withdraw,
)
from tests.distribution.history import day_of

LEAST_WITHDRAWN = 100
TODAY = day_of(NOON)
EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["pay", "refund", "mature", "withdraw", "roll up"]),
        st.integers(0, 3),
        st.integers(0, 70),
        st.integers(1, 10_000),
    ),
    max_size=14,
)
HISTORY = text(
    """
    SELECT entry.posting_id, entry.member_id, debit.kind AS debit, credit.kind AS credit,
           entry.amount_fen, effective_at, buyer_id
    FROM entry JOIN posting ON posting.id = posting_id
    JOIN account AS debit ON debit.id = debit_account_id
    JOIN account AS credit ON credit.id = credit_account_id
    LEFT JOIN commission ON commission.id = commission_id
    """
)


def day(number):
    """Some hour of the day that many days before NOON, never in order of time."""
    return NOON - timedelta(days=70 - number, hours=number * 7 % 24)


def play(session, events):
    """Do what is asked on the days given, with roll-ups between."""
    make_rules(session)
    make_chain(session, 1, 2, 3)
    refunded = {}
    for number, (what, order, when, fen) in enumerate(events):
        name, now = f"order:{order}", day(when)
        if what == "pay":
            pay(session, buyer_id=1 + order % 2, order=name, paid_fen=(9_000, 1_000), now=now)
        elif what == "refund":
            refunded[name] = max(refunded.get(name, 0), fen * 9 // 10)
            source = f"refund:{number}"
            refund(session, total_fen=refunded[name], order=name, source=source, now=now)
        elif what == "mature":
            mature(session, order=name, now=now)
        elif what == "withdraw":
            available = queries.summary(session, 2).available_fen
            if (amount_fen := min(fen, available)) >= LEAST_WITHDRAWN:
                withdraw(session, member_id=2, amount_fen=amount_fen, now=now)
        else:
            assert not rolling.roll_up(session, now=now)


def reference(history, member_id, first, last):
    """The figures of one distributor from day to day, added up entry by entry."""
    made, orders = Counter(), set()
    for row in history:
        china = (row.effective_at.astimezone(UTC) + timedelta(hours=8)).date()
        if row.member_id != member_id or not first <= china <= last:
            continue
        fen = row.amount_fen
        made["earned_fen"] += fen * (row.debit == "expense")
        made["clawed_fen"] += fen * (row.credit == "expense")
        made["matured_fen"] += fen * (
            (row.debit, row.credit[:2]) in {("frozen", "av"), ("frozen", "re")}
        )
        for kind, sign in ((row.debit, -1), (row.credit, 1)):
            made[f"{kind}_fen"] += fen * (-sign if kind == "receivable" else sign)
        if row.debit == "expense":
            orders.add(row.posting_id)
    names = set(Figures.__slots__) & set(made)
    return Figures(orders=len(orders), **{name: made[name] for name in names})


def check(session):
    history = session.execute(HISTORY).all()
    for member_id in (2, 3):
        found = periods.current(session, member_id, today=TODAY)
        week = ranking.own(session, Unit.WEEK, member_id, today=TODAY)
        assert found == {
            Unit.DAY: reference(history, member_id, TODAY, TODAY),
            Unit.MONTH: reference(history, member_id, TODAY.replace(day=1), TODAY),
            Unit.TOTAL: reference(history, member_id, date.min, date.max),
        }
        closing = Figures()
        for bill in periods.bills(session, member_id):
            last = days.last_day(Unit.MONTH, bill.month)
            assert bill.opening == closing
            assert bill.moved == reference(history, member_id, bill.month, last)
            closing = bill.closing
            moved = bill.moved
            assert bill.closing.net_fen == bill.opening.net_fen + (
                moved.earned_fen - moved.clawed_fen - moved.withdrawn_fen + moved.adjusted_fen
            )
        assert closing == found[Unit.TOTAL]
        summary = queries.summary(session, member_id)
        assert (summary.frozen_fen, summary.available_fen, summary.receivable_fen) == (
            closing.frozen_fen, closing.available_fen, closing.receivable_fen,
        )  # fmt: skip
        assert week is None or week.net_fen > 0


@pytest.mark.slow
@given(events=EVENTS)
@settings(max_examples=12, suppress_health_check=list(HealthCheck), deadline=None)
def test_figures_are_the_history_whatever_is_rolled_up(session, events):
    try:
        play(session, events)
        check(session)
        rolling.roll_up(session, now=NOON)
        check(session)
        assert list(verify.verify(session)) == []
    finally:
        session.rollback()


@given(events=EVENTS)
@settings(max_examples=12, suppress_health_check=list(HealthCheck), deadline=None)
def test_what_each_person_brought_is_what_their_orders_brought(session, events):
    try:
        play(session, events)
        brought = defaultdict(Counter)
        for row in session.execute(HISTORY):
            person = brought[row.member_id, row.buyer_id]
            person["earned_fen"] += row.amount_fen * (row.debit == "expense")
            person["clawed_fen"] += row.amount_fen * (row.credit == "expense")
        for upline_id, level, member_id in ((2, 1, 1), (3, 1, 2), (3, 2, 1)):
            wanted = queries.TeamWanted(level)
            (shown,) = queries.team_page(session, upline_id, wanted=wanted)
            person = brought[upline_id, member_id]
            assert shown.member_id == member_id
            assert (shown.earned_fen, shown.clawed_fen) == (
                person["earned_fen"], person["clawed_fen"],
            )  # fmt: skip
    finally:
        session.rollback()


@pytest.fixture
def other_session(session):
    """A session on a connection of its own, for what somebody else does at the same moment."""
    with Session(session.get_bind()) as other:
        yield other
        other.rollback()


class TestDays:
    def test_a_day_begins_at_midnight_in_china(self):
        late = datetime(2026, 11, 10, 16, tzinfo=UTC)

        assert days.starts_at(date(2026, 11, 11)) == late
        assert days.ends_at(date(2026, 11, 10)) == late

    @pytest.mark.parametrize(
        ("unit", "first", "last"),
        [
            (Unit.DAY, date(2026, 2, 28), date(2026, 2, 28)),
            (Unit.WEEK, date(2026, 2, 23), date(2026, 3, 1)),
            (Unit.MONTH, date(2026, 2, 1), date(2026, 2, 28)),
        ],
    )
    def test_a_period_is_the_one_around_a_day(self, unit, first, last):
        assert days.first_day(unit, date(2026, 2, 28)) == first
        assert days.last_day(unit, first) == last

    def test_all_days_together_have_no_last_one(self):
        assert days.first_day(Unit.TOTAL, TODAY) == days.EVER
        with pytest.raises(ValueError, match="no last"):
            days.last_day(Unit.TOTAL, days.EVER)


class TestRollingUp:
    def test_goes_on_where_it_ended_and_twice_adds_nothing(self, session):
        make_rules(session)
        bind(session, member_id=1, upline_id=2)
        pay(session, buyer_id=1)
        assert not rolling.roll_up(session, now=NOON)
        before = session.execute(Period.__table__.select()).all()

        assert not rolling.roll_up(session, now=NOON)

        assert session.execute(Period.__table__.select()).all() == before
        assert len(before) == len(Unit)

    def test_covers_so_many_postings_at_a_time_and_says_when_there_are_more(
        self, session, monkeypatch
    ):
        make_rules(session)
        make_chain(session, 1, 2, 3)
        rolling.roll_up(session, now=NOON)
        for number in range(5):
            pay(session, buyer_id=1, order=f"order:{number}", paid_fen=(1_000, 2_000))
        monkeypatch.setattr(rolling, "MOST", 2)

        steps = []
        while rolling.roll_up(session, now=NOON):
            found = periods.current(session, 2, today=TODAY)[Unit.DAY]
            steps.append((found.orders, found.earned_fen))

        assert set(steps) == {(5, 1_500)}
        assert len(steps) >= 2
        assert ranking.own(session, Unit.DAY, 2, today=TODAY) == (1, 2, 5, 1_500)

    def test_leaves_what_somebody_is_still_writing_for_later(
        self, session, other_session, monkeypatch
    ):
        monkeypatch.setattr(horizon, "PATIENCE_SECONDS", 0.1)
        make_rules(session)
        for buyer_id, upline_id in ((1, 2), (3, 4)):
            bind(session, member_id=buyer_id, upline_id=upline_id)
        session.commit()
        pay(other_session, buyer_id=3, order="order:late")
        pay(session, buyer_id=1, order="order:early")
        session.commit()

        assert not rolling.roll_up(session, now=NOON)
        session.commit()
        assert ranking.own(session, Unit.DAY, 2, today=TODAY) is None
        assert periods.current(session, 2, today=TODAY)[Unit.DAY].earned_fen == 1_000

        other_session.commit()
        assert not rolling.roll_up(session, now=NOON)
        assert [ranking.own(session, Unit.DAY, each, today=TODAY).rank for each in (2, 4)] == [1, 1]
        assert list(verify.verify(session)) == []

    @pytest.mark.parametrize(
        ("change", "rule"),
        [
            ("distributor_period SET orders = 7 WHERE unit = 'day'", "periods_are_the_history"),
            (
                "distributor_period SET starts_on = starts_on - 7 WHERE unit = 'week'",
                "periods_are_the_history",
            ),
            (
                "distributor_period SET last_entry_id = first_entry_id - 1 WHERE unit = 'day'",
                "periods_are_the_history",
            ),
            ("team_place SET orders = 9", "people_are_the_history"),
            ("period_rollup SET entry_id = entry_id + 9", "tail_is_after_the_roll_up"),
        ],
    )
    def test_the_proof_finds_what_is_not_the_history(self, session, change, rule):
        make_rules(session)
        bind(session, member_id=1, upline_id=2)
        pay(session, buyer_id=1)
        rolling.roll_up(session, now=NOON)
        pay(session, buyer_id=1, order="order:2")

        session.execute(text(f"UPDATE {change}"))

        assert {breach.rule for breach in verify.verify(session)} == {f"figures.{rule}"}

    def test_nothing_is_rolled_up_of_an_empty_ledger(self, session):
        assert not rolling.roll_up(session, now=NOON)
        session.execute(delete(RolledTo))
        assert ranking.as_of(session) is None
        assert periods.bills(session, 2) == []


class TestRanking:
    def test_goes_by_what_was_earned_and_equal_amounts_share_a_rank(self, session):
        make_rules(session, levels=1)
        for buyer, upline, fen in ((1, 11, 5_000), (2, 12, 9_000), (3, 13, 5_000), (4, 14, 100)):
            bind(session, member_id=buyer, upline_id=upline)
            pay(session, buyer_id=buyer, order=f"order:{buyer}", paid_fen=(fen,))
        refund(session, total_fen=100, order="order:4")
        rolling.roll_up(session, now=NOON)

        found = ranking.top(session, Unit.WEEK, today=TODAY)

        assert [(each.rank, each.member_id, each.net_fen) for each in found] == [
            (1, 12, 900), (2, 11, 500), (2, 13, 500),
        ]  # fmt: skip
        assert ranking.own(session, Unit.WEEK, 13, today=TODAY).rank == 2
        assert ranking.own(session, Unit.WEEK, 14, today=TODAY) is None
        assert ranking.top(session, Unit.WEEK, today=TODAY + timedelta(7)) == []
        assert ranking.as_of(session) == NOON
