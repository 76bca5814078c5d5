"""Sessions of their own for tests that race: one per thread, on the test's database."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import Session


@pytest.fixture
def own_session(app, database_url) -> Iterator[Callable[[], Session]]:
    """Open sessions that share nothing with the test's own."""
    engine = create_engine(database_url, pool_size=64, max_overflow=0)

    @contextmanager
    def opened():
        with Session(engine, expire_on_commit=False) as session:
            yield session

    yield opened
    engine.dispose()
