"""`kill -9` of any part in any chapter of the tour: it ends all the same, and all is proven."""

import os
import random
import signal
import threading
import time

import pytest
import redis

from app import embedded
from demo import tour
from demo.mall import Mall

pytestmark = [pytest.mark.slow]

PATIENCE_SECONDS = 60.0
CHAPTER_SECONDS = 5.0
"""How long after its beginning a chapter may be struck; from a short one it is the next."""


def _kill_server(mall: Mall) -> None:
    mall.kill("server")
    mall.start_server()


def _kill_worker(mall: Mall) -> None:
    mall.kill("worker")
    mall.start_worker()


def _kill_redis(mall: Mall) -> None:
    os.kill(_servers(mall).redis_pid(), signal.SIGKILL)
    time.sleep(0.5)
    _servers(mall).join()


def _kill_postgres(mall: Mall) -> None:
    os.kill(_servers(mall).postmaster_pid(), signal.SIGKILL)
    time.sleep(0.5)
    _servers(mall).join()


CHAPTERS = list(tour.CHAPTERS)

BLOWS = {
    "server": _kill_server,
    "worker": _kill_worker,
    "redis": _kill_redis,
    "postgres": _kill_postgres,
}


OTHERS = [pytest.param(each, marks=pytest.mark.soak) for each in BLOWS if each != "server"]
"""Every run deals one blow; each of the others falls in the soak many times."""


@pytest.mark.parametrize("victim", ["server", *OTHERS])
def test_the_tour_survives(mall, victim):
    _tour_survives(mall, victim, random.choice(CHAPTERS), random.uniform(0.0, CHAPTER_SECONDS))


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(25))
def test_the_tour_survives_blow_after_blow(mall, seed):
    # The merchant signs in for each telling, more often than one person may.
    redis.Redis.from_url(_servers(mall).redis_url()).flushdb()
    moment = random.Random(seed)
    victim, chapter = moment.choice(list(BLOWS)), CHAPTERS[seed % len(CHAPTERS)]
    _tour_survives(mall, victim, chapter, moment.uniform(0.0, CHAPTER_SECONDS))


def _tour_survives(mall: Mall, victim: str, chapter: str, seconds: float) -> None:
    lines: list[str] = []
    status: list[int] = []
    reached = threading.Event()

    def say(line: str) -> None:
        lines.append(line)
        if line == chapter:
            reached.set()

    def tell() -> None:
        try:
            status.append(
                tour.tell(mall.url, mall.sandbox_url, mall.folder, say, patience=PATIENCE_SECONDS)
            )
        finally:
            reached.set()  # Nobody waits for a chapter that never came.

    telling = threading.Thread(target=tell)
    telling.start()
    reached.wait()
    time.sleep(seconds)
    BLOWS[victim](mall)
    telling.join()

    said = "\n".join(lines)
    assert chapter in lines, said
    assert status == [0], f"{victim}, {seconds:.2f} s after {chapter}\n{said}"
    assert "every balance proves itself" in mall.flask("verify")


def _servers(mall: Mall) -> embedded.Servers:
    assert mall.servers is not None
    return mall.servers
