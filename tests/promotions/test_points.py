"""Points: granted once a source, taken back as far as told, never changed."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from promotions import points
from promotions.limits import SourceReused
from tests.builders.promotions import NOON


def grant(session, member_id=1, amount=100, source="order:A"):
    return points.grant(session, member_id=member_id, points=amount, source=source, now=NOON)


def take_back(session, source="order:A", left=0):
    return points.take_back(session, source=source, left=left, now=NOON)


def rows(session, member_id=1, before_id=None, limit=9):
    found = points.history(session, member_id=member_id, before_id=before_id, limit=limit)
    return [(row.source, row.points) for row in found]


def test_nobody_has_points_to_begin_with(session):
    assert points.balance(session, 1) == 0
    assert rows(session) == []


def test_one_source_grants_once(session):
    assert grant(session)
    assert not grant(session)
    assert grant(session, source="order:B", amount=5)

    assert points.balance(session, 1) == 105
    assert rows(session) == [("order:B", 5), ("order:A", 100)]


def test_points_taken_back_stay_on_the_list(session):
    grant(session)

    assert take_back(session) == 100
    assert take_back(session) == 0

    assert points.balance(session, 1) == 0
    assert rows(session) == [("order:A", -100), ("order:A", 100)]
    assert not grant(session), "what was taken back does not come again"


def test_points_are_taken_back_in_parts_down_to_what_is_left(session):
    grant(session)

    assert [take_back(session, left=left) for left in (100, 70, 70, 80, 69, 0, 0)] == [
        *(0, 30, 0, 0, 1, 69, 0)
    ]
    assert rows(session) == [
        *(("order:A", -69), ("order:A", -1), ("order:A", -30), ("order:A", 100))
    ]


def test_nothing_is_taken_back_that_was_not_granted(session):
    assert take_back(session) == 0
    assert rows(session) == []


@pytest.mark.parametrize("amount", [0, -1])
def test_a_grant_is_of_something(session, amount):
    with pytest.raises(ValueError):
        grant(session, amount=amount)


@pytest.mark.parametrize("other", [{"member_id": 2}, {"amount": 99}])
def test_a_source_cannot_grant_something_else(session, other):
    grant(session)

    with pytest.raises(SourceReused):
        grant(session, **other)


def test_the_list_is_read_in_pages(session):
    for number in range(3):
        grant(session, source=f"order:{number}", amount=number + 1)
    first = points.history(session, member_id=1, before_id=None, limit=2)

    assert [row.points for row in first] == [3, 2]
    assert rows(session, before_id=first[-1].id) == [("order:0", 1)]
    assert rows(session, member_id=2) == []


@pytest.mark.parametrize(
    "change", ["UPDATE points_grant SET points = 9", "DELETE FROM points_grant"]
)
def test_what_is_listed_cannot_be_changed(session, change):
    grant(session)
    session.commit()

    with pytest.raises(DBAPIError, match="append-only"):
        session.execute(text(change))
    session.rollback()


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.booleans(), st.integers(1, 3), st.integers(0, 4), st.integers(0, 10**4)),
        max_size=20,
    )
)
def test_the_balance_is_what_was_granted_and_not_taken_back(session, steps):
    owners, left = {}, {}
    for is_grant, member_id, number, keep in steps:
        source = f"order:{number}"
        if is_grant:
            owner = owners.setdefault(source, member_id)
            grant(session, member_id=owner, amount=10**number, source=source)
            left.setdefault(source, 10**number)
        else:
            take_back(session, source, left=keep)
            if source in left:
                left[source] = min(left[source], keep)

    for member_id in (1, 2, 3):
        expected = sum(left[source] for source, owner in owners.items() if owner == member_id)
        assert points.balance(session, member_id) == expected
    session.rollback()
