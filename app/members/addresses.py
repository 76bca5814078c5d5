"""
The address book: at most twenty, and of those that exist exactly one is the default.

Every change takes the member's row lock first, so counting and choosing a default do not race.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.core import crypto
from app.core.errors import Conflict
from app.members import queries
from app.members import service as members
from app.members.models import MemberAddress

MOST = 20

SEALED = {"receiver": "receiver_sealed", "phone": "phone_sealed", "detail": "detail_sealed"}
"""Fields that are encrypted at rest, and their columns."""


class TooManyAddresses(Conflict):
    """The address book is full."""

    code, title = "too_many_addresses", "收货地址已达 20 个上限"


def add(
    session: Session, *, member_id: int, fields: dict[str, Any], is_default: bool, now: datetime
) -> MemberAddress:
    """
    Add an address; the first becomes the default whatever was asked.

    :raises TooManyAddresses: there are twenty already.
    """
    members.locked(session, member_id=member_id)
    count = session.scalar(select(func.count()).where(MemberAddress.member_id == member_id))
    if count == MOST:
        raise TooManyAddresses
    is_default = is_default or count == 0
    if is_default:
        _no_default(session, member_id)
    address = MemberAddress(
        member_id=member_id,
        **_columns(fields),
        is_default=is_default,
        created_at=now,
        updated_at=now,
    )
    session.add(address)
    session.flush()
    return address


def change(
    session: Session, *, member_id: int, address_id: int, fields: dict[str, Any], now: datetime
) -> MemberAddress:
    """
    Change what `fields` names. `is_default` can only be given away by choosing another default.

    :raises AddressNotFound: there is none, or it is somebody else's.
    """
    members.locked(session, member_id=member_id)
    address = queries.address(session, member_id=member_id, address_id=address_id)
    if fields.pop("is_default", False) and not address.is_default:
        _no_default(session, member_id)
        address.is_default = True
    for column, value in _columns(fields).items():
        setattr(address, column, value)
    address.updated_at = now
    session.flush()
    return address


def remove(session: Session, *, member_id: int, address_id: int) -> None:
    """
    Erase an address; if it was the default, the latest of the others takes its place.

    :raises AddressNotFound: there is none, or it is somebody else's.
    """
    members.locked(session, member_id=member_id)
    address = queries.address(session, member_id=member_id, address_id=address_id)
    session.delete(address)
    session.flush()
    if not address.is_default:
        return
    heir = session.scalar(
        select(MemberAddress)
        .where(MemberAddress.member_id == member_id)
        .order_by(MemberAddress.id.desc())
        .limit(1)
    )
    if heir is not None:
        heir.is_default = True
        session.flush()


def _no_default(session: Session, member_id: int) -> None:
    session.execute(
        update(MemberAddress)
        .where(MemberAddress.member_id == member_id, MemberAddress.is_default)
        .values(is_default=False)
    )


def _columns(fields: dict[str, Any]) -> dict[str, Any]:
    return {
        SEALED.get(name, name): crypto.seal(value) if name in SEALED else value
        for name, value in fields.items()
    }
