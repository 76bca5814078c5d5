"""
Whole teams at once: released when their distributor has left, or handed to another by staff.

Both are set-based and work in batches, so that a team of a hundred thousand neither holds its locks
for long nor is half forgotten after a crash: each batch looks at who is still there. Each person is
logged.
"""

from datetime import datetime

from sqlalchemy import bindparam, text
from sqlalchemy.orm import Session

from distribution import locks
from distribution.base import Moment
from distribution.team import binding_rules, places, tree
from distribution.team.states import OnLeaving

BATCH = 5_000
"""How many people are released in one transaction."""
HANDED_AT_ONCE = 2_000
"""How many people are handed over in one transaction, which holds the tree."""

_RELEASE = text(
    """
    WITH gone AS (
        SELECT binding.member_id, upline_member_id, bound_at, protection_ends_at
        FROM binding JOIN distributor ON distributor.member_id = upline_member_id
        WHERE status = 'left'
        LIMIT :limit FOR UPDATE OF binding SKIP LOCKED),
    logged AS (
        INSERT INTO binding_log (kind, member_id, previous_upline_id, origin, actor, reason,
                                 bound_at, protection_ends_at, logged_at)
        SELECT 'unbind', member_id, upline_member_id, 'leaving', :actor, :reason,
               bound_at, protection_ends_at, :now
        FROM gone RETURNING member_id)
    DELETE FROM binding USING logged WHERE binding.member_id = logged.member_id
    RETURNING binding.member_id
    """
).bindparams(bindparam("now", type_=Moment))
_HAND_OVER = text(
    """
    WITH RECURSIVE above AS (
        SELECT CAST(:to_id AS bigint) AS member_id
        UNION
        SELECT upline_member_id FROM binding JOIN above USING (member_id)),
    moving AS (
        SELECT member_id, upline_member_id FROM binding
        WHERE upline_member_id = :from_id AND member_id NOT IN (SELECT member_id FROM above)
        ORDER BY member_id LIMIT :limit FOR NO KEY UPDATE),
    logged AS (
        INSERT INTO binding_log (kind, member_id, upline_member_id, previous_upline_id, origin,
                                 actor, reason, bound_at, protection_ends_at, logged_at)
        SELECT 'rebind', member_id, :to_id, upline_member_id, 'staff',
               :actor, :reason, :now, :protection_ends_at, :now
        FROM moving
        RETURNING id, member_id, upline_member_id, bound_at, protection_ends_at)
    UPDATE binding
    SET upline_member_id = logged.upline_member_id, log_id = logged.id,
        bound_at = logged.bound_at, protection_ends_at = logged.protection_ends_at
    FROM logged WHERE binding.member_id = logged.member_id
    RETURNING binding.member_id
    """
).bindparams(bindparam("now", type_=Moment), bindparam("protection_ends_at", type_=Moment))


def release(session: Session, *, now: datetime, limit: int = BATCH) -> int:
    """
    Unbind up to `limit` people of distributors who left, if the rules say so; returns how many.

    Each is logged. It looks at who is gone, not at who is going: whoever was missed, by a crash or
    because the rules said otherwise then, is released the next time. One set-based statement; rows
    another transaction holds are left for later.
    """
    in_force = binding_rules.current(session)
    if in_force.on_leaving != OnLeaving.RELEASE:
        return 0
    given = {
        "limit": limit,
        "actor": f"binding_rules:{in_force.version}",
        "reason": "推荐人已退出分销",
        "now": now,
    }
    released = session.scalars(_RELEASE, given).all()
    places.refresh(session, released)
    return len(released)


def hand_over(
    session: Session,
    *,
    from_id: int,
    to_id: int,
    actor: str,
    reason: str,
    now: datetime,
    limit: int = HANDED_AT_ONCE,
) -> int:
    """
    Put up to `limit` people of one distributor below another; returns how many, 0 at the end.

    Who stands above the other distributor stays, or they would be above themselves. The tree is
    held, and with it all who are above the other: nobody can come to stand there meanwhile.

    :raises UplineNotActive: the other is pending, frozen, gone or none.
    """
    locks.hold_tree(session)
    tree.refuse_inactive(session, to_id)
    given = {
        "from_id": from_id,
        "to_id": to_id,
        "limit": limit,
        "actor": actor,
        "reason": reason,
        "now": now,
        "protection_ends_at": binding_rules.current(session).protection_ends_at(now),
    }
    moved = session.scalars(_HAND_OVER, given).all()
    places.refresh(session, moved)
    return len(moved)
