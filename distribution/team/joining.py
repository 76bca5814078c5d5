"""
Becoming a distributor, being stopped, leaving.

Joining costs nothing, and the member says by it to be of age: nobody under 18 shares and earns.
Where the shop asks that something was bought, an application waits until it was; nothing else
follows from having bought, no grade and no rate.
"""

import secrets
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import any_, select
from sqlalchemy.dialects.postgresql import insert as insert_or_ignore
from sqlalchemy.orm import Session

from distribution import ledger, locks
from distribution.base import bigints
from distribution.team import facts, joining_rules
from distribution.team.models import Distributor
from distribution.team.standing import (
    MEMBER,
    SYSTEM,
    IllegalMove,
    UnknownDistributor,
    get,
    history,
    move,
    record,
)
from distribution.team.states import DistributorStatus as Status
from distribution.team.states import Joining

__all__ = [
    "IllegalMove",
    "NotByAsking",
    "UnknownDistributor",
    "appoint",
    "approve",
    "freeze",
    "get",
    "history",
    "join",
    "leave",
    "new_invite_code",
    "qualify",
    "qualify_next",
    "refuse",
    "resume",
]

INVITE_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""32 letters and digits without 0, 1, I and O, which people confuse."""
INVITE_LENGTH = 8

_AT_ONCE = (Joining.EVERYONE, Joining.OPEN)
_IF_BOUGHT = (Joining.SPENDING, Joining.GOODS)


class NotByAsking(Exception):
    """The shop appoints its distributors; nobody applies."""


def join(session: Session, *, member_id: int, now: datetime) -> Distributor:
    """
    Make a member who declares to be of age a distributor, as the rules say. Free, and repeatable.

    At once, when the shop's conditions are met, or after staff have approved. Who was appointed
    begins. Who left or was refused and asks again keeps the invite code, the team and the accounts,
    but waits for staff: leaving must not be a way out of being frozen.

    :raises NotByAsking: the shop appoints, and has not appointed this member.
    """
    locks.hold_member(session, member_id)
    existing = session.get(Distributor, member_id, populate_existing=True)
    if existing is not None and existing.status == Status.INVITED:
        return _begin(session, member_id, Status.INVITED, Status.ACTIVE, now=now)
    if existing is not None and existing.status not in {Status.LEFT, Status.REFUSED}:
        return existing
    status = _status_of_newcomer(session, member_id)
    if existing is not None:
        return _begin(session, member_id, existing.status, Status.PENDING, now=now)
    _enrol(session, member_id, status, actor=MEMBER, now=now)
    return get(session, member_id)


def appoint(
    session: Session, *, member_id: int, reason: str, actor: str, now: datetime
) -> Distributor:
    """
    Make somebody a distributor by the will of staff. Who applied begins; others are invited.

    Who is invited begins by declaring to be of age: see `join`.

    :raises IllegalMove: the member is a distributor, frozen, or invited already.
    """
    locks.hold_member(session, member_id)
    existing = session.get(Distributor, member_id, populate_existing=True)
    if existing is None:
        _enrol(session, member_id, Status.INVITED, reason=reason, actor=actor, now=now)
        return get(session, member_id)
    if existing.status in {Status.PENDING, Status.QUALIFYING}:
        sources, target = (Status.PENDING, Status.QUALIFYING), Status.ACTIVE
    else:
        sources, target = (Status.REFUSED, Status.LEFT), Status.INVITED
    return move(session, member_id, sources, target, reason=reason, actor=actor, now=now)


def approve(session: Session, *, member_id: int, now: datetime, actor: str = SYSTEM) -> Distributor:
    """
    Accept an application.

    :raises UnknownDistributor: the member never applied.
    :raises IllegalMove: no application is open.
    """
    open_ = (Status.PENDING, Status.QUALIFYING)
    return move(session, member_id, open_, Status.ACTIVE, actor=actor, now=now)


def refuse(
    session: Session, *, member_id: int, reason: str, now: datetime, actor: str = SYSTEM
) -> Distributor:
    """
    Refuse an application; the member reads the reason and may apply again.

    :raises UnknownDistributor: the member never applied.
    :raises IllegalMove: no application is open.
    """
    open_ = (Status.PENDING, Status.QUALIFYING)
    return move(session, member_id, open_, Status.REFUSED, reason=reason, actor=actor, now=now)


def qualify(session: Session, member_ids: Iterable[int], *, now: datetime) -> int:
    """
    Let those begin who applied and have meanwhile met what the shop asks; returns how many.

    Where the rules ask nothing of the kind any more, they begin or wait for staff, as the rules
    say now.
    """
    waiting = session.scalars(
        select(Distributor.member_id)
        .where(
            Distributor.member_id == any_(bigints(member_ids)),
            Distributor.status == Status.QUALIFYING,
        )
        .order_by(Distributor.member_id)
        .with_for_update(key_share=True)
    ).all()
    if not waiting:
        return 0
    rules = joining_rules.current(session)
    bought = facts.bought(session, waiting, rules)
    moved = 0
    for member_id in waiting:
        if rules.way in _IF_BOUGHT and not rules.are_met(bought[member_id]):
            continue
        begins = rules.way in {*_AT_ONCE, *_IF_BOUGHT}
        target = Status.ACTIVE if begins else Status.PENDING
        move(session, member_id, [Status.QUALIFYING], target, actor=SYSTEM, now=now)
        moved += 1
    return moved


def qualify_next(session: Session, *, after: int, now: datetime, limit: int = 1_000) -> int | None:
    """
    Look again at those who wait for the shop's conditions, by id after `after`.

    Returns the last one looked at, None if none is left.
    """
    ids = session.scalars(
        select(Distributor.member_id)
        .where(Distributor.status == Status.QUALIFYING, Distributor.member_id > after)
        .order_by(Distributor.member_id)
        .limit(limit)
    ).all()
    qualify(session, ids, now=now)
    return ids[-1] if ids else None


def freeze(
    session: Session, *, member_id: int, reason: str, now: datetime, actor: str = SYSTEM
) -> Distributor:
    """
    Stop an active distributor from earning. What was earned stays.

    :raises UnknownDistributor: the member is no distributor.
    :raises IllegalMove: the distributor is not active.
    """
    active, frozen = [Status.ACTIVE], Status.FROZEN
    return move(session, member_id, active, frozen, reason=reason, actor=actor, now=now)


def resume(session: Session, *, member_id: int, now: datetime, actor: str = SYSTEM) -> Distributor:
    """
    Let a frozen distributor earn again, from now on.

    :raises UnknownDistributor: the member is no distributor.
    :raises IllegalMove: the distributor is not frozen.
    """
    return move(session, member_id, [Status.FROZEN], Status.ACTIVE, actor=actor, now=now)


def leave(session: Session, *, member_id: int, now: datetime) -> None:
    """End a distributor's part, or withdraw the application. Nothing happens to anybody else."""
    staying = [status for status in Status if status != Status.LEFT]
    try:
        move(session, member_id, staying, Status.LEFT, actor=MEMBER, now=now)
    except (UnknownDistributor, IllegalMove):
        return  # There is no part to end.


