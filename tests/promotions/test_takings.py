"""What has been taken of a deal, as somebody who keeps a copy of it would ask."""

from datetime import timedelta

import pytest

from promotions import campaigns, limits
from promotions.limits import Use
from promotions.takings import takers, takings
from tests.builders.promotions import NOON, STAFF, make_published

SKU = 7


@pytest.fixture
def sale(session):
    """A flash sale of ten pieces, limited as told."""

    def publish(**more):
        return make_published(
            session,
            kind="flash_sale",
            terms={"prices": [{"sku_id": SKU, "price_fen": 100}]},
            stock=[{"sku_id": SKU, "total": 10}],
            ends_at=NOON + timedelta(days=2),
            **more,
        ).id

    return publish


@pytest.fixture
def take(session):
    def reserve(promotion_id, member_id=1, units=1, now=NOON, source=None):
        use = Use(promotion_id, 0, units=units, pieces=((SKU, units),))
        source = source or f"order:{member_id}:{now}"
        limits.reserve(session, source=source, member_id=member_id, uses=[use], now=now)

    return reserve


def test_without_limits_only_pieces_are_counted(session, sale, take):
    promotion_id = sale()
    take(promotion_id, units=3)
    taken = takings(session, promotion_id, now=NOON)
    assert taken.left == {SKU: 7}
    assert (taken.max_uses, taken.max_units, taken.until, taken.members) == (None, None, None, {})


def test_what_people_have_had_is_counted_where_it_is_limited(session, sale, take):
    promotion_id = sale(member_max_uses=2, member_max_units=4)
    take(promotion_id, 1, units=3)
    take(promotion_id, 2)
    taken = takings(session, promotion_id, now=NOON)
    assert (taken.max_uses, taken.max_units, taken.until) == (2, 4, None)
    assert taken.members == {1: (1, 3), 2: (1, 1)}
    assert takings(session, promotion_id, now=NOON, member_id=2).members == {2: (1, 1)}


def test_limits_a_day_end_at_midnight_in_china(session, sale, take):
    promotion_id = sale(member_max_units=4, member_period="day")
    take(promotion_id)
    taken = takings(session, promotion_id, now=NOON)
    assert taken.until == NOON + timedelta(hours=12)
    assert taken.members == {1: (1, 1)}
    assert takings(session, promotion_id, now=taken.until).members == {}


@pytest.mark.parametrize(
    ("caps", "left"),
    [({"max_units": 4}, 1), ({"max_uses": 1}, 0), ({"max_uses": 2}, 7)],
)
def test_no_more_is_left_than_all_together_may_have(session, sale, take, caps, left):
    promotion_id = sale(**caps)
    take(promotion_id, units=3)
    assert takings(session, promotion_id, now=NOON).left == {SKU: left}


def test_of_a_sale_that_was_closed_nothing_is_left(session, sale):
    from promotions import stock

    promotion_id = sale()
    campaigns.end(session, promotion_id=promotion_id, staff_id=STAFF, now=NOON)
    stock.close(session, promotion_id=promotion_id, now=NOON)
    assert takings(session, promotion_id, now=NOON).left == {SKU: 0}


def test_takers_are_all_who_took_since_whatever_became_of_it(session, sale, take):
    promotion_id = sale()
    hour = timedelta(hours=1)
    take(promotion_id, 1)
    take(promotion_id, 2, now=NOON + hour, source="order:two")
    limits.release(session, source="order:two", now=NOON + hour)
    assert sorted(takers(session, promotion_id, since=NOON)) == [1, 2]
    assert list(takers(session, promotion_id, since=NOON + hour)) == [2]
