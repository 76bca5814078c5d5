"""Staff accounts and the headers to act as them."""

import pytest

from app.core.auth import Audience
from app.staff.models import Role
from tests.builders.staff import make_staff


@pytest.fixture
def as_staff(session, token_for):
    """Make an account and return (staff, headers); an owner unless told otherwise."""

    def make(**fields):
        staff = make_staff(session, **{"role": Role.OWNER, **fields})
        session.commit()
        return staff, token_for(Audience.STAFF, staff.id)

    return make
