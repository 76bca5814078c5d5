"""A merchant, their calls of the staff API, and a product they made."""

import uuid

import pytest

from app.core.auth import Audience
from tests.builders.catalogue import make_category, spu_body
from tests.builders.staff import make_staff


@pytest.fixture
def merchant(session):
    """A staff account without special rights."""
    made = make_staff(session)
    session.commit()
    return made


@pytest.fixture
def staff(client, token_for, merchant):
    """Calls the staff API as merchant staff: `staff("put", "/brands/1", {...})`."""
    headers = token_for(Audience.STAFF, merchant.id)

    def call(verb, path, body=None, key=None):
        own = {**headers, "Idempotency-Key": key or uuid.uuid4().hex}
        return getattr(client, verb)(f"/admin/v1{path}", json=body, headers=own)

    return call


@pytest.fixture
def category(session):
    made = make_category(session, name="杯壶")
    session.commit()
    return made


@pytest.fixture
def product(staff, category):
    """A product just created, as the staff API shows it."""
    return staff("post", "/products", spu_body(category)).json
