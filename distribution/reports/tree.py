"""The tree of bindings as the merchant reads it: who stands above somebody, and who right below."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import bindparam, text
from sqlalchemy.orm import Session

from distribution.base import Moment
from distribution.team.states import DistributorStatus

MOST_ABOVE = 100
"""How far up the chain is told; only the first two of it ever earn."""

_ABOVE = text(
    """
    WITH RECURSIVE above AS (
        SELECT 1 AS distance, upline_member_id AS member_id, bound_at, protection_ends_at
        FROM binding WHERE member_id = :member_id
        UNION ALL
        SELECT distance + 1, binding.upline_member_id, binding.bound_at, binding.protection_ends_at
        FROM above JOIN binding USING (member_id) WHERE distance < :most)
    SELECT distance, member_id, status, above.bound_at, above.protection_ends_at
    FROM above JOIN distributor USING (member_id) ORDER BY distance
    """
)
_BELOW = text(
    """
    SELECT page.member_id, page.bound_at, page.protection_ends_at, origin, status,
           (SELECT count(*) FROM binding WHERE upline_member_id = page.member_id) AS brought
    FROM (
        SELECT member_id, bound_at, protection_ends_at, log_id FROM binding
        WHERE upline_member_id = :member_id
          AND (CAST(:bound_at AS timestamptz) IS NULL
               OR (bound_at, member_id) < (:bound_at, :last_id))
        ORDER BY bound_at DESC, member_id DESC LIMIT :limit) AS page
    JOIN binding_log ON binding_log.id = log_id
    LEFT JOIN distributor ON distributor.member_id = page.member_id
    ORDER BY page.bound_at DESC, page.member_id DESC
    """
).bindparams(bindparam("bound_at", type_=Moment))


class Above(NamedTuple):
    """Somebody above a member: at distance 1 the upline, at 2 the upline's upline, and so on."""

    distance: int
    member_id: int
    status: DistributorStatus
    bound_at: datetime
    protection_ends_at: datetime | None
    """Until when the one below is protected for them; None is for good."""


class Below(NamedTuple):
    """Somebody who is bound to a distributor, and how many they brought themselves."""

    member_id: int
    bound_at: datetime
    protection_ends_at: datetime | None
    origin: str
    status: DistributorStatus | None
    """As a distributor; None if they are none."""
    brought: int


def above(session: Session, member_id: int) -> Sequence[Above]:
    """The chain above a member, nearest first, also where a protection is over."""
    rows = session.execute(_ABOVE, {"member_id": member_id, "most": MOST_ABOVE})
    return [
        Above(row.distance, row.member_id, DistributorStatus(row.status), *row[3:]) for row in rows
    ]


def below(
    session: Session,
    member_id: int,
    *,
    before: tuple[datetime, int] | None = None,
    limit: int = 20,
) -> Sequence[Below]:
    """
    Who is bound to a distributor, the latest first.

    `before` is `(bound_at, member_id)` of the last one seen.
    """
    bound_at, last_id = before or (None, None)
    asked = {"member_id": member_id, "bound_at": bound_at, "last_id": last_id, "limit": limit}
    rows = session.execute(_BELOW, asked)
    return [
        Below(
            member_id=row.member_id,
            bound_at=row.bound_at,
            protection_ends_at=row.protection_ends_at,
            origin=row.origin,
            status=DistributorStatus(row.status) if row.status else None,
            brought=row.brought,
        )
        for row in rows
    ]
