"""The database: one transaction at the edge, all of it or nothing; moments know their zone."""

from datetime import UTC, datetime, timedelta, timezone

import psycopg
import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from app.core.auth import AuthSession
from app.core.db import UtcDateTime, db, read, transaction
from tests.conftest import plain

CHINA = timezone(timedelta(hours=8))


def signed_in(now):
    return AuthSession(audience="shopper", subject_id=1, created_at=now, expires_at=now)


class TestTransaction:
    def test_commits_what_was_done_in_it(self, session, now):
        with transaction() as opened:
            opened.add(signed_in(now))

        session.rollback()
        assert session.scalar(select(func.count(AuthSession.id))) == 1

    def test_leaves_nothing_of_what_failed_half_way(self, session, now):
        def fail_half_way():
            with transaction() as opened:
                opened.add(signed_in(now))
                opened.flush()
                raise KeyError

        with pytest.raises(KeyError):
            fail_half_way()

        assert session.scalar(select(func.count(AuthSession.id))) == 0

    def test_hides_the_parameters_of_a_statement_that_failed(self, session, now):
        session.add(AuthSession(audience=None, subject_id=13812345678, created_at=now))

        with pytest.raises(IntegrityError) as caught:
            session.flush()

        session.rollback()
        assert "hidden" in str(caught.value)
        assert "subject_id" in str(caught.value)

    def test_does_not_nest_and_the_outer_one_goes_on_to_fail(self, session, now):
        def nest():
            with transaction() as opened:
                opened.add(signed_in(now))
                with transaction():
                    pass

        with pytest.raises(RuntimeError, match="does not nest"):
            nest()

        assert session.scalar(select(func.count(AuthSession.id))) == 0
        with transaction():
            pass  # It is over: another may begin.

    def test_ends_the_read_that_a_guard_began(self, session, now):
        read().scalar(select(func.count(AuthSession.id)))

        with transaction() as opened:
            assert opened is read()
            opened.add(signed_in(now))

        assert read().scalar(select(func.count(AuthSession.id))) == 1


class TestMoments:
    def test_come_back_in_utc_whatever_zone_they_were_given_in(self, session):
        noon = datetime(2026, 11, 11, 12, tzinfo=CHINA)
        session.add(signed_in(noon))
        session.flush()
        session.expire_all()

        created_at = session.scalar(select(AuthSession.created_at))

        assert created_at == noon
        assert created_at.tzinfo is UTC

    def test_without_a_zone_are_refused(self):
        naive = datetime(2026, 11, 11, 12, tzinfo=UTC).replace(tzinfo=None)

        with pytest.raises(ValueError, match="naive"):
            UtcDateTime().process_bind_param(naive, None)


def test_a_connection_that_postgresql_closed_while_idle_is_replaced(app, database_url):
    with app.app_context():
        db.engine.dispose()  # Of several idle ones the pool would lend another.
        db.session.execute(text("SELECT 1"))
        ours = db.session.scalar(text("SELECT pg_backend_pid()"))
        db.session.remove()
    with psycopg.connect(plain(database_url), autocommit=True) as another:
        another.execute("SELECT pg_terminate_backend(%s, 5000)", [ours])

    with app.app_context():
        assert db.session.scalar(text("SELECT pg_backend_pid()")) != ours
