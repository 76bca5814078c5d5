"""The worker: stops when told, outlives the database, and takes over from the dead."""

import asyncio
import os
import signal
import threading
import time

import psycopg
import pytest

from app.core import queue, worker
from app.core.db import transaction

SEEN: list[str] = []
MANY_SECONDS = 30


@queue.task("test.say")
def say(word: str) -> None:
    SEEN.append(word)


@pytest.fixture
def quick(monkeypatch):
    """A worker that notices things within tenths of seconds."""
    monkeypatch.setattr(worker, "HEARTBEAT_SECONDS", 0.2)
    monkeypatch.setattr(worker, "STALLED_SECONDS", 1.0)
    monkeypatch.setattr(worker, "RESCUE_SECONDS", 0.2)
    monkeypatch.setattr(worker, "START_OVER_SECONDS", 0.1)
    SEEN.clear()


def _ask(app, word: str) -> None:
    with app.app_context(), transaction() as session:
        queue.defer(session, "test.say", word=word)


def _until(condition) -> None:
    deadline = time.monotonic() + MANY_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain; seen {SEEN}"
        time.sleep(0.02)


def _run_while(app, story) -> None:
    """Run a worker in the main thread, as signals need, while `story` plays in another."""
    failures: list[BaseException] = []

    def play() -> None:
        try:
            story()
        except BaseException as error:
            failures.append(error)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    playing = threading.Thread(target=play)
    with app.app_context():
        playing.start()
        worker.run(app, concurrency=2)
    playing.join()
    if failures:
        raise failures[0]


def test_it_runs_what_comes_and_stops_when_told(app, quick):
    def story() -> None:
        _ask(app, "hello")
        _until(lambda: SEEN == ["hello"])

    _run_while(app, story)


def test_it_outlives_the_end_of_all_its_connections(app, quick, database_url):
    def story() -> None:
        _ask(app, "before")
        _until(lambda: SEEN == ["before"])
        with psycopg.connect(database_url.replace("+psycopg", ""), autocommit=True) as connection:
            gone = connection.execute(
                "SELECT array_agg(pid) FROM pg_stat_activity, pg_terminate_backend(pid)"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            ).fetchone()
            still_there = "SELECT count(*) FROM pg_stat_activity WHERE pid = ANY(%s)"
            _until(lambda: connection.execute(still_there, gone).fetchone() == (0,))
        _ask(app, "after")
        # The job that ran may run again: its end may not have been on record yet.
        _until(lambda: "after" in SEEN)

    _run_while(app, story)


def test_it_starts_over_when_its_work_ends_unasked(app, quick, monkeypatch):
    whole, attempts = worker._work, []

    async def fail_once(tasks, concurrency) -> None:
        attempts.append(concurrency)
        if len(attempts) == 1:
            raise OSError("the database went away")
        await whole(tasks, concurrency)

    monkeypatch.setattr(worker, "_work", fail_once)

    def story() -> None:
        _ask(app, "hello")
        _until(lambda: SEEN == ["hello"])

    _run_while(app, story)
    assert len(attempts) == 2


def test_the_job_of_a_killed_worker_is_taken_over(app, quick, database_url):
    _ask(app, "orphan")
    with psycopg.connect(database_url.replace("+psycopg", ""), autocommit=True) as connection:
        dead = connection.execute(
            "INSERT INTO procrastinate_workers (last_heartbeat)"
            " VALUES (now() - interval '1 hour') RETURNING id"
        ).fetchone()
        assert dead is not None
        connection.execute(
            "UPDATE procrastinate_jobs SET status = 'doing', worker_id = %s", [dead[0]]
        )

    _run_while(app, lambda: _until(lambda: SEEN == ["orphan"]))


def test_one_worker_is_enough_to_rescue_a_job(app, quick, monkeypatch):
    """Two workers may find the same stalled job: the slower one's attempt fails harmlessly."""

    class Manager:
        async def get_stalled_jobs(self, **_: object) -> list[object]:
            return [queue.procrastinate.configure_task("test.say").job]

        async def retry_job(self, _: object) -> None:
            raise worker.ProcrastinateException("not stalled any more")

    class Tasks:
        job_manager = Manager()

    async def rescue_briefly() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(worker._rescue(Tasks()), 0.5)

    asyncio.run(rescue_briefly())


def test_a_part_that_fails_ends_the_others_and_is_told(monkeypatch):
    told: list[str] = []

    class Log:
        def warning(self, event: str, **about: str) -> None:
            told.append(f"{event}: {about['error']}")

    monkeypatch.setattr(worker, "log", Log())

    async def fail() -> None:
        raise OSError("the database went away")

    async def wait_for_ever() -> None:
        await asyncio.Event().wait()

    asyncio.run(worker._first_of(fail(), wait_for_ever()))

    assert told == ["worker_part_ended: OSError('the database went away')"]
