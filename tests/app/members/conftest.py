"""A signed-in member, and the headers to act as one."""

import pytest

from app.core.auth import Audience
from tests.builders.members import make_member


@pytest.fixture
def as_member(session, token_for):
    """Make a member and return (member, headers)."""

    def make(**fields):
        member = make_member(session, **fields)
        session.commit()
        return member, token_for(Audience.SHOPPER, member.id)

    return make
