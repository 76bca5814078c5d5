"""Staff accounts. Hashing is slow on purpose, so tests share one hash of one password."""

import functools
import itertools
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from app.staff import passwords
from app.staff.models import Role, Staff

_numbers = itertools.count(1)
NOON = datetime(2026, 6, 1, 4, tzinfo=UTC)
PASSWORD = "correct horse battery"


@functools.cache
def password_hash() -> str:
    return passwords.hashed(PASSWORD)


def make_staff(
    session: Session,
    *,
    username: str | None = None,
    role: Role = Role.MERCHANT,
    is_active: bool = True,
    now: datetime = NOON,
) -> Staff:
    """An account whose password is `PASSWORD`."""
    username = username or f"staff{next(_numbers)}"
    staff = Staff(
        username=username,
        password_hash=password_hash(),
        display_name=username,
        role=role,
        is_active=is_active,
        created_at=now,
        password_changed_at=now,
    )
    session.add(staff)
    session.flush()
    return staff
