"""
What happens to bindings without a touch: orders prolong them, and teams are released.

Nothing ends a binding when its protection is over: that is a fact of the moment one looks at it,
so no job can be late for it.
"""

from datetime import datetime

from sqlalchemy import bindparam, text
from sqlalchemy.orm import Session

from distribution.base import Moment
from distribution.team import binding_rules
from distribution.team.states import OnLeaving

BATCH = 5_000
"""How many people are released in one transaction."""

_EXTEND = text(
    """
    WITH rule AS (
        SELECT mode, make_interval(hours => 24 * extend_days) AS extra
        FROM binding_rules ORDER BY version DESC LIMIT 1),
    live AS (
        SELECT member_id, upline_member_id, bound_at, CAST(:now AS timestamptz) + extra AS until
        FROM binding, rule
        WHERE member_id = :member_id AND mode = 'protected'
          AND protected_until > :now AND protected_until < CAST(:now AS timestamptz) + extra
        FOR NO KEY UPDATE OF binding),
    logged AS (
        INSERT INTO binding_log (kind, member_id, upline_member_id, previous_upline_id, origin,
                                 actor, bound_at, protected_until, logged_at)
        SELECT 'extend', member_id, upline_member_id, upline_member_id, 'order',
               :source, bound_at, until, :now
        FROM live
        RETURNING id, member_id, protected_until)
    UPDATE binding SET log_id = logged.id, protected_until = logged.protected_until
    FROM logged WHERE binding.member_id = logged.member_id
    RETURNING logged.id
    """
).bindparams(bindparam("now", type_=Moment))

_RELEASE = text(
    """
    WITH gone AS (
        SELECT binding.member_id, upline_member_id, bound_at, protected_until
        FROM binding JOIN distributor ON distributor.member_id = upline_member_id
        WHERE status = 'left'
        LIMIT :limit FOR UPDATE OF binding SKIP LOCKED),
    logged AS (
        INSERT INTO binding_log (kind, member_id, previous_upline_id, origin, actor, reason,
                                 bound_at, protected_until, logged_at)
        SELECT 'unbind', member_id, upline_member_id, 'leaving', :actor, :reason,
               bound_at, protected_until, :now
        FROM gone RETURNING member_id)
    DELETE FROM binding USING logged WHERE binding.member_id = logged.member_id
    RETURNING binding.member_id
    """
).bindparams(bindparam("now", type_=Moment))


def extend(session: Session, *, member_id: int, source: str, now: datetime) -> bool:
    """
    Prolong the protection of the member's upline by an order paid now; whether it got longer.

    It lasts the rules' days from now on, never shorter than before. What is over already stays
    over, what is for good stays so. One statement.
    """
    given = {"member_id": member_id, "source": source, "now": now}
    return session.execute(_EXTEND, given).one_or_none() is not None


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
    return len(session.execute(_RELEASE, given).all())
