"""A paid order, its buyer and a merchant."""

import secrets

import pytest

from app.core.auth import Audience
from app.orders import leaving
from app.orders import queries as orders
from tests.builders.aftersales import make_case, make_paid_order
from tests.builders.catalogue import make_freight_template, make_sku
from tests.builders.orders import PARCEL
from tests.builders.staff import make_staff


@pytest.fixture
def order(session, now):
    """Two pieces of one SKU and one of another, with freight, paid."""
    template = make_freight_template(session)
    quantities = {
        make_sku(session, price_fen=9900, freight_template=template).id: 2,
        make_sku(session, price_fen=3333, freight_template=template).id: 1,
    }
    order = make_paid_order(session, now=now, quantities=quantities)
    session.commit()
    return order


@pytest.fixture
def case(session, order, now):
    case = make_case(session, order=order, now=now)
    session.commit()
    return case


@pytest.fixture
def buyer(order, token_for):
    return token_for(Audience.SHOPPER, order.buyer_id)


@pytest.fixture
def merchant(session, token_for):
    staff = make_staff(session)
    session.commit()
    return token_for(Audience.STAFF, staff.id)


@pytest.fixture
def apply(client):
    """Ask for the money back over HTTP."""

    def post(order_no, headers, *, key=None, **changes):
        key = {"Idempotency-Key": key or secrets.token_hex(8)}
        body = {"order_no": order_no, "reason": "不想要了", **changes}
        return client.post("/api/v1/after-sales", json=body, headers={**(headers or {}), **key})

    return post


@pytest.fixture
def shipped(session, order, now):
    leaving.ship(session, order_no=order.order_no, now=now, **PARCEL)
    session.commit()
    return orders.get(session, order_no=order.order_no)


@pytest.fixture
def staff(session):
    return make_staff(session)
