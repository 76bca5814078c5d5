"""Members, distributors and staff, with the headers to act as them."""

import pytest

from app.core.auth import Audience
from distribution import team
from distribution.team import joining
from tests.builders.distribution import make_distributor, make_rules
from tests.builders.members import make_member
from tests.builders.staff import make_staff


@pytest.fixture
def as_member(session, token_for):
    """Make a member and return (member, headers)."""

    def make(**fields):
        member = make_member(session, **fields)
        session.commit()
        return member, token_for(Audience.SHOPPER, member.id)

    return make


@pytest.fixture
def as_distributor(session, as_member):
    """Make an active distributor, below another if given, and return (member, headers)."""

    def make(*, upline=None, **fields):
        member, headers = as_member(**fields)
        make_distributor(session, member_id=member.id, now=member.created_at)
        if upline is not None:
            bring(session, member, upline)
        session.commit()
        return member, headers

    return make


@pytest.fixture
def staff_id(session):
    """Make a staff account and return its id."""
    staff = make_staff(session)
    session.commit()
    return staff.id


@pytest.fixture
def as_staff(staff_id, token_for):
    """Headers to act as that account."""
    return token_for(Audience.STAFF, staff_id)


@pytest.fixture
def two_levels(session):
    """The shop pays 10 % and 5 %, and anybody may be a distributor."""
    rules = make_rules(session)
    session.commit()
    return rules


def bring(session, member, upline):
    """Bind a member to a distributor and commit."""
    code = joining.get(session, upline.id).invite_code
    team.bind(session, member_id=member.id, invite_code=code, origin="scene", now=member.created_at)
    session.commit()
