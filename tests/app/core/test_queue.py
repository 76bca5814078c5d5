"""The queue: a job exists exactly if its transaction commits, and jobs may ask for more jobs."""

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
