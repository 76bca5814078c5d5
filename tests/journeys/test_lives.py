"""
Random lives of orders, from placing to the last refund and the daily match, each from a seed.

They are placed, paid or not, late or twice, shipped in parts, returned in parts, exchanged and
cancelled; WeChat's words are lost, doubled and spoilt; in the long run processes are killed. In the
end every promise holds, the money of each order is what a plain account says, and the bills differ
from the books where, and only where, somebody has made them differ.
"""

import logging
import os
import random
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest
from werkzeug.serving import WSGIRequestHandler, make_server

from app.core import clock
from app.staff.models import Role
from app.wechat import extension
from tests.builders.staff import PASSWORD, make_staff
from tests.conftest import DUE_JOBS, plain
from tests.journeys.lives.life import Life
from tests.journeys.lives.processes import Blows, MallAhead, place_of, stray_of
from tests.journeys.lives.proof import Bills, by_verb, check_money
from tests.journeys.lives.world import Place, World

LOG = logging.getLogger(__name__)
pytestmark = [pytest.mark.slow]

SEED = os.environ.get("LIVES_SEED", "1")
FEW, MANY = 8, int(os.environ.get("SOAK_LIVES", "1000"))
HOURS = (0.7, 20, 30, 50)
"""What passes after each chapter: orders expire, deadlines and windows end."""
STEPS = 7
"""At most so many in one chapter of one life."""


def live(
    world: World,
    lives: list[Life],
    *,
    at_once: int = 1,
    planted: int,
    among: AbstractContextManager[object] | None = None,
) -> None:
    """Live all lives side by side, chapter by chapter, and prove what must be true afterwards."""
    LOG.info("to live them again: LIVES_SEED=%s", SEED)
    first = clock.china_day(datetime.now(UTC) + world.ahead)
    for number, hours in enumerate(HOURS):
        begun = [life for life in lives if life.seed % 3 <= number and not life.is_over]
        with among or nullcontext(), ThreadPoolExecutor(at_once) as pool:
            list(pool.map(_chapter, begun))
        if number % 2 == 0:
            world.stray()
        world.pass_time(timedelta(hours=hours))
        world.settle()
        for life in lives:
            life.see()
    world.control("DELETE", "faults")
    world.finishers = [life.finish for life in lives]
    world.settle(is_final=True)
    check_money(world, lives)
    found = _match(world, first, planted)
    check_money(world, lives)
    said = world.place.verify()
    assert "every balance proves itself" in said, said
    LOG.info("%s\n%s", by_verb(lives), found)


def _chapter(life: Life) -> None:
    for _ in range(life.rng.randint(1, STEPS)):
        if not life.is_over:
            life.step()


def _match(world: World, first: date, planted: int) -> Counter[tuple[str, str | None]]:
    """The bills of all days, with some lines spoilt; what was lost comes in, and goes back."""
    bills = Bills(world, first, world.rng)
    bills.plant(planted)
    world.control("POST", "settings", bills="ready")
    world.pass_time(timedelta(days=2))
    bills.compare()
    world.unheard.clear()
    world.settle(is_final=True)
    world.pass_time(timedelta(days=2))
    bills.compare()
    bills.check()
    bills.write_off()
    return Counter((one.verdict, one.how) for one in bills.expected)


class Clock:
    """The one clock of a mall in this process, and how far it is ahead."""

    def __init__(self, monkeypatch) -> None:
        self.ahead = timedelta()
        monkeypatch.setattr(clock, "now", lambda: datetime.now(UTC) + self.ahead)

    def set(self, ahead: timedelta) -> None:
        self.ahead = ahead


class Quiet(WSGIRequestHandler):
    """Keeps no log of requests."""

    def log_request(self, *_: object) -> None:
        pass


@pytest.fixture
def served(app):
    """The mall of this process, over HTTP."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def small(app, session, wechat, served, settings, run_jobs, database_url, monkeypatch):
    """A mall in one process, whose jobs run when they are told to."""
    clients = extension.build(replace(wechat.settings, notify_base_url=served))
    app.extensions["wechat"] = clients
    wechat.control("POST", "settings", notify="automatic")
    urls = plain(database_url)

    def run_what_is_due() -> None:
        with psycopg.connect(urls, autocommit=True) as connection:
            if connection.execute(DUE_JOBS).fetchone():
                run_jobs()

    people = [make_staff(session, role=Role.MERCHANT) for _ in range(2)]
    session.commit()
    return Place(
        url=served,
        sandbox_url=str(wechat.http.base_url),
        database_url=urls,
        redis_url=settings.redis_url,
        accounts=[{"username": one.username, "password": PASSWORD} for one in people],
        set_ahead=Clock(monkeypatch).set,
        run_due=run_what_is_due,
        verify=lambda: app.test_cli_runner().invoke(args=["verify"]).output,
        stray=stray_of(clients),
    )


def test_a_few_lives_end_in_books_that_agree(small):
    world = World(small, random.Random(SEED))
    lives = [Life(world, seed, f"few{SEED}") for seed in range(FEW)]

    live(world, lives, planted=1)


@pytest.fixture
def large(new_folder, monkeypatch):
    """Sandbox, Granian with two processes and a worker of their own, with nothing in the shop."""
    mall = MallAhead.at(new_folder())
    mall.start()
    yield mall, place_of(mall, Clock(monkeypatch).set)
    mall.stop()


@pytest.mark.soak
def test_a_thousand_lives_and_kills_end_in_books_that_agree(large):
    mall, place = large
    world = World(place, random.Random(SEED))
    lives = [Life(world, seed, f"many{SEED}") for seed in range(MANY)]

    live(world, lives, at_once=8, planted=5, among=Blows(mall, random.Random(SEED)))
