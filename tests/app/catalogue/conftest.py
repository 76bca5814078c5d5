"""Callers of the staff API."""

import uuid

import pytest

from app.core.auth import Audience
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
