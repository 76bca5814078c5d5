"""The snapshot a process keeps: current within a second, and nobody waits for it."""

import os
import signal
import subprocess
import sys
import threading
import time
from datetime import timedelta

import pytest
from sqlalchemy import event, text
from structlog.testing import capture_logs

from app.core import clock, metrics
from app.core.db import db
from app.marketing import snapshot
from promotions import campaigns, snapshots
from promotions.pricing import snapshot as compiled
from tests.builders.catalogue import make_sku
from tests.builders.members import make_address, make_member
from tests.builders.promotions import make_cart, make_published

SOON = 1.0


@pytest.fixture
def keeper(session):
    """The thread of a running mall, which tests do without unless they ask."""
    engine = db.engine
    yield snapshot.follow(engine)
    snapshot.unfollow(engine)


@pytest.fixture
def kept(session, now):
    """The promotions a request would price with now, and no statement sent for them."""

    def ids(*, statements=0):
        sent = []

        def note(_, __, statement, *___):
            sent.append(statement)

        engine = db.engine
        event.listen(engine, "before_cursor_execute", note)
        try:
            found = snapshot.snapshot(session, now=now)
        finally:
            event.remove(engine, "before_cursor_execute", note)
        assert len(sent) == statements, sent
        return set(found.promotions)

    return ids


def publish(session, now, **more):
    made = make_published(session, starts_at=now - timedelta(hours=1), now=now, **more)
    session.commit()
    return made


def pause(session, promotion, now):
    campaigns.pause(session, promotion_id=promotion.id, staff_id=1, now=now)
    session.commit()


def until(condition, *, seconds=SOON):
    """Wait for a condition; it must come true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "too late"
        time.sleep(0.01)


def threads():
    return [one for one in threading.enumerate() if one.name == "promotions-snapshot"]


def test_a_campaign_it_does_not_understand_is_skipped_logged_and_counted_once(session, kept, now):
    running, strange = publish(session, now), publish(session, now)
    strange.kind = "lottery"
    session.commit()
    counted = metrics.campaigns_skipped._value
    before = counted.get()

    with capture_logs() as logs:
        first = kept(statements=2)
        again = publish(session, now)
        second = kept(statements=2)

    assert (first, second) == ({running.id}, {running.id, again.id})
    assert [(log["event"], log["promotion_id"]) for log in logs] == [
        ("campaign_skipped", strange.id)
    ]
    assert counted.get() - before == 1


class TestWithItsThread:
    def test_what_is_published_or_paused_counts_within_a_second_and_no_request_reads(
        self, session, keeper, kept, now
    ):
        assert kept() == set()
        promotion = publish(session, now)
        until(lambda: kept() == {promotion.id})
        pause(session, promotion, now)
        until(lambda: kept() == set())

    def test_the_index_is_built_before_a_request_asks(
        self, session, keeper, kept, now, monkeypatch
    ):
        built = []

        class Watched(compiled._Index):
            def __init__(self, running):
                built.append(running)
                super().__init__(running)

        kept()
        promotion = publish(session, now)
        until(lambda: kept() == {promotion.id})
        monkeypatch.setattr(compiled, "_Index", Watched)
        cart = make_cart(now=clock.now())

        ((candidate, _),) = snapshot.snapshot(session, now=cart.now).candidates(cart)

        assert candidate.promotion_id == promotion.id
        assert built == []

    def test_a_thread_is_started_by_the_first_use_and_again_if_it_died(
        self, session, keeper, kept, now
    ):
        assert threads() == []
        kept()
        (first,) = threads()
        keeper.stop()
        promotion = publish(session, now)
        until(lambda: kept() == {promotion.id})
        (second,) = threads()

        assert second is not first

    def test_after_a_fork_the_child_starts_its_own_thread_and_keeps_what_it_had(
        self, session, keeper, kept, now, monkeypatch
    ):
        kept()
        keeper.stop()  # Threads do not come along into a child.
        loads = []
        load = snapshots.Loader.load
        monkeypatch.setattr(
            snapshots.Loader, "load", lambda *args, **kw: loads.append(1) or load(*args, **kw)
        )
        snapshot._after_fork()

        assert kept() == set()
        until(lambda: len(threads()) == 1)
        assert loads == []
        promotion = publish(session, now)
        until(lambda: kept() == {promotion.id})

    def test_many_first_requests_wait_for_one_load(self, app, session, keeper, now, monkeypatch):
        loads = []
        load = snapshots.Loader.load

        def counted(self, *args, **kwargs):
            loads.append(threading.current_thread().name)
            return load(self, *args, **kwargs)

        monkeypatch.setattr(snapshots.Loader, "load", counted)
        found = []

        def ask():
            with app.app_context():
                found.append(snapshot.snapshot(db.session(), now=now).version)

        asking = [threading.Thread(target=ask) for _ in range(16)]
        for one in asking:
            one.start()
        for one in asking:
            one.join()

        assert len(set(found)) == 1
        assert loads == ["promotions-snapshot"]

    def test_it_outlives_a_lost_connection(self, session, keeper, kept, now):
        kept()
        lost = session.scalars(
            text(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE application_name = 'siyu snapshot' AND datname = current_database()"
            )
        ).all()
        promotion = publish(session, now)

        until(lambda: kept() == {promotion.id}, seconds=2)
        assert lost == [True]

    def test_without_news_of_it_a_request_asks_by_itself(
        self, session, keeper, kept, now, monkeypatch
    ):
        kept()
        monkeypatch.setattr(snapshot, "TRUST_SECONDS", 0.0)
        monkeypatch.setattr(keeper, "_refresh", _fail)

        promotion = publish(session, now)
        assert kept(statements=2) == {promotion.id}
        assert kept(statements=1) == {promotion.id}
        monkeypatch.undo()
        until(lambda: _reads_nothing(kept), seconds=2)

    def test_a_first_request_does_not_wait_for_a_thread_that_fails(
        self, session, keeper, kept, now, monkeypatch
    ):
        monkeypatch.setattr(keeper, "_refresh", _fail)
        promotion = publish(session, now)
        began = time.monotonic()

        assert kept(statements=2) == {promotion.id}
        assert time.monotonic() - began < SOON

    def test_what_a_request_loaded_is_not_vouched_for(
        self, session, keeper, kept, now, monkeypatch
    ):
        monkeypatch.setattr(keeper, "_refresh", _fail)
        promotion = make_published(session, starts_at=now, now=now)
        uncommitted = kept(statements=2)
        session.rollback()

        assert promotion.id in uncommitted
        assert kept(statements=2) == set()


def _fail(*_):
    raise OSError("the database is away")


def _reads_nothing(kept):
    try:
        kept()
    except AssertionError:
        return False
    return True


class TestWithoutAThread:
    def test_only_an_app_that_is_no_test_has_one(self, app, session, kept, monkeypatch):
        snapshot.init_app(app)
        kept(statements=2)
        assert threads() == []

        monkeypatch.setitem(app.config, "TESTING", False)
        snapshot.init_app(app)
        try:
            kept()
            assert len(threads()) == 1
        finally:
            snapshot.unfollow(db.engine)

    def test_tests_have_none_unless_they_ask(self, session, kept):
        kept(statements=2)
        kept(statements=1)

        assert threads() == []


FORKING = """
import os, sys, time
from app import create_app
from app.core import clock
from app.core import clock
from app.core.db import db
from app.marketing.snapshot import snapshot
from app.settings import Settings

