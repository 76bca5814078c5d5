"""Campaigns that run now, and the thread that tells a process of them."""

import time
from datetime import timedelta

import pytest

from app.core.db import db
from app.marketing import snapshot
from promotions import snapshots
from tests.builders.promotions import make_published


@pytest.fixture
def publish(session, now):
    """Publish a campaign that has been running for an hour unless told otherwise."""

    def make(**more):
        made = make_published(
            session, **{"starts_at": now - timedelta(hours=1), "now": now, **more}
        )
        session.commit()
        return made

    return make


@pytest.fixture
def followed(app, session, now):
    """Have a thread keep the snapshot current; call it to wait until it is."""
    engine = db.engine
    snapshot.follow(engine)

    def wait():
        deadline = time.monotonic() + 2
        while snapshot.snapshot(session, now=now).version != snapshots.version(session):
            assert time.monotonic() < deadline
            time.sleep(0.01)

    wait()
    yield wait
    snapshot.unfollow(engine)
