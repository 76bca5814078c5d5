"""
Becoming a distributor, being stopped, leaving. Joining costs nothing and asks for no purchase.

A change of status is guarded in SQL: of two at once, one wins.
"""

import secrets
from datetime import datetime

from sqlalchemy import func, update
from sqlalchemy.dialects.postgresql import insert as insert_or_ignore
from sqlalchemy.orm import Session

from distribution import ledger, locks
from distribution.commissions import rules
from distribution.commissions.rules import Joining
from distribution.team.models import Distributor
from distribution.team.states import DISTRIBUTOR_TRANSITIONS, DistributorStatus

INVITE_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""32 letters and digits without 0, 1, I and O, which people confuse."""
INVITE_LENGTH = 8


class UnknownDistributor(Exception):
    """The member is not a distributor."""


class IllegalMove(Exception):
    """The distributor's status does not allow the change."""


def join(session: Session, *, member_id: int, now: datetime) -> Distributor:
    """
    Make a member a distributor, at once or pending, as the rules say. Free, and repeatable.

    Who left and comes back keeps the invite code, the team and the accounts, but waits for staff:
    leaving must not be a way out of being frozen.
    """
    locks.hold_member(session, member_id)
    existing = session.get(Distributor, member_id, populate_existing=True)
    if existing is not None and existing.status != DistributorStatus.LEFT:
        return existing
    if existing is not None:
        left, pending = DistributorStatus.LEFT, DistributorStatus.PENDING
        return _move(session, member_id, left, pending, now=now)
    is_open = rules.current(session).joining == Joining.OPEN
    status = DistributorStatus.ACTIVE if is_open else DistributorStatus.PENDING
    _enrol(session, member_id, status, now=now)
    ledger.open_accounts(session, [member_id])
    return get(session, member_id)


def approve(session: Session, *, member_id: int, now: datetime) -> Distributor:
    """
    Accept an application.

    :raises UnknownDistributor: the member never applied.
    :raises IllegalMove: the application is not pending.
    """
    return _move(session, member_id, DistributorStatus.PENDING, DistributorStatus.ACTIVE, now=now)


def freeze(session: Session, *, member_id: int, reason: str, now: datetime) -> Distributor:
    """
    Stop an active distributor from earning. What was earned stays.

    :raises UnknownDistributor: the member is no distributor.
    :raises IllegalMove: the distributor is not active.
    """
    active, frozen = DistributorStatus.ACTIVE, DistributorStatus.FROZEN
    return _move(session, member_id, active, frozen, now=now, reason=reason)


def resume(session: Session, *, member_id: int, now: datetime) -> Distributor:
    """
    Let a frozen distributor earn again, from now on.

    :raises UnknownDistributor: the member is no distributor.
    :raises IllegalMove: the distributor is not frozen.
    """
    return _move(session, member_id, DistributorStatus.FROZEN, DistributorStatus.ACTIVE, now=now)


def leave(session: Session, *, member_id: int, now: datetime) -> None:
    """End a distributor's part, or withdraw the application. Nothing happens to anybody else."""
    staying = [state for state in DistributorStatus if state != DistributorStatus.LEFT]
    session.execute(
        update(Distributor)
        .where(Distributor.member_id == member_id, Distributor.status.in_(staying))
        .values(status=DistributorStatus.LEFT, status_at=now, status_reason=None)
    )


def get(session: Session, member_id: int) -> Distributor:
    """
    The distributor a member is.

    :raises UnknownDistributor: the member is none.
    """
    found = session.get(Distributor, member_id, populate_existing=True)
    if found is None:
        raise UnknownDistributor(f"member {member_id} is not a distributor")
    return found


def _enrol(session: Session, member_id: int, status: DistributorStatus, *, now: datetime) -> None:
    row = {
        "member_id": member_id,
        "status": status,
        "applied_at": now,
        "approved_at": now if status == DistributorStatus.ACTIVE else None,
        "status_at": now,
    }
    while not session.scalar(
        insert_or_ignore(Distributor)
        .values(**row, invite_code=new_invite_code())
        .on_conflict_do_nothing(index_elements=[Distributor.invite_code])
        .returning(Distributor.member_id)
    ):
        pass  # One code in a million million is taken: draw again.


def new_invite_code() -> str:
    """An invite code nobody can guess and everybody can read aloud: 40 random bits."""
    return "".join(secrets.choice(INVITE_ALPHABET) for _ in range(INVITE_LENGTH))


def _move(
    session: Session,
    member_id: int,
    source: DistributorStatus,
    target: DistributorStatus,
    *,
    now: datetime,
    reason: str | None = None,
) -> Distributor:
    """Move the status from `source` to `target`: of two at once, one wins."""
    assert target in DISTRIBUTOR_TRANSITIONS[source]
    values: dict[str, object] = {"status": target, "status_at": now, "status_reason": reason}
    if target == DistributorStatus.ACTIVE:
        values["approved_at"] = func.coalesce(Distributor.approved_at, now)
    moved = session.scalar(
        update(Distributor)
        .where(Distributor.member_id == member_id, Distributor.status == source)
        .values(values)
        .returning(Distributor.member_id)
    )
    distributor = get(session, member_id)
    if moved is None:
        raise IllegalMove(f"distributor {member_id} is {distributor.status}, not {source}")
    return distributor
