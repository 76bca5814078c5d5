"""
Where people stand below distributors: brought into line whenever a binding changes.

Whoever writes bindings calls `refresh` in the same transaction, as the last thing it does. A
person's second upline is the first one's upline, so places take turns: whoever comes later sees
the bindings of whoever was first, and of the rest those that are committed; the others come.
"""

from collections.abc import Iterable

from sqlalchemy import ARRAY, BigInteger, bindparam, text
from sqlalchemy.orm import Session

from distribution import locks

_REFRESH = text(
    """
    WITH wanted AS (
        SELECT upline_member_id AS upline_id, member_id, 1 AS level, bound_at
        FROM binding WHERE member_id = ANY (:ids)
        UNION
        SELECT far.upline_member_id, near.member_id, 2, near.bound_at
        FROM binding AS near JOIN binding AS far ON far.member_id = near.upline_member_id
        WHERE near.member_id = ANY (:ids) OR near.upline_member_id = ANY (:ids)),
    present AS (
        SELECT upline_id, member_id, level, bound_at
        FROM team_place WHERE member_id = ANY (:ids) AND level IS NOT NULL
        UNION
        SELECT place.upline_id, place.member_id, place.level, place.bound_at
        FROM binding AS below JOIN team_place AS place ON place.member_id = below.member_id
        WHERE below.upline_member_id = ANY (:ids) AND place.level = 2),
    change AS MATERIALIZED (
        SELECT upline_id, member_id, wanted.level,
               coalesce(wanted.bound_at, present.bound_at) AS at,
               coalesce((wanted.level = 1)::int, 0) - coalesce((present.level = 1)::int, 0) AS near,
               coalesce((wanted.level = 2)::int, 0) - coalesce((present.level = 2)::int, 0) AS far
        FROM wanted FULL JOIN present USING (upline_id, member_id)
        WHERE (wanted.level, wanted.bound_at) IS DISTINCT FROM (present.level, present.bound_at)),
    placed AS (
        INSERT INTO team_place (upline_id, member_id, level, bound_at)
        SELECT upline_id, member_id, level, at FROM change ORDER BY upline_id, member_id
        ON CONFLICT (upline_id, member_id)
        DO UPDATE SET level = excluded.level, bound_at = excluded.bound_at
        RETURNING upline_id)
    INSERT INTO team_size AS kept (member_id, level1_count, level2_count)
    SELECT upline_id, sum(near), sum(far) FROM change
    WHERE (SELECT count(*) FROM placed) >= 0
    GROUP BY upline_id ORDER BY upline_id
    ON CONFLICT (member_id)
    DO UPDATE SET level1_count = kept.level1_count + excluded.level1_count,
                  level2_count = kept.level2_count + excluded.level2_count
    """
).bindparams(bindparam("ids", type_=ARRAY(BigInteger)))
"""Rows are locked in the order of their keys, places before counts, as the roll-up does."""


def refresh(session: Session, member_ids: Iterable[int]) -> None:
    """
    Bring the places of these members, and of those bound to them, into line with the bindings.

    It compares, so it may be called after anything and twice: bindings made, changed or ended.
    """
    moved = {"ids": sorted(member_ids)}
    locks.hold_places(session)
    session.execute(_REFRESH, moved)
