"""A team with a grade in it, and what is sent to the database."""

from contextlib import contextmanager

import pytest
from sqlalchemy import event

from distribution import verify
from tests.builders.distribution import give_grade, make_chain, make_grade, make_rules


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
