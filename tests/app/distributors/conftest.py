"""Members, distributors and staff, with the headers to act as them."""

import pytest
from sqlalchemy import select

from app.core.auth import Audience
from app.distributors import verify
from distribution import team
from distribution.team import joining
from distribution.team.models import ShareClick
from tests.builders.distribution import make_binding_rules, make_distributor, make_rules, uplines_of
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


@pytest.fixture
def proven(session):
    """Whatever a test did, the proof holds afterwards."""
    yield
    session.rollback()
    assert list(verify.verify(session)) == []


@pytest.fixture
def rules(session):
    """Put rules of binding in force."""

    def change(**fields):
        make_binding_rules(session, **fields)
        session.commit()

    return change


def code_of(session, member):
    return joining.get(session, member.id).invite_code


def upline_of(session, member):
    session.rollback()
    return next((each.member_id for each in uplines_of(session, member.id)), None)


def clicks_of(session):
    session.rollback()
    rows = session.scalars(select(ShareClick).order_by(ShareClick.id))
    return [(each.source, each.member_id, each.upline_member_id, each.spu_id) for each in rows]
