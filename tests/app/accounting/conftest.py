"""Staff of each role, and a shop that has paid, refunded and matured commissions."""

import pytest

from app.core.auth import Audience
from app.staff.models import Role
from tests.builders.staff import make_staff


@pytest.fixture
def as_role(session, token_for):
    """Make a staff account of a role and return its headers."""

    def make(role=Role.MERCHANT):
        staff = make_staff(session, role=role)
        session.commit()
        return token_for(Audience.STAFF, staff.id)

    return make


@pytest.fixture
def as_staff(as_role):
    return as_role()
