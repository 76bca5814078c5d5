"""A newcomer's pack in their first order: the price, the gift, and what the report says after."""

from datetime import timedelta

import pytest

from app.orders.models import OrderStatus
from promotions.packs import queries
from promotions.packs.setup import PartKind
from tests.builders.catalogue import make_sku
from tests.builders.orders import make_order, pay
from tests.builders.packs import coupons_of


@pytest.fixture
def now(now):
    """A moment after the claim, which the clock dates."""
    return now + timedelta(minutes=1)


@pytest.fixture
def begun(now):
    """When what runs now began."""
    return now - timedelta(hours=1)


@pytest.fixture
def sku(session):
    return make_sku(session, price_fen=9_900)


@pytest.fixture
def pack(make_pack, make_template, sku):
    price = make_template(
        "coupon_price", terms={"prices": [{"sku_id": sku.id, "price_fen": 100}], "max_units": 1}
    )
    return make_pack(coupons_of(price, kind=PartKind.FIRST_ORDER_PRICE))


@pytest.fixture
def claimed(client, newcomer, pack):
    """A member who has claimed the pack."""
    member, headers = newcomer()
    answer = client.post(
        "/api/v1/new-user-pack/claims",
        json={"pack_id": pack.id},
        headers={**headers, "Idempotency-Key": "claim-before-buying"},
    )
    assert answer.status_code == 201
    return member


def test_the_first_order_price_is_the_price_of_the_first_order_only(
    session, claimed, pack, sku, now
):
    first = make_order(session, buyer=claimed, sku=sku, quantity=2, now=now)
    assert first.discount_fen == 9_800
    assert queries.outcome(session, pack.id)[:4] == (1, 1, 0, 0)

    pay(session, first, now=now)

    assert queries.outcome(session, pack.id)[:4] == (1, 1, 1, 1)
    second = make_order(session, buyer=claimed, sku=sku, now=now)
    assert second.discount_fen == 0


def test_an_order_that_was_closed_gives_the_first_order_price_back(session, claimed, sku, now):
    closed = make_order(session, buyer=claimed, sku=sku, now=now, status=OrderStatus.CLOSED)

    again = make_order(session, buyer=claimed, sku=sku, now=now)

    assert closed.discount_fen == again.discount_fen == 9_800


def test_who_paid_without_it_pays_the_common_price_from_then_on(session, claimed, sku, now):
    other = make_order(session, buyer=claimed, now=now)
    pay(session, other, now=now)

    assert make_order(session, buyer=claimed, sku=sku, now=now).discount_fen == 0
