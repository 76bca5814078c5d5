"""What a merchant has decided."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy.orm import Session

from app.shop import service
from app.shop.rules import ShopRules
from tests.builders.staff import make_staff

NOON = datetime(2026, 6, 1, 4, tzinfo=UTC)


def decide(session: Session, *, now: datetime = NOON, **fields: Any) -> ShopRules:
    """Put rules in force: the defaults but for `fields`."""
    staff = make_staff(session, now=now)
    return service.change(session, fields=fields, staff_id=staff.id, reason="试运行", now=now)
