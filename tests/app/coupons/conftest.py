"""Signed-in members and staff, and templates of coupons that run now."""

from datetime import timedelta

import pytest

from app.core.auth import Audience
from tests.builders.coupons import make_template
from tests.builders.members import make_member
from tests.builders.staff import make_staff


class Signed(dict[str, str]):
    """Headers of somebody; `id` is who."""

    def __init__(self, who, headers):
        super().__init__(headers)
        self.id = who


@pytest.fixture
def sign_in(session, token_for):
    """Make a member, or with a role staff, and return their headers."""

    def make(role=None, **fields):
        somebody = make_staff(session, role=role) if role else make_member(session, **fields)
        session.commit()
        side = Audience.STAFF if role else Audience.SHOPPER
        return Signed(somebody.id, token_for(side, somebody.id))

    return make


@pytest.fixture
def me(sign_in, now):
    return sign_in(now=now - timedelta(days=9))


@pytest.fixture
def other(sign_in, now):
    return sign_in(now=now - timedelta(days=9))


@pytest.fixture
def staff(sign_in):
    return sign_in("merchant")


@pytest.fixture
def template(session, now):
    """Make a template that began an hour ago, and commit."""

    def make(**fields):
        fields = {"starts_at": now - timedelta(hours=1), **fields}
        promotion = make_template(session, **fields)
        session.commit()
        return promotion

    return make


@pytest.fixture
def state_of(session):
    """Look at a row as the database has it now."""

    def look(row):
        session.rollback()
        session.refresh(row)
        return row.status

    return look