def new_invite_code() -> str:
    """An invite code nobody can guess and everybody can read aloud: 40 random bits."""
    return "".join(secrets.choice(INVITE_ALPHABET) for _ in range(INVITE_LENGTH))


def _status_of_newcomer(session: Session, member_id: int) -> Status:
    rules = joining_rules.current(session)
    if rules.way == Joining.APPOINTED:
        raise NotByAsking("distributors are appointed")
    if rules.way in _AT_ONCE:
        return Status.ACTIVE
    if rules.way == Joining.APPROVAL:
        return Status.PENDING
    met = rules.are_met(facts.bought(session, [member_id], rules)[member_id])
    return Status.ACTIVE if met else Status.QUALIFYING


def _begin(
    session: Session, member_id: int, source: Status, target: Status, *, now: datetime
) -> Distributor:
    return move(session, member_id, [source], target, actor=MEMBER, now=now, declares=True)


def _enrol(
    session: Session,
    member_id: int,
    status: Status,
    *,
    actor: str,
    now: datetime,
    reason: str | None = None,
) -> None:
    """Write the first row of a distributor, with an invite code, accounts and a log entry."""
    row = {
        "member_id": member_id,
        "status": status,
        "applied_at": now,
        "approved_at": now if status == Status.ACTIVE else None,
        "status_at": now,
        "status_reason": reason,
        "declared_at": None if status == Status.INVITED else now,
    }
    while not session.scalar(
        insert_or_ignore(Distributor)
        .values(**row, invite_code=new_invite_code())
        .on_conflict_do_nothing(index_elements=[Distributor.invite_code])
        .returning(Distributor.member_id)
    ):
        pass  # One code in a million million is taken: draw again.
    ledger.open_accounts(session, [member_id])
    record(session, member_id, None, status, reason=reason, actor=actor, now=now)
