"""A signed-in member of staff, and an hour to publish campaigns in."""

from datetime import timedelta
from typing import Any

import pytest

from tests.builders.staff import make_staff


@pytest.fixture
def staff(session, token_for):
    """Headers of a merchant's account; `staff.id` is it."""
    account = make_staff(session)
    session.commit()

    class Signed(dict[str, str]):
        id = account.id

    return Signed(token_for("staff", account.id))


@pytest.fixture
def body(now) -> dict[str, Any]:
    """满100减10 on all goods, running for an hour."""
    return {
        "kind": "spend_and_save",
        "title": "满100减10",
        "terms": {"tiers": [{"threshold": 10_000, "off_fen": 1_000}]},
        "starts_at": (now - timedelta(minutes=1)).isoformat(),
        "ends_at": (now + timedelta(hours=1)).isoformat(),
    }
