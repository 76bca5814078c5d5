"""A buyer with a cart, and a stranger."""

import pytest

from app.core.auth import Audience
from tests.builders.catalogue import make_sku
from tests.builders.members import make_address, make_member


@pytest.fixture
def buyer(session):
    """A member who has an address."""
    member = make_member(session)
    make_address(session, member_id=member.id)
    session.commit()
    return member


@pytest.fixture
def as_buyer(buyer, token_for):
    return token_for(Audience.SHOPPER, buyer.id)


@pytest.fixture
def as_stranger(session, token_for):
    """The headers of somebody else."""
    member = make_member(session)
    session.commit()
    return token_for(Audience.SHOPPER, member.id)


@pytest.fixture
def cart(client, as_buyer):
    """Add a SKU to the buyer's cart and return the line."""

    def add(sku, quantity=1):
        body = {"sku_id": sku.id, "quantity": quantity}
        answer = client.post("/api/v1/cart/items", json=body, headers=as_buyer)
        assert answer.status_code == 201, answer.json
        return answer.json

    return add


@pytest.fixture
def show(client, as_buyer):
    def view():
        answer = client.get("/api/v1/cart", headers=as_buyer)
        assert answer.status_code == 200
        return answer.json

    return view


@pytest.fixture
def sku(session):
    sku = make_sku(session, price_fen=5000, available=10)
    session.commit()
    return sku
