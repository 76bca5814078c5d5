"""
What staff do to bindings, each time with a reason, and the history of a member.

Staff are bound neither by protection nor by who counts as new; the tree is for them the same.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from distribution import locks
from distribution.team import binding_rules, tree
from distribution.team.models import Binding, BindingLog
from distribution.team.states import Source
from distribution.team.tree import BindingRefused, Why


class NotBound(BindingRefused):
    """The member has no upline."""


def rebind(
    session: Session, *, member_id: int, upline_id: int, actor: str, reason: str, now: datetime
) -> Binding:
    """
    Put a member below a distributor, whoever it was before; below the same one, protect anew.

    What would change nothing is not logged.

    :raises SelfBinding: they are the same.
    :raises UplineNotActive: the distributor is pending, frozen, gone or none.
    :raises BindingCycle: the distributor is below the member.
    """
    protection_ends_at = binding_rules.current(session).protection_ends_at(now)
    locks.hold_member(session, member_id)
    old = tree.hold(session, member_id)
    if old is not None and _changes_nothing(old, upline_id, protection_ends_at):
        return old
    return tree.place(
        session,
        old,
        member_id=member_id,
        upline_id=upline_id,
        why=Why(Source.STAFF, actor, reason),
        protection_ends_at=protection_ends_at,
        now=now,
    )


def unbind(session: Session, *, member_id: int, actor: str, reason: str, now: datetime) -> None:
    """
    End a member's binding: they are nobody's until somebody binds them.

    :raises NotBound: they are nobody's already.
    """
    locks.hold_member(session, member_id)
    old = tree.held(session, member_id)
    if old is None:
        raise NotBound(f"member {member_id} has no upline")
    tree.take_out(session, old, why=Why(Source.STAFF, actor, reason), now=now)


def history(
    session: Session, member_id: int, *, before: int | None = None, limit: int = 20
) -> Sequence[BindingLog]:
    """What the log says of a member, the latest first; `before` is the id of the last row seen."""
    rows = select(BindingLog).where(BindingLog.member_id == member_id)
    if before is not None:
        rows = rows.where(BindingLog.id < before)
    return session.scalars(rows.order_by(BindingLog.id.desc()).limit(limit)).all()


def _changes_nothing(old: Binding, upline_id: int, protection_ends_at: datetime | None) -> bool:
    return (old.upline_member_id, old.protection_ends_at) == (upline_id, protection_ends_at)
