"""A buyer, a shop assistant, and something to buy."""

import pytest

from app.catalogue import verify as catalogue
from app.core.auth import Audience
from app.marketing import verify as marketing
from app.orders import verify as orders
from distribution import verify as distribution
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
def breaches(session):
    """Every breach of the promises of orders and of what they stand on."""

    def find():
        session.rollback()
        checks = (catalogue.verify, marketing.verify, orders.verify, distribution.verify)
        return [breach for check in checks for breach in check(session)]

    return find
