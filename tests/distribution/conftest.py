"""A team with a grade in it, what is sent to the database, and work done all at once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier

import pytest
from sqlalchemy import create_engine, event
from sqlalchemy.orm import Session

from distribution import verify
from tests.builders.distribution import give_grade, make_chain, make_grade, make_rules

AT_ONCE = 16
"""How many connections work at the same moment."""


@pytest.fixture
def graded(session):
    """Member 1's upline is 2, who has a grade; theirs is 3, without one; 10 % and 5 %."""
    make_rules(session)
    make_chain(session, 1, 2, 3)
    grade_id = make_grade(session)
    give_grade(session, 2, grade_id)
    session.commit()
    yield grade_id
    assert list(verify.verify(session)) == []


@pytest.fixture
def statements(session):
    """Collect what is sent to the database in a `with` block."""

    @contextmanager
    def watch():
        seen, engine = [], session.get_bind()

        def note(*execution):
            seen.append(execution[2])

        event.listen(engine, "before_cursor_execute", note)
        try:
            yield seen
        finally:
            event.remove(engine, "before_cursor_execute", note)

    return watch


@pytest.fixture
def at_once(app, database_url):
    """Run functions of a session at the same moment, each in a transaction of its own."""
    engine = create_engine(database_url, pool_size=AT_ONCE)

    def run(works: list[Callable[[Session], object]]) -> list[object]:
        barrier = Barrier(len(works))

        def one(work: Callable[[Session], object]) -> object:
            with Session(engine) as session:
                barrier.wait()
                result = work(session)
                session.commit()
                return result

        with ThreadPoolExecutor(len(works)) as pool:
            return [future.result() for future in [pool.submit(one, work) for work in works]]

    yield run
    engine.dispose()
