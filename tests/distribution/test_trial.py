"""The trial balance of each day: exact, once, in order, and honest about what came late."""

import threading
from collections import defaultdict
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.core.db import db
from distribution import verify
from distribution.ledger import as_of, horizon
from distribution.reports import trial
from tests.builders.distribution import make_chain, make_rules, pay
from tests.distribution.history import START, History, day_of, end_of, volumes

FIRST = day_of(START)


def close(session, day, *, now=None):
    ends_at = end_of(day)
    closed = trial.close(session, day=day, ends_at=ends_at, now=now or ends_at)
    session.commit()
    return closed


def close_all(session, until):
    day = day_of(trial.open_since(session))
    while day <= until:
        assert close(session, day)
        day += timedelta(days=1)


def told(session):
    return {day.day: (day, balances) for day, balances in trial.days(session, limit=100)}


class TestExactness:
    @pytest.mark.parametrize("seed", [1, 2, 3])
    def test_every_day_is_what_its_entries_add_up_to(self, session, seed):
        history = History(session, seed).run(60)

        close_all(session, day_of(history.now))

        days = told(session)
        assert len(days) == (max(days) - min(days)).days + 1
        for day, (row, balances) in days.items():
            until, before = volumes(session, until=day), volumes(session, until=day - timedelta(1))
            assert row.late_postings == 0
            for each in balances:
                assert (each.debited_fen, each.credited_fen) == until[each.kind]
                assert (
                    each.day_debited_fen + before[each.kind][0],
                    each.day_credited_fen + before[each.kind][1],
                ) == until[each.kind]
            assert row.amount_fen == sum(each.day_debited_fen for each in balances)
            assert row.amount_fen == sum(each.day_credited_fen for each in balances)
        assert list(verify.verify(session)) == []

    @pytest.mark.parametrize("seed", [4, 5])
    def test_every_day_is_what_as_of_says_of_its_last_moment(self, session, seed):
        history = History(session, seed).run(60)
        close_all(session, day_of(history.now))

        for day, (row, balances) in told(session).items():
            moment = row.ends_at - timedelta(microseconds=1)
            held = defaultdict(int)
            owners = as_of.balances(session, effective=moment, recorded=moment)
            for kinds in owners.values():
                for kind, fen in kinds.items():
                    held[kind] += fen
            assert {each.kind: each.balance_fen for each in balances} == {
                each.kind: held[each.kind] for each in balances
            }, day

    def test_days_are_counted_posting_by_posting(self, session):
        history = History(session, 6).run(40)
        close_all(session, day_of(history.now))

        counted = session.execute(
            text("SELECT sum(postings) AS postings, sum(entries) AS entries FROM trial_day")
        ).one()
        there = session.execute(
            text("SELECT (SELECT count(*) FROM posting), (SELECT count(*) FROM entry)")
        ).one()
        assert tuple(map(int, counted)) == tuple(there)

    def test_a_shop_that_never_posted_has_no_days(self, session):
        assert trial.open_since(session) is None
        assert trial.days(session) == []

    def test_a_quiet_day_has_balances_and_no_movement(self, session):
        make_rules(session)
        make_chain(session, 1, 2, 3)
        pay(session, buyer_id=1, now=START)
        session.commit()

        close_all(session, FIRST + timedelta(days=1))

        row, balances = told(session)[FIRST + timedelta(days=1)]
        assert (row.postings, row.entries, row.amount_fen) == (0, 0, 0)
        assert {each.kind: each.balance_fen for each in balances}["frozen"] == 1500


