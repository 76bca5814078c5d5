"""
The tree of bindings: the one place where somebody is put below somebody, or taken out.

Nobody is their own upline at any distance, whoever binds, re-binds and joins at the same moment:

- Everybody above a member is a distributor, so only who is a distributor can be inside a chain.
  Moving a member who is none changes the end of chains and closes no circle. Their own lock, which
  joining takes too, keeps them from becoming one until the move is committed; whoever is put below
  them after that walks a chain that has the move in it.
- Moving a distributor, whether it is their first binding or the tenth, takes the lock of the whole
  tree. Such moves take turns, each walks the chain above the new upline in one statement, begun
  when it has the lock, and no edge between distributors changes meanwhile.
- Taking somebody out closes no circle and needs no lock of the tree.

An edge whose protection is over is an edge until somebody else takes it: the walk needs no clock.
Whoever writes about a member who is bound holds that binding's row, so the latest row of the log
is what the binding says. Order: member, tree, the binding's row, the upline's row, places.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, insert, literal, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from distribution import locks
from distribution.team import places
from distribution.team.models import Binding, BindingLog, Distributor
from distribution.team.states import BindingKind, DistributorStatus


class BindingRefused(Exception):
    """The binding was not changed. Subclasses say why."""


class UplineNotActive(BindingRefused):
    """The inviter is not an active distributor."""


class SelfBinding(BindingRefused):
    """The invite code is the member's own."""


class BindingCycle(BindingRefused):
    """The inviter is below the member, so the member would become their own upline."""


@dataclass(frozen=True, slots=True)
class Why:
    """What changes a binding, and who, if it is not the member."""

    origin: str
    actor: str | None = None
    reason: str | None = None
    click_id: int | None = None


def bound(session: Session, member_id: int) -> Binding | None:
    """The member's binding as it is now."""
    return session.get(Binding, member_id, populate_existing=True)


def hold(session: Session, member_id: int) -> Binding | None:
    """The member's binding, to be changed: the tree is held too if they may have a team."""
    if session.get(Distributor, member_id) is not None:
        locks.hold_tree(session)
    return held(session, member_id)


def held(session: Session, member_id: int) -> Binding | None:
    """The member's binding, locked, to be ended or confirmed."""
    return session.get(
        Binding, member_id, populate_existing=True, with_for_update={"key_share": True}
    )


def place(
    session: Session,
    old: Binding | None,
    *,
    member_id: int,
    upline_id: int,
    why: Why,
    protection_ends_at: datetime | None,
    now: datetime,
) -> Binding:
    """
    Put a member below an upline, instead of where they were; `old` is what `hold` has answered.

    :raises SelfBinding: it is the member.
    :raises UplineNotActive: the upline is pending, frozen or gone.
    :raises BindingCycle: the upline is below the member.
    """
    if upline_id == member_id:
        raise SelfBinding(f"member {member_id} cannot be their own upline")
    refuse_inactive(session, upline_id)
    _refuse_cycle(session, member_id, upline_id)
    fields = {
        "upline_member_id": upline_id,
        "bound_at": now,
        "protection_ends_at": protection_ends_at,
    }
    kind = BindingKind.BIND if old is None else BindingKind.REBIND
    log_id = _log(session, kind, member_id, old, why, now=now, **fields)
    row = {"member_id": member_id, "log_id": log_id, **fields}
    written = (
        upsert(Binding)
        .values(row)
        .on_conflict_do_update(index_elements=[Binding.member_id], set_=row)
    )
    made = session.scalars(
        written.returning(Binding), execution_options={"populate_existing": True}
    ).one()
    places.refresh(session, [member_id])
    return made


def take_out(session: Session, old: Binding, *, why: Why, now: datetime) -> None:
    """End a binding; `old` is what `held` has answered."""
    fields = {
        "upline_member_id": None,
        "bound_at": old.bound_at,
        "protection_ends_at": old.protection_ends_at,
    }
    _log(session, BindingKind.UNBIND, old.member_id, old, why, now=now, **fields)
    session.execute(delete(Binding).where(Binding.member_id == old.member_id))
    places.refresh(session, [old.member_id])


def refuse_inactive(session: Session, upline_id: int) -> None:
    """
    Hold an active distributor's row, so that nobody leaves or is frozen while being bound to.

    :raises UplineNotActive: the distributor is pending, frozen, gone or none.
    """
    status = session.scalar(
        select(Distributor.status)
        .where(Distributor.member_id == upline_id)
        .with_for_update(read=True)
    )
    if status != DistributorStatus.ACTIVE:
        raise UplineNotActive(f"distributor {upline_id} is {status}")


def _refuse_cycle(session: Session, member_id: int, upline_id: int) -> None:
    """Walk up from the upline; meeting the member means they would be above themselves."""
    above = (
        select(Binding.upline_member_id.label("member_id"))
        .where(Binding.member_id == upline_id)
        .cte("above", recursive=True)
    )
    above = above.union(
        select(Binding.upline_member_id).where(Binding.member_id == above.c.member_id)
    )
    is_above = select(literal(1)).select_from(above).where(above.c.member_id == member_id)
    if session.scalar(select(is_above.exists())):
        raise BindingCycle(f"distributor {upline_id} is below member {member_id}")


def _log(
    session: Session,
    kind: BindingKind,
    member_id: int,
    old: Binding | None,
    why: Why,
    *,
    now: datetime,
    **fields: object,
) -> int | None:
    row = {
        "kind": kind,
        "member_id": member_id,
        "previous_upline_id": None if old is None else old.upline_member_id,
        "origin": why.origin,
        "actor": why.actor,
        "reason": why.reason,
        "click_id": why.click_id,
        "logged_at": now,
        **fields,
    }
    return session.scalar(insert(BindingLog).values(row).returning(BindingLog.id))
