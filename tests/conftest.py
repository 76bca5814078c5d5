"""
The shared fixtures: real PostgreSQL and Redis of our own, the schema built by the migrations.

One pair of private servers per test run, in a temporary folder, with fsync off; a template database
made once by `flask db upgrade`; one copy of it per test process. Tests commit for real, and every
table is emptied after each.
"""

import contextlib
import contextvars
import fcntl
import gc
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import flask_migrate
import hypothesis
import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from app import create_app, embedded
from app.core import auth, clock, remembered, worker
from app.core import redis as core_redis
from app.core.db import db
from app.flash_sales import extension as flash_sales
from app.settings import Settings

pytest_plugins = ["tests.wechat_sandbox"]

# `make test` must say the same of the same code, whoever runs it; `make soak` looks further.
hypothesis.settings.register_profile("steady", derandomize=True, deadline=None)

MADE: list[Flask] = []
"""The mall of this process, once it is made."""
TEMPLATE = "mall_template"
DUE_JOBS = """SELECT 1 FROM procrastinate_jobs
    WHERE status = 'todo' AND (scheduled_at IS NULL OR scheduled_at <= now()) LIMIT 1"""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup() -> Iterator[None]:
    """
    What fixtures prepare is not measured: a line counts when a test itself goes there.

    But for what is prepared until the mall is made: that imports it.
    """
    with _unmeasured() if MADE else contextlib.nullcontext():
        yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """
    Nor are long random histories and fuzzing: what they reach, they reach by luck.

    So every line is held by a plainer test.
    """
    with _unmeasured() if item.get_closest_marker("slow") else contextlib.nullcontext():
        yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown() -> Iterator[None]:
    """Nor is what they clear away."""
    with _unmeasured():
        yield


@contextlib.contextmanager
def _unmeasured() -> Iterator[None]:
    """Without coverage's tracer, which costs as much as what it traces."""
    tracer = sys.gettrace()
    sys.settrace(None)
    try:
        yield
    finally:
        sys.settrace(tracer)


def pytest_collection_finish() -> None:
    """Let the garbage collector look at what tests make, not again and again at the code."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


class IsolatedClient(FlaskClient):
    """A client whose requests do not share the test's application context, session or `g`."""

    def open(self, *args: Any, **kwargs: Any) -> Any:
        kwargs.setdefault("buffered", True)
        return contextvars.Context().run(super().open, *args, **kwargs)


@pytest.fixture(scope="session")
def run_folder() -> Path:
    """
    One folder for all processes of this test run; whoever leaves the servers last removes it.

    Not below pytest's own: every pytest that starts closes that to all but its user, while
    PostgreSQL runs as another where we are root.
    """
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", f"alone{os.getpid()}")
    folder = Path(tempfile.gettempdir()) / f"siyu-tests-{run[:16]}"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def new_folder() -> Iterator[Callable[[], Path]]:
    """Makes folders in which private servers may live, and removes them at the end."""
    made: list[Path] = []

    def make() -> Path:
        made.append(Path(tempfile.mkdtemp(prefix="siyu-")))
        return made[-1]

    yield make
    for folder in made:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def server_urls(run_folder: Path) -> Iterator[tuple[str, str]]:
    """The servers to test on: those of the environment, or private ones of this run."""
    database_url, redis_url = os.environ.get("DATABASE_URL"), os.environ.get("REDIS_URL")
    if database_url and redis_url:
        yield database_url, redis_url
        return
    servers = embedded.join(run_folder / "servers", durable=False)
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    yield database_url or servers.database_url(), redis_url or servers.redis_url(number)
    if servers.leave():
        shutil.rmtree(run_folder, ignore_errors=True)


@pytest.fixture(scope="session")
def database_url(server_urls: tuple[str, str], run_folder: Path) -> str:
    """A migrated database of this process's own."""
    name = f"mall_{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
    with (run_folder / "template.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        marker = run_folder / "template.ready"
        if not marker.exists():
            create_database(server_urls[0], TEMPLATE, template="template0")
            _migrate(named(server_urls[0], TEMPLATE), server_urls[1])
            marker.touch()
        create_database(server_urls[0], name, template=TEMPLATE)
    return named(server_urls[0], name)


@pytest.fixture(scope="session")
def settings(database_url: str, server_urls: tuple[str, str], run_folder: Path) -> Settings:
    return Settings(
        database_url=database_url,
        redis_url=server_urls[1],
        secret_key="a test key that protects nothing at all",
        data_dir=run_folder,
        page_cache_seconds=0,
        testing=True,
    )


@pytest.fixture(scope="session")
def the_app(settings: Settings) -> Iterator[Flask]:
    app = create_app(settings)
    app.test_client_class = IsolatedClient
    MADE.append(app)
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture(scope="session")
def empty_tables(database_url: str) -> Iterator[Callable[[], None]]:
    """
    Empties every table and restores the rows the migrations gave.

    One connection for all tests: what it has planned once takes a hundredth of the time again.
    """
    kept: list[psycopg.Connection[Any]] = []

    def empty() -> None:
        # A test may have ended it, with all others.
        if not kept or _is_lost(kept[-1]):
            kept.append(psycopg.connect(plain(database_url), autocommit=True))
        kept[-1].execute("SELECT given.empty_tables()")

    yield empty
    for connection in kept:
        connection.close()


@pytest.fixture
def app(the_app: Flask, empty_tables: Callable[[], None]) -> Iterator[Flask]:
    """The application, on empty tables."""
    yield the_app
    empty_tables()
    remembered.forget_all()
    flash_sales.init_app(the_app)  # What the process knows of sales, and that Redis had failed.
    with the_app.app_context():
        core_redis.client().flushdb()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A client without a token."""
    return app.test_client()


@pytest.fixture
def session(app: Flask) -> Iterator[Session]:
    """A session in an application context; tests may commit it."""
    with app.app_context():
        given = db.session()
        yield given
        # Not only the context's own: what forgot this one would leave its transaction open.
        given.close()


@pytest.fixture
def now() -> datetime:
    """A moment of the real clock's day, so that what is placed "now" is not yet expired."""
    return datetime.now(UTC)


@pytest.fixture
def set_clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime], None]:
    """Make the one clock stand still at a moment."""

    def at(moment: datetime) -> None:
        monkeypatch.setattr(clock, "now", lambda: moment)

    return at


