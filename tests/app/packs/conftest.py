"""Newcomers, staff, and packs that run now."""

from datetime import timedelta

import pytest

from app.core.auth import Audience
from tests.builders import packs as builders
from tests.builders.members import make_member
from tests.builders.staff import make_staff


@pytest.fixture
def staff(session, token_for):
    """Headers of a merchant's account; `staff.id` is it."""
    account = make_staff(session)
    session.commit()

    class Signed(dict[str, str]):
        id = account.id

    return Signed(token_for(Audience.STAFF, account.id))


@pytest.fixture
def begun(now):
    """When what runs now began."""
    return now - timedelta(minutes=1)


@pytest.fixture
def make_template(session, begun):
    """Make a published template, committed."""

    def make(kind="coupon_amount", **more):
        template = builders.make_gift_template(session, kind, starts_at=begun, **more)
        session.commit()
        return template

    return make


@pytest.fixture
def make_pack(session, begun):
    """Make a pack that can be claimed now, committed."""

    def make(*parts, **more):
        pack = builders.make_pack(session, *parts, now=begun, **{"starts_at": begun, **more})
        session.commit()
        return pack

    return make


@pytest.fixture
def newcomer(session, token_for, begun):
    """Make a member who has just registered; return (member, headers)."""

    def make(**fields):
        member = make_member(session, **{"now": begun, **fields})
        session.commit()
        return member, token_for(Audience.SHOPPER, member.id)

    return make
