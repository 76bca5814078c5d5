"""The queue: a job exists exactly if its transaction commits, and jobs may ask for more jobs."""

from datetime import timedelta

import pytest
from procrastinate import RetryStrategy
from sqlalchemy import text

from app.core import queue
from app.core.db import transaction

SEEN: list[int] = []


@queue.task("test.remember")
def remember(number: int) -> None:
    SEEN.append(number)


@queue.task("test.delegate")
def delegate(number: int) -> None:
    with transaction() as session:
        queue.defer(session, "test.remember", number=number)


def test_a_job_exists_exactly_if_its_transaction_commits(app, run_jobs):
    SEEN.clear()
    with app.app_context():
        try:
            with transaction() as session:
                queue.defer(session, "test.remember", number=1)
                raise KeyError
        except KeyError:
            pass
        with transaction() as session:
            queue.defer(session, "test.remember", number=2)
            queue.defer(session, "test.remember", number=3, queueing_lock="one")
            queue.defer(session, "test.remember", number=4, queueing_lock="one")

    run_jobs()

    assert SEEN == [2, 3]


def test_a_job_may_ask_for_another(app, run_jobs):
    SEEN.clear()
    with app.app_context(), transaction() as session:
        queue.defer(session, "test.delegate", number=5)

    run_jobs()

    assert SEEN == [5]


@queue.task("test.fail", retry=RetryStrategy(max_attempts=1, wait=0))
def fail() -> None:
    SEEN.append(-1)
    raise KeyError("no luck")


@queue.task("test.hopeless")
def hopeless() -> None:
    raise KeyError("no luck")


@queue.periodic("test.tick", cron="0 0 1 1 *")
def tick() -> None:
    SEEN.append(0)


def test_a_job_that_fails_is_tried_again_and_leaves_nothing_half_done(app, run_jobs, session):
    SEEN.clear()
    with app.app_context(), transaction() as opened:
        queue.defer(opened, "test.fail")

    run_jobs()

    assert SEEN == [-1, -1]
    states = text("SELECT status, attempts FROM procrastinate_jobs WHERE task_name = 'test.fail'")
    assert session.execute(states).all() == [("failed", 2)]


@pytest.mark.parametrize(
    ("before", "seconds"), [(0, 3), (3, 81), (6, 2187), (12, 3600), (999, 3600)]
)
def test_a_job_is_never_given_up(app, run_jobs, session, before, seconds):
    with app.app_context(), transaction() as opened:
        queue.defer(opened, "test.hopeless")
        opened.execute(text("UPDATE procrastinate_jobs SET attempts = :n"), {"n": before})

    run_jobs()

    states = text(
        "SELECT status, attempts, extract(epoch FROM scheduled_at - now()) FROM procrastinate_jobs"
        " WHERE task_name = 'test.hopeless'"
    )
    ((status, attempts, wait),) = session.execute(states).all()
    assert (status, attempts) == ("todo", before + 1)
    assert seconds - 3 < wait <= seconds


def test_a_periodic_task_is_a_job_like_any_other(app, run_jobs):
    SEEN.clear()
    with app.app_context(), transaction() as session:
        queue.defer(session, "test.tick", timestamp=0)

    run_jobs()

    assert SEEN == [0]


def test_a_job_waits_for_its_moment(app, run_jobs, now):
    SEEN.clear()
    with app.app_context(), transaction() as session:
        later = now + timedelta(hours=1)
        queue.defer(session, "test.remember", number=6, schedule_at=later)

    run_jobs()
    assert SEEN == []
    run_jobs(ahead=timedelta(hours=2))
    assert SEEN == [6]


def test_a_job_left_out_for_one_that_waits_does_not_spoil_the_transaction(app, run_jobs, session):
    SEEN.clear()
    for number in (7, 8):
        with app.app_context(), transaction() as opened:
            queue.defer(opened, "test.remember", number=number, queueing_lock="one")
            queue.defer(opened, "test.remember", number=-number)

    run_jobs()

    assert sorted(SEEN) == [-8, -7, 7]
