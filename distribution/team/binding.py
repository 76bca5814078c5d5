"""
Who is whose upline: being bound by a touch.

What a touch does to somebody who is bound already, the merchant has set (`binding_rules`). Nobody
is their own upline at any distance, see `tree`. Nobody earns by recruiting: a binding moves no
money.
"""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from distribution import locks
from distribution.team import binding_rules, tree
from distribution.team.binding_rules import BindingRules, Newness
from distribution.team.models import Binding, Distributor
from distribution.team.tree import BindingRefused, SelfBinding, Why


class UnknownInviteCode(BindingRefused):
    """No distributor has this invite code."""


class AlreadyBound(BindingRefused):
    """The member has another upline, who is protected."""


class NotNew(BindingRefused):
    """Only new members may be bound, and this one is not."""


def bind(
    session: Session,
    *,
    member_id: int,
    invite_code: str,
    origin: str,
    now: datetime,
    newness: Newness | None = None,
) -> Binding:
    """
    Bind a member to the distributor with this invite code, as `bind_to` does.

    :raises UnknownInviteCode: nobody has the code.
    :raises BindingRefused: as `bind_to`.
    """
    upline_id = inviter(session, invite_code)
    why = Why(origin)
    return bind_to(
        session, member_id=member_id, upline_id=upline_id, why=why, newness=newness, now=now
    )


def bind_to(
    session: Session,
    *,
    member_id: int,
    upline_id: int,
    why: Why,
    now: datetime,
    newness: Newness | None = None,
) -> Binding:
    """
    Bind a member who was touched by a distributor; repeating a touch that counts changes nothing.

    Somebody who is bound already is bound anew if the protection is over, or if the latest touch
    counts.

    :raises SelfBinding: they are the same.
    :raises AlreadyBound: the member has another upline, who is protected.
    :raises NotNew: only new members may be bound, and this one is not known to be new.
    :raises UplineNotActive: the distributor is pending, frozen or gone.
    :raises BindingCycle: the distributor is below the member.
    """
    if upline_id == member_id:
        raise SelfBinding(f"member {member_id} cannot be their own upline")
    in_force = binding_rules.current(session)
    locks.hold_member(session, member_id)
    old = None
    for look in (tree.bound, tree.hold):  # Most touches change nothing, and need no lock for it.
        old = look(session, member_id)
        if old is not None and _stays(old, upline_id, in_force, now=now):
            return old
    if not in_force.admits(newness, now=now):
        raise NotNew(f"member {member_id} is not new")
    return tree.place(
        session,
        old,
        member_id=member_id,
        upline_id=upline_id,
        why=why,
        protection_ends_at=in_force.protection_ends_at(now),
        now=now,
    )


def inviter(session: Session, invite_code: str) -> int:
    """
    The member whose invite code it is.

    :raises UnknownInviteCode: nobody has it.
    """
    upline_id = session.scalar(
        select(Distributor.member_id).where(Distributor.invite_code == invite_code)
    )
    if upline_id is None:
        raise UnknownInviteCode(f"no distributor has the invite code {invite_code!r}")
    return upline_id


def _stays(old: Binding, upline_id: int, in_force: BindingRules, *, now: datetime) -> bool:
    """
    Whether a touch changes nothing, because the member is this upline's already.

    :raises AlreadyBound: they are another's, who is protected.
    """
    if old.upline_member_id == upline_id:
        return binding_rules.is_live(old.protection_ends_at, now=now)
    if not in_force.replaces(old.protection_ends_at, now=now):
        raise AlreadyBound(f"member {old.member_id} has an upline already")
    return False
