"""The gates of flash sales, on a Redis of our own."""

import pytest

from app.core import redis as core_redis
from app.flash_sales.gate import Attempt, Gate, State, Truth


@pytest.fixture
def redis_client(session):
    return core_redis.client()


@pytest.fixture
def gate(redis_client):
    return Gate(redis_client)


SALE, SKU, OTHER_SKU = 5, 7, 8
NOTHING = State("", "", 0, 0, 0, {}, [])


def truth(left=10, **more):
    """What the database says: so many pieces of the SKU, no limits, nobody has bought."""
    given = {"max_uses": None, "max_units": None, "until": None, "members": {}, "tokens": []}
    return Truth(left={SKU: left, OTHER_SKU: 3}, settled=frozenset(), **{**given, **more})


def attempt(member_id=1, key="the-key-of-mine", quantity=1, sku_id=SKU):
    return Attempt(SALE, sku_id, quantity, member_id, key)


@pytest.fixture
def build(gate, now):
    """Give the sale a gate."""

    def load(**given):
        assert gate.load(SALE, gate.state(SALE), truth(**given), given_up=[], now=now)

    return load
