"""
A distributor's status: every change is guarded in SQL and on record, with who made it and why.

Of two changes at once one wins; the other is refused, or finds that it has nothing left to do.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from distribution.team.models import Distributor, StatusLog
from distribution.team.states import DISTRIBUTOR_TRANSITIONS, DistributorStatus

SYSTEM = "system"
"""Who it was where conditions decided."""
MEMBER = "member"
"""Who it was where the member did."""


class UnknownDistributor(Exception):
    """The member is not a distributor."""


class IllegalMove(Exception):
    """The distributor's status does not allow the change."""


def get(session: Session, member_id: int) -> Distributor:
    """
    The distributor a member is.

    :raises UnknownDistributor: the member is none.
    """
    found = session.get(Distributor, member_id, populate_existing=True)
    if found is None:
        raise UnknownDistributor(f"member {member_id} is not a distributor")
    return found


def move(
    session: Session,
    member_id: int,
    sources: Sequence[DistributorStatus],
    target: DistributorStatus,
    *,
    actor: str,
    now: datetime,
    reason: str | None = None,
    declares: bool = False,
) -> Distributor:
    """
    Move the status from one of `sources` to `target` and record it.

    `declares`: the member declares, by this very move, to be of age.

    :raises UnknownDistributor: the member is no distributor.
    :raises IllegalMove: the status is none of `sources`.
    """
    assert all(target in DISTRIBUTOR_TRANSITIONS[source] for source in sources)
    before = session.scalar(
        select(Distributor.status)
        .where(Distributor.member_id == member_id)
        .with_for_update(key_share=True)
    )
    if before not in sources:
        raise IllegalMove(f"distributor {get(session, member_id).member_id} is {before}")
    values: dict[str, object] = {"status": target, "status_at": now, "status_reason": reason}
    if target == DistributorStatus.ACTIVE:
        values["approved_at"] = func.coalesce(Distributor.approved_at, now)
    if declares:
        values["declared_at"] = values["applied_at"] = now
    session.execute(
        update(Distributor)
        .where(Distributor.member_id == member_id, Distributor.status == before)
        .values(values),
        execution_options={"synchronize_session": False},
    )
    record(session, member_id, before, target, reason=reason, actor=actor, now=now)
    return get(session, member_id)


def record(
    session: Session,
    member_id: int,
    before: DistributorStatus | None,
    status: DistributorStatus,
    *,
    actor: str,
    now: datetime,
    reason: str | None = None,
) -> None:
    """Put a change of status on record."""
    session.execute(
        insert(StatusLog).values(
            member_id=member_id,
            from_status=before,
            status=status,
            reason=reason,
            actor=actor,
            changed_at=now,
        )
    )


def history(session: Session, member_id: int) -> Sequence[StatusLog]:
    """Every status a distributor ever had, the latest first."""
    query = select(StatusLog).where(StatusLog.member_id == member_id)
    return session.scalars(query.order_by(StatusLog.id.desc())).all()
