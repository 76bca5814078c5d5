"""Points: granted once a source, taken back once, never changed."""

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


def revoke(session, source="order:A"):
    return points.revoke(session, source=source, now=NOON)


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

    assert revoke(session) == 100
    assert revoke(session) == 0

    assert points.balance(session, 1) == 0
    assert rows(session) == [("order:A", -100), ("order:A", 100)]
    assert not grant(session), "what was taken back does not come again"


def test_nothing_is_taken_back_that_was_not_granted(session):
    assert revoke(session) == 0
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
    st.lists(st.tuples(st.sampled_from("gr"), st.integers(1, 3), st.integers(0, 4)), max_size=20)
)
def test_the_balance_is_what_was_granted_and_not_taken_back(session, steps):
    granted, revoked = {}, set()
    for verb, member_id, number in steps:
        source = f"order:{number}"
        owner = granted.get(source, member_id)
        if verb == "g":
            grant(session, member_id=owner, amount=10**number, source=source)
            granted[source] = owner
        else:
            revoke(session, source)
            revoked |= {source} & granted.keys()

    for member_id in (1, 2, 3):
        left = [s for s, owner in granted.items() if owner == member_id and s not in revoked]
        expected = sum(10 ** int(source[-1]) for source in left)
        assert points.balance(session, member_id) == expected
    session.rollback()
