"""Distributors who share, with their headers."""

import pytest

from app.core.auth import Audience
from distribution.team import joining
from tests.builders.distribution import make_distributor, make_rules
from tests.builders.members import make_member


@pytest.fixture
def distributor(session, token_for, now):
    """An active distributor, and the headers to act as them."""
    make_rules(session, now=now)
    member = make_member(session, nickname="周敏")
    make_distributor(session, member_id=member.id, now=now)
    session.commit()
    return member, token_for(Audience.SHOPPER, member.id)


@pytest.fixture
def invite_code(session, distributor):
    return joining.get(session, distributor[0].id).invite_code
