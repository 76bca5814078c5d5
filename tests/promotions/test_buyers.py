"""Who has paid before: once, for ever, whatever came of the order or the account."""

from typing import NamedTuple

from promotions import buyers, limits
from tests.builders.promotions import NOON, make_published


class Known(NamedTuple):
    accounts: list[int]
    keys: list[str]


def record(session, member_id, source="order:A"):
    return buyers.record(session, member_id=member_id, source=source, now=NOON)


def test_nobody_has_paid_until_they_have(session):
    assert not buyers.has_paid(session, [1])

    assert record(session, 1)

    assert buyers.has_paid(session, [1])
    assert not buyers.has_paid(session, [2])


def test_only_the_first_order_is_the_first(session):
    assert [record(session, 1, source) for source in ("order:A", "order:A", "order:B")] == [
        True,
        False,
        False,
    ]


def test_one_account_of_many_that_has_paid_is_enough(session):
    record(session, 2)

    assert buyers.has_paid(session, [1, 2])
    assert not buyers.has_paid(session, [1, 3])
    assert not buyers.has_paid(session, [])


def test_who_left_after_paying_is_known_by_any_of_their_keys(session):
    record(session, 1)
    buyers.leave(session, accounts=[1], keys=["b", "a"])

    assert buyers.has_paid(session, [2], keys=["a"])
    assert buyers.has_paid(session, [2], keys=["x", "b"])
    assert not buyers.has_paid(session, [2], keys=["x"])
    assert not buyers.has_paid(session, [2])


def test_who_left_without_paying_is_not_remembered(session):
    buyers.leave(session, accounts=[1], keys=["a"])
    record(session, 2)
    buyers.leave(session, accounts=[2], keys=[])

    assert not buyers.has_paid(session, [3], keys=["a"])


def test_who_comes_back_and_leaves_again_is_known_by_the_new_keys_too(session):
    record(session, 1)
    buyers.leave(session, accounts=[1], keys=["openid", "phone"])
    buyers.leave(session, accounts=[2], keys=["openid", "other phone"])

    assert buyers.has_paid(session, [3], keys=["other phone"])


def test_who_leaves_one_account_of_two_is_known_by_its_keys_if_the_other_has_paid(session):
    record(session, 1)
    buyers.leave(session, accounts=[1, 2], keys=["phone of 2"])

    assert buyers.has_paid(session, [3], keys=["phone of 2"])


def test_who_of_many_has_paid_is_asked_of_their_accounts_and_keys(session):
    record(session, 1)
    buyers.leave(session, accounts=[1], keys=["a"])
    people = {
        1: Known([1], []),
        2: Known([1, 2], []),
        3: Known([3], ["x", "a"]),
        4: Known([4], ["x"]),
        5: Known([5, 6], []),
    }

    assert buyers.payers(session, people) == {1, 2, 3}
    assert buyers.payers(session, {}) == set()


def test_who_holds_what_is_for_new_buyers_is_none_until_it_is_given_back(session):
    first = make_published(session, steps=[(100, 10)], audience={"is_new": True})
    usual = make_published(session, steps=[(100, 10)], audience={"is_new": False})
    for promotion, source in ((first, "order:A"), (usual, "order:B")):
        uses = [limits.Use(promotion.id, 10)]
        limits.reserve(session, source=source, member_id=1, uses=uses, now=NOON)

    assert not buyers.is_new(session, [1])
    assert not buyers.is_new(session, [2, 1])
    assert buyers.is_new(session, [2])
    buyers.leave(session, accounts=[1], keys=["a"])
    assert not buyers.is_new(session, [3], keys=["a"])

    limits.release(session, source="order:A", now=NOON)
    assert buyers.is_new(session, [1])
    assert buyers.is_new(session, [1], keys=["b"])
