"""A buyer and a stranger."""

import pytest

from app.core.auth import Audience
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
