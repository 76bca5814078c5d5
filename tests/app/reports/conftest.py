"""Staff who ask, an analyst among them, and orders to ask about."""

import pytest

from app.core.auth import Audience
from app.orders.models import OrderStatus
from app.staff.models import Role
from tests.builders.catalogue import make_sku
from tests.builders.orders import make_order
from tests.builders.staff import make_staff


@pytest.fixture
def analyst(session, token_for):
    """Headers of an analyst: who may do all of this and nothing else."""
    account = make_staff(session, role=Role.ANALYST)
    session.commit()
    return token_for(Audience.STAFF, account.id)


@pytest.fixture
def sku(session, now):
    """Something for 100 yuan that cost the shop 85."""
    sku = make_sku(session, price_fen=10_000, available=1_000, now=now)
    sku.cost_price_fen = 8_500
    session.commit()
    return sku


@pytest.fixture
def paid(session, sku, now):
    """Place an order of some pieces and have it paid."""

    def make(quantity=1, *, at=now, **more):
        fields = {"sku": sku, "quantity": quantity, "status": OrderStatus.PAID, **more}
        order = make_order(session, now=at, **fields)
        session.commit()
        return order

    return make