@pytest.fixture
def token_for(app: Flask) -> Callable[[auth.Audience, int], dict[str, str]]:
    """Headers that carry a token of an audience for a member or staff id."""

    def headers(audience: auth.Audience, subject_id: int) -> dict[str, str]:
        def issue() -> str:
            with app.app_context():
                session = db.session()
                token, _ = auth.issue(
                    session, audience=audience, subject_id=subject_id, now=clock.now()
                )
                session.commit()
                return token

        return {"Authorization": f"Bearer {contextvars.Context().run(issue)}"}

    return headers


@pytest.fixture
def run_jobs(app: Flask, database_url: str) -> Callable[..., None]:
    """
    Run the background jobs that are due, with a real worker, until none is left.

    `ahead` brings jobs scheduled up to that long from now forward, as if the time had passed.
    """

    def work() -> None:
        with app.app_context():
            worker.drain(app)

    def run(*, ahead: timedelta = timedelta()) -> None:
        with psycopg.connect(plain(database_url), autocommit=True) as connection:
            connection.execute(
                "UPDATE procrastinate_jobs SET scheduled_at = now()"
                " WHERE status = 'todo' AND scheduled_at <= now() + %s",
                [ahead],
            )
            contextvars.Context().run(work)
            # A job that was put in by the last one is not seen by the worker that is stopping.
            while connection.execute(DUE_JOBS).fetchone():
                contextvars.Context().run(work)

    return run


def plain(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def named(url: str, name: str) -> str:
    return make_url(url).set(database=name).render_as_string(hide_password=False)


def create_database(url: str, name: str, *, template: str) -> None:
    with psycopg.connect(plain(url), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")


def _migrate(database_url: str, redis_url: str) -> None:
    app = create_app(
        Settings(database_url=database_url, redis_url=redis_url, secret_key="x" * 32, testing=True)
    )
    with app.app_context():
        flask_migrate.upgrade()
        db.engine.dispose()  # A template can be copied only while nobody is connected to it.
    with psycopg.connect(plain(database_url), autocommit=True) as connection:
        _keep_copies_of_given_rows(connection)
        _prepare_emptying(connection)


def _keep_copies_of_given_rows(connection: psycopg.Connection[Any]) -> None:
    """Copy what the migrations themselves insert, so that emptying can put it back."""
    connection.execute("CREATE SCHEMA given")
    for (name,) in _tables(connection):
        if connection.execute(f'SELECT 1 FROM "{name}" LIMIT 1').fetchone():
            connection.execute(f'CREATE TABLE given."{name}" AS TABLE "{name}"')


def _tables(connection: psycopg.Connection[Any], schema: str = "public") -> list[tuple[str]]:
    return connection.execute(
        "SELECT tablename FROM pg_tables WHERE schemaname = %s AND tablename <> 'alembic_version'",
        [schema],
    ).fetchall()


def _prepare_emptying(connection: psycopg.Connection[Any]) -> None:
    """Define what empties every table, append-only ones and all, and restores given rows."""
    lines = [
        f'IF EXISTS (SELECT FROM "{name}") THEN DELETE FROM "{name}"; END IF;'
        for (name,) in _tables(connection)
    ] + [
        f'INSERT INTO "{name}" OVERRIDING SYSTEM VALUE SELECT * FROM given."{name}";'
        for (name,) in _tables(connection, "given")
    ]
    # `replica` silences foreign keys and the triggers that forbid deleting history.
    connection.execute(
        "CREATE FUNCTION given.empty_tables() RETURNS void LANGUAGE plpgsql"
        f" SET session_replication_role = replica AS $$ BEGIN {' '.join(lines)} END $$"
    )


def _is_lost(connection: psycopg.Connection[Any]) -> bool:
    try:
        connection.execute("SELECT 1")
    except psycopg.OperationalError:
        return True
    return False