url, secret = sys.argv[1:]
app = create_app(Settings(database_url=url, redis_url="redis://127.0.0.1:1", secret_key=secret))

def versions():
    with app.app_context():
        last = None
        while True:
            found = snapshot(db.session(), now=clock.now())
            if found.version != last:
                last = found.version
                os.write(1, b"%d %d\\n" % (os.getpid(), len(found.promotions)))
            time.sleep(0.01)

with app.app_context():
    snapshot(db.session(), now=clock.now())
os.fork()
versions()
"""


class TestTwoProcesses:
    @pytest.mark.slow
    def test_both_sides_of_a_fork_hear_of_a_campaign_within_a_second(
        self, session, database_url, now
    ):
        with subprocess.Popen(
            [sys.executable, "-c", FORKING, database_url, "x" * 32],
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as parent:
            try:
                heard = [parent.stdout.readline().split() for _ in range(2)]
                publish(session, now)
                published = time.monotonic()
                heard += [parent.stdout.readline().split() for _ in range(2)]
                took = time.monotonic() - published
            finally:
                _end_group(parent)

        pids = {pid for pid, _ in heard}
        assert len(pids) == 2
        assert sorted(heard) == sorted([pid, count] for pid in pids for count in "01")
        assert took < SOON


def _end_group(parent):
    os.killpg(parent.pid, signal.SIGKILL)


class TestWhatIsStopped:
    def test_a_stale_snapshot_sells_nothing_that_was_paused(
        self, client, session, keeper, now, token_for, monkeypatch
    ):
        buyer = make_member(session)
        address = make_address(session, member_id=buyer.id)
        sku = make_sku(session, price_fen=10_000)
        promotion = publish(session, now)
        headers = token_for("shopper", buyer.id)
        wanted = {"lines": [{"sku_id": sku.id, "quantity": 1}], "address_id": address.id}
        monkeypatch.setattr(snapshot, "POLL_SECONDS", 60.0)  # It hears of nothing from now on.
        monkeypatch.setattr(snapshot, "TRUST_SECONDS", 60.0)

        seen = client.post("/api/v1/orders/preview", json=wanted, headers=headers).json
        payable_fen = seen["quote"]["payable_fen"]
        pause(session, promotion, now)
        placed = client.post(
            "/api/v1/orders",
            json={**wanted, "expected_payable_fen": payable_fen},
            headers={**headers, "Idempotency-Key": "one-key-of-mine"},
        )

        assert payable_fen == 9_000
        assert (placed.status_code, placed.json["code"]) == (409, "promotion_gone")
        assert placed.json["promotion_id"] == promotion.id
