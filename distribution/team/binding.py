"""
Who is whose upline: binding, and the two people above a member.

A binding is first-touch and permanent. Nobody is their own upline at any distance: see `bind` for
why that holds under concurrency. Nobody earns by recruiting: a binding moves no money.
"""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import insert, literal, select
from sqlalchemy.orm import Session, aliased

from distribution import locks
from distribution.team.models import Binding, BindingLog, Distributor
from distribution.team.states import DistributorStatus


class BindingRefused(Exception):
    """The member was not bound. Subclasses say why; nothing was changed."""


class UnknownInviteCode(BindingRefused):
    """No distributor has this invite code."""


class UplineNotActive(BindingRefused):
    """The inviter is not an active distributor."""


class SelfBinding(BindingRefused):
    """The invite code is the member's own."""


class AlreadyBound(BindingRefused):
    """The member has another upline already: the first touch counts, for good."""


class BindingCycle(BindingRefused):
    """The inviter is below the member, so the member would become their own upline."""


class Upline(NamedTuple):
    """Who stands above a member, how far, and which binding made it so."""

    level: int
    member_id: int
    status: DistributorStatus
    binding_log_id: int


def bind(
    session: Session, *, member_id: int, invite_code: str, origin: str, now: datetime
) -> Binding:
    """
    Bind a member to the distributor with this invite code, for good; repeating it changes nothing.

    `origin` is what brought the member, such as `scene` or `code`. No cycle can arise:

    - A member who is no distributor has nobody below, so binding them cannot close a circle; the
      member's lock keeps them from becoming one until this transaction ends.
    - A member who is a distributor may have a team: such bindings take turns on the tree's lock,
      so the chain above the inviter is walked as it really is.

    :raises UnknownInviteCode: nobody has the code.
    :raises SelfBinding: it is the member's own.
    :raises AlreadyBound: the member has another upline.
    :raises UplineNotActive: the inviter is pending, frozen or gone.
    :raises BindingCycle: the inviter is below the member.
    """
    upline_id = _inviter(session, invite_code, member_id)
    locks.hold_member(session, member_id)
    bound = session.get(Binding, member_id, populate_existing=True)
    if bound is not None:
        if bound.upline_member_id == upline_id:
            return bound
        raise AlreadyBound(f"member {member_id} has an upline already")
    _refuse_inactive(session, upline_id)
    if session.get(Distributor, member_id) is not None:
        locks.hold_tree(session)
        _refuse_cycle(session, member_id, upline_id)
    return _write_binding(session, member_id, upline_id, origin=origin, now=now)


def uplines_of(session: Session, member_id: int) -> tuple[Upline, ...]:
    """The one or two people above a member, nearest first. One query."""
    first, second = aliased(Binding), aliased(Binding)
    near, far = aliased(Distributor), aliased(Distributor)
    row = session.execute(
        select(
            near.member_id, near.status, first.log_id,
            far.member_id.label("far_id"), far.status.label("far_status"),
            second.log_id.label("far_log_id"),
        )
        .join(near, near.member_id == first.upline_member_id)
        .outerjoin(second, second.member_id == first.upline_member_id)
        .outerjoin(far, far.member_id == second.upline_member_id)
        .where(first.member_id == member_id)
    ).one_or_none()  # fmt: skip
    if row is None:
        return ()
    level1 = Upline(1, row.member_id, row.status, row.log_id)
    if row.far_id is None:
        return (level1,)
    return (level1, Upline(2, row.far_id, row.far_status, row.far_log_id))


def _inviter(session: Session, invite_code: str, member_id: int) -> int:
    upline_id = session.scalar(
        select(Distributor.member_id).where(Distributor.invite_code == invite_code)
    )
    if upline_id is None:
        raise UnknownInviteCode(f"no distributor has the invite code {invite_code!r}")
    if upline_id == member_id:
        raise SelfBinding(f"member {member_id} cannot be their own upline")
    return upline_id


def _refuse_inactive(session: Session, upline_id: int) -> None:
    status = session.scalar(select(Distributor.status).where(Distributor.member_id == upline_id))
    if status != DistributorStatus.ACTIVE:
        raise UplineNotActive(f"distributor {upline_id} is {status}")


def _refuse_cycle(session: Session, member_id: int, upline_id: int) -> None:
    """Walk up from the inviter; meeting the member means they would be above themselves."""
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


def _write_binding(
    session: Session, member_id: int, upline_id: int, *, origin: str, now: datetime
) -> Binding:
    log_id = session.scalar(
        insert(BindingLog)
        .values(member_id=member_id, upline_member_id=upline_id, origin=origin, bound_at=now)
        .returning(BindingLog.id)
    )
    binding = Binding(member_id=member_id, upline_member_id=upline_id, log_id=log_id, bound_at=now)
    session.add(binding)
    session.flush()
    return binding
