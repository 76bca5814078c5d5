"""
Protection: an order of the member prolongs it.

Nothing ends a binding when its protection is over: that is a fact of the moment one looks at it,
so no job can be late for it.
"""

from datetime import datetime

from sqlalchemy import bindparam, text
from sqlalchemy.orm import Session

from distribution.base import Moment

_EXTEND = text(
    """
    WITH rule AS (
        SELECT mode, make_interval(hours => 24 * extend_days) AS extra
        FROM binding_rules ORDER BY version DESC LIMIT 1),
    live AS (
        SELECT member_id, upline_member_id, bound_at, CAST(:now AS timestamptz) + extra AS until
        FROM binding, rule
        WHERE member_id = :member_id AND mode = 'protected'
          AND protection_ends_at > :now AND protection_ends_at < CAST(:now AS timestamptz) + extra
        FOR NO KEY UPDATE OF binding),
    logged AS (
        INSERT INTO binding_log (kind, member_id, upline_member_id, previous_upline_id, origin,
                                 actor, bound_at, protection_ends_at, logged_at)
        SELECT 'extend', member_id, upline_member_id, upline_member_id, 'order',
               :source, bound_at, until, :now
        FROM live
        RETURNING id, member_id, protection_ends_at)
    UPDATE binding SET log_id = logged.id, protection_ends_at = logged.protection_ends_at
    FROM logged WHERE binding.member_id = logged.member_id
    RETURNING logged.id
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
