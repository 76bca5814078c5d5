"""
The compiled promotions a process prices with: kept in memory and refreshed beside the requests.

`snapshot` is what everybody calls: requests, jobs and commands. In a process of a running mall a
thread asks a few times a second whether the published campaigns have another number, loads and
compiles what changed, builds the index of the present moment, and then exchanges one pointer.
Requests take what is there and read nothing. While the thread cannot vouch for it, each asks for
the number itself, so nobody prices with a snapshot that may be old and is not known to be current.

A price from a snapshot may be a moment old. It sells nothing that has been stopped: the order's
own transaction asks for the status of every promotion it takes (`promotions.limits`).
"""

import atexit
import os
import threading
import time
from datetime import datetime, timedelta
from typing import NamedTuple
from weakref import WeakKeyDictionary

import structlog
from flask import Flask
from sqlalchemy import URL, Connection, Engine, NullPool, create_engine
from sqlalchemy.orm import Session

from app.core import clock, metrics
from app.core.db import db
from promotions import pricing, snapshots

log = structlog.get_logger(__name__)

POLL_SECONDS = 0.3
TRUST_SECONDS = 2.0
"""How long the thread's word holds that a snapshot is current."""
FIRST_SECONDS = 5.0
"""How long the first request of a process waits for the thread before it loads by itself."""
AHEAD = timedelta(seconds=1)
"""How long before a window opens or closes the thread builds the index of the time after it."""
NEVER = float("-inf")
CONNECTING = {
    "application_name": "siyu snapshot",
    # How soon it notices that PostgreSQL has gone: seconds, seconds, milliseconds.
    "connect_timeout": 2,
    "keepalives_idle": 2,
    "tcp_user_timeout": 2000,
}


class Kept(NamedTuple):
    """A snapshot, and the monotonic moment at which the thread last knew it to be current."""

    snapshot: pricing.Snapshot
    confirmed: float


class Keeper:
    """The snapshot of one database in one process; with a `url`, a thread keeps it current."""

    def __init__(self, url: URL | None = None) -> None:
        self._url = url
        self._loader = snapshots.Loader()
        self._kept: Kept | None = None
        self.begin_anew()

    def begin_anew(self) -> None:
        """Have neither thread nor held lock: the state before the first use, or after a fork."""
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._loading = threading.Lock()
        self._tried = threading.Event()
        self._stopped = threading.Event()

    def current(self, session: Session, *, now: datetime) -> pricing.Snapshot:
        """Return the current snapshot; reads nothing while the thread vouches for it."""
        if self._url is not None:
            self._have_thread(self._url)
            if self._kept is None:
                self._tried.wait(FIRST_SECONDS)
            kept = self._kept
            if kept is not None and time.monotonic() - kept.confirmed <= TRUST_SECONDS:
                return kept.snapshot
        return self._checked(session, now)

    def stop(self) -> None:
        """End the thread and wait for it; the next use would start another."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join(TRUST_SECONDS)

    def _checked(self, session: Session, now: datetime) -> pricing.Snapshot:
        """Return the snapshot of the number the session sees; one row is read unless it is new."""
        version = snapshots.version(session)
        kept = self._kept
        if kept is None or kept.snapshot.version != version:
            with self._loading:
                kept = self._kept  # Whoever had the lock may have loaded it.
                if kept is None or kept.snapshot.version != version:
                    # Not vouched for: a session may see what it has not committed.
                    kept = self._kept = Kept(self._load(session, now), NEVER)
        return kept.snapshot

    def _load(self, session: Session, now: datetime) -> pricing.Snapshot:
        """Load what changed; say once of each campaign that it is not understood here."""
        before = self._loader.unreadable
        loaded = self._loader.load(session, now=now)
        for promotion_id, skipped in self._loader.unreadable.items():
            if before.get(promotion_id) != skipped:
                metrics.campaigns_skipped.inc()
                log.error("campaign_skipped", promotion_id=promotion_id, **skipped._asdict())
        return loaded

    def _have_thread(self, url: URL) -> None:
        if self._thread is not None and self._thread.is_alive():
            return
        with self._starting:
            if self._thread is None or not self._thread.is_alive():
                self._stopped.clear()
                self._thread = threading.Thread(
                    target=self._run, args=(url,), name="promotions-snapshot", daemon=True
                )
                self._thread.start()

    def _run(self, url: URL) -> None:
        """Keep the snapshot current until told to stop, on a connection of its own."""
        engine = create_engine(
            url,
            poolclass=NullPool,
            isolation_level="AUTOCOMMIT",
            hide_parameters=True,
            connect_args=CONNECTING,
        )
        is_failing = False
        while not self._stopped.is_set():
            try:
                with Session(engine) as session:
                    while True:
                        self._refresh(session)
                        if is_failing:
                            log.warning("snapshot_refreshed_again")
                            is_failing = False
                        if self._stopped.wait(POLL_SECONDS):
                            return
            except Exception as error:  # Whatever it is, requests go on without us, and we try on.
                if not is_failing:
                    log.warning("snapshot_not_refreshed", error=repr(error))
                    is_failing = True
                self._tried.set()
            self._stopped.wait(POLL_SECONDS)

    def _refresh(self, session: Session) -> None:
        asked, now = time.monotonic(), clock.now()
        version = snapshots.version(session)
        kept = self._kept
        if kept is not None and kept.snapshot.version == version:
            current = kept.snapshot
        else:
            with self._loading:
                asked = time.monotonic()
                current = self._load(session, now)
        current.prepare(now, now + AHEAD)
        self._kept = Kept(current, asked)
        self._tried.set()


_keepers: WeakKeyDictionary[Engine | Connection, Keeper] = WeakKeyDictionary()
"""One for each database this process talks to; one, outside of tests."""


def init_app(app: Flask) -> None:
    """Have a thread keep the snapshot current, from its first use on; never in tests."""
    if not app.testing:
        with app.app_context():
            follow(db.engine)


def follow(engine: Engine) -> Keeper:
    """Have a thread keep the snapshot of this database current, from its first use on."""
    keeper = _keepers[engine] = Keeper(engine.url)
    atexit.register(keeper.stop)
    return keeper


def unfollow(engine: Engine) -> None:
    """End the thread of this database; from now on each use asks for the number."""
    keeper = _keepers.pop(engine)
    atexit.unregister(keeper.stop)
    keeper.stop()


def snapshot(session: Session, *, now: datetime) -> pricing.Snapshot:
    """Return the compiled promotions of the current version, for the session's database."""
    bind = session.get_bind()
    keeper = _keepers.get(bind)
    if keeper is None:
        keeper = _keepers.setdefault(bind, Keeper())
    return keeper.current(session, now=now)


def _after_fork() -> None:
    """A child has its parent's snapshots, but not the threads that kept them current."""
    for keeper in list(_keepers.values()):
        keeper.begin_anew()


os.register_at_fork(after_in_child=_after_fork)
