"""A bulk buy that runs, and orders that pay into it."""

from datetime import timedelta

import pytest

from promotions import bulk_buys, limits
from promotions.bulk_buys import Line
from promotions.counters import Use
from tests.builders.bulk_buys import TIERS, make_bulk_buy
from tests.builders.promotions import NOON

ENDS = NOON + timedelta(days=1)


@pytest.fixture
def promotion(session):
    promotion = make_bulk_buy(session, prices={1: 9_900, 2: 5_000}, tiers=TIERS, now=NOON)
    session.commit()
    return promotion


@pytest.fixture
def order(session):
    """Hold a use of a bulk buy for an order, as placing it does."""

    def hold(promotion, source, *, member_id=1, now=NOON):
        use = Use(promotion.id, 0, units=1)
        limits.reserve(session, source=source, member_id=member_id, uses=[use], now=now)

    return hold


@pytest.fixture
def pay(session):
    """Pay an order of SKU 1 into a bulk buy."""

    def collect(promotion, source, *, quantity=1, member_id=1, now=NOON, own=None):
        own = own or session
        limits.confirm(own, source=source, now=now)
        return bulk_buys.collect(
            own,
            promotion_id=promotion.id,
            source=source,
            member_id=member_id,
            lines=[Line(1, quantity, 9_900 * quantity)],
            now=now,
        )

    return collect
