"""A stampede at a flash sale: exactly as many pieces are sold as there are, whatever breaks."""

import os
import random
import signal
import threading
import time

import pytest
import redis

from tests.journeys.stampede import Crowd
from tests.journeys.test_kill_nine import BLOWS, _servers

pytestmark = [pytest.mark.slow, pytest.mark.race]

SLOWEST_SECONDS = 2.0


def test_a_crowd_buys_exactly_what_there_is(mall):
    crowd = Crowd(mall, members=40, units=10, at_once=16)
    crowd.storm(160)
    assert crowd.answers[201, "placed"] >= 10
    crowd.settle(random.Random(7))
    crowd.prove()
    assert crowd.slowest < SLOWEST_SECONDS


def test_a_crowd_bears_an_empty_redis(mall):
    crowd = Crowd(mall, members=30, units=8, at_once=16)
    flusher = threading.Timer(0.15, redis.Redis.from_url(_servers(mall).redis_url()).flushdb)
    flusher.start()
    crowd.storm(120)
    flusher.join()
    crowd.settle(random.Random(7))
    crowd.prove()


@pytest.mark.soak
def test_twenty_thousand_requests_for_a_thousand_pieces(mall):
    crowd = Crowd(mall, members=5_000, units=1_000)
    crowd.storm(20_000)
    crowd.settle(random.Random(7))
    crowd.prove()
    assert crowd.slowest < SLOWEST_SECONDS


def _flush(mall):
    redis.Redis.from_url(_servers(mall).redis_url()).flushdb()


def _pause(mall):
    """Redis holds its breath for three seconds."""
    process_id = _servers(mall).redis_pid()
    os.kill(process_id, signal.SIGSTOP)
    time.sleep(3)
    os.kill(process_id, signal.SIGCONT)


def _old_dump(mall):
    """What Redis knew of the sale half a second ago is all it knows."""
    client = redis.Redis.from_url(_servers(mall).redis_url())
    kept = {key: client.dump(key) for key in client.scan_iter("{flash:*")}
    time.sleep(0.5)
    for key, value in kept.items():
        if value is not None:
            client.restore(key, 0, value, replace=True)


ALL_BLOWS = {**BLOWS, "flushed": _flush, "paused": _pause, "old dump": _old_dump}


@pytest.mark.soak
@pytest.mark.parametrize("blow", ALL_BLOWS)
def test_a_crowd_bears_a_blow_in_the_middle(mall, blow):
    crowd = Crowd(mall, members=1_000, units=200, patience=60.0)
    striking = threading.Timer(2.0, ALL_BLOWS[blow], [mall])
    striking.start()
    crowd.storm(4_000)
    striking.join()
    crowd.settle(random.Random(7))
    crowd.prove()