class TestOrder:
    @pytest.fixture(autouse=True)
    def posted(self, session):
        make_rules(session)
        make_chain(session, 1, 2, 3)
        pay(session, buyer_id=1, now=START)
        session.commit()

    def test_a_day_is_closed_once(self, session):
        assert close(session, FIRST)
        assert not close(session, FIRST)
        assert len(trial.days(session)) == 1

    def test_a_day_that_is_not_over_is_not_closed(self, session):
        with pytest.raises(ValueError, match="ends at"):
            close(session, FIRST, now=end_of(FIRST) - timedelta(seconds=1))

    def test_no_day_is_left_out(self, session):
        close(session, FIRST)

        with pytest.raises(ValueError, match="does not follow"):
            close(session, FIRST + timedelta(days=2))

    def test_nobody_closes_while_somebody_writes_for_too_long(self, session, monkeypatch):
        monkeypatch.setattr(horizon, "PATIENCE_SECONDS", 0.05)
        with Session(db.engine) as other:
            pay(other, buyer_id=1, order="order:2", now=START)
            assert not close(session, FIRST)
            other.rollback()

        assert close(session, FIRST)

    @pytest.mark.race
    def test_of_many_who_close_one_does(self, app, session):
        closed = []

        def run():
            with app.app_context(), Session(db.engine) as own:
                closed.append(close(own, FIRST))

        with app.app_context():
            threads = [threading.Thread(target=run) for _ in range(6)]
            for each in threads:
                each.start()
            for each in threads:
                each.join()

        assert sorted(closed) == [False] * 5 + [True]

    def test_what_comes_late_is_counted_by_the_next_day_and_told(self, session):
        close(session, FIRST)
        pay(session, buyer_id=1, order="order:2", now=START + timedelta(minutes=1))
        pay(session, buyer_id=1, order="order:3", now=START + timedelta(days=1))
        session.commit()

        close(session, FIRST + timedelta(days=1))
        close(session, FIRST + timedelta(days=2))

        rows = [row for row, _ in reversed(trial.days(session))]
        assert [(row.postings, row.late_postings) for row in rows] == [(1, 0), (2, 1), (0, 0)]
        assert list(verify.verify(session)) == []

    def test_what_is_recorded_for_tomorrow_is_left_to_tomorrow(self, session):
        pay(session, buyer_id=1, order="order:2", now=START + timedelta(days=1))
        pay(session, buyer_id=1, order="order:3", now=START + timedelta(minutes=1))
        session.commit()

        close_all(session, FIRST + timedelta(days=1))

        rows = [row for row, _ in reversed(trial.days(session))]
        assert [(row.postings, row.late_postings) for row in rows] == [(2, 0), (1, 0)]

    def test_pages_go_back_in_time(self, session):
        close_all(session, FIRST + timedelta(days=3))

        (latest, _), (second, _) = trial.days(session, limit=2)
        (third, _), *_ = trial.days(session, before=second.day, limit=2)

        assert [latest.day, second.day, third.day] == [
            FIRST + timedelta(days=days) for days in (3, 2, 1)
        ]


class TestProof:
    @pytest.fixture(autouse=True)
    def closed(self, session):
        make_rules(session)
        make_chain(session, 1, 2, 3)
        pay(session, buyer_id=1, now=START)
        pay(session, buyer_id=1, order="order:2", now=START + timedelta(days=1))
        session.commit()
        close_all(session, FIRST + timedelta(days=2))

    @pytest.mark.parametrize(
        "change",
        [
            "UPDATE trial_balance SET credited_fen = credited_fen + 1 WHERE kind = 'frozen'",
            "UPDATE trial_day SET amount_fen = amount_fen + 1",
            "DELETE FROM trial_balance WHERE kind = 'expense'",
            "DELETE FROM trial_day WHERE day = (SELECT min(day) + 1 FROM trial_day)",
        ],
    )
    def test_finds_a_changed_day(self, session, change):
        session.execute(text("SET LOCAL session_replication_role = replica"))
        session.execute(text(change))

        assert "ledger.trial_balance" in {each.rule for each in verify.verify(session)}

    @pytest.mark.parametrize("table", ["trial_day", "trial_balance"])
    def test_a_closed_day_cannot_be_changed(self, session, table):
        with pytest.raises(DBAPIError, match="append-only"):
            session.execute(text(f"DELETE FROM {table}"))
        session.rollback()
