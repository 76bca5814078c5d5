"""Rate limits: so many uses in a window, per key; with Redis gone everything is allowed."""

import time
from dataclasses import replace

import pytest
import redis as redis_library

from app.core import redis
from app.core.redis import TooMany
from tests.app.core.conftest import Toy


def uses(count, *, key="a", limit=3, seconds=60):
    allowed = 0
    for _ in range(count):
        try:
            redis.rate_limit(key, limit=limit, seconds=seconds)
        except TooMany:
            continue
        allowed += 1
    return allowed


@pytest.mark.usefixtures("session")
class TestRateLimit:
    def test_allows_as_many_as_the_limit(self):
        assert uses(5) == 3

    def test_counts_each_key_by_itself(self):
        assert (uses(3, key="a"), uses(3, key="b")) == (3, 3)

    def test_opens_again_when_the_window_is_over(self):
        assert uses(4, seconds=1) == 3
        time.sleep(1.1)
        assert uses(1, seconds=1) == 1

    def test_a_counter_that_lost_its_end_does_not_lock_anybody_out(self):
        redis.client().set("rate:a", 99)

        assert uses(1, seconds=1) == 0
        assert 0 < redis.client().ttl("rate:a") <= 60


def test_who_is_refused_is_told_when_to_come_back(toys):
    answers = [toys.get("/open/limited") for _ in range(3)]

    assert [answer.status_code for answer in answers] == [204, 204, 429]
    assert answers[2].json["code"] == "too_many_requests"
    assert 0 < int(answers[2].headers["Retry-After"]) <= 60


def test_with_redis_gone_everything_is_allowed(app, settings, build_another):
    gone = build_another(replace(settings, redis_url="redis://127.0.0.1:1/0"), Toy())

    assert [gone.test_client().get("/open/limited").status_code for _ in range(5)] == [204] * 5


def test_with_redis_lying_everything_is_allowed(session):
    redis.client().lpush("rate:a", "not a number")

    assert uses(5) == 5
    assert isinstance(redis.client(), redis_library.Redis)
