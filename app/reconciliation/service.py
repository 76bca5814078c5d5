"""What staff do about reconciliation: have a day compared again, take a break, resolve it."""

from datetime import date, datetime

from sqlalchemy import exists, select, update
from sqlalchemy.orm import Session

from app.core.errors import Conflict, Invalid, NotFound
from app.reconciliation import loading, matching, schedule
from app.reconciliation.models import Break, BreakStatus, ReconciliationDay, Resolution


class BreakNotFound(NotFound):
    code, title = "bill_break_not_found", "对账差异不存在"


class BreakResolved(Conflict):
    code, title = "bill_break_resolved", "该对账差异已处理"


def begin(session: Session, *, day: date, is_anew: bool, now: datetime) -> ReconciliationDay:
    """
    Want a day compared, and return it; `is_anew` has its bills fetched again.

    :raises Invalid: WeChat can have no bills of that day: it is not over, or too long ago.
    """
    if not schedule.may_run(day, now=now):
        raise Invalid(errors={"day": [f"只能对 {schedule.KEPT_DAYS} 天内、已结束的日子对账"]})
    loading.begin(session, day=day, now=now)
    if is_anew:
        loading.want_again(session, day=day)
        matching.forget(session, day=day)
    return session.get_one(ReconciliationDay, day, populate_existing=True)


def take(session: Session, *, break_id: int, staff_id: int) -> Break:
    """
    Make somebody of the staff the owner of an open break, whoever had it before.

    :raises BreakNotFound: there is none.
    :raises BreakResolved: nothing is left to be done about it.
    """
    return _move(session, break_id, {"owner_id": staff_id})


def resolve(
    session: Session, *, break_id: int, how: Resolution, reason: str, staff_id: int, now: datetime
) -> Break:
    """
    Resolve an open break by a decision of staff, with a reason; no money moves.

    :raises BreakNotFound: there is none.
    :raises BreakResolved: it is resolved already.
    """
    decided = {
        "status": BreakStatus.RESOLVED,
        "how": how,
        "reason": reason,
        "resolved_by": staff_id,
        "resolved_at": now,
    }
    return _move(session, break_id, decided)


def _move(session: Session, break_id: int, values: dict[str, object]) -> Break:
    moved = session.scalars(
        update(Break)
        .where(Break.id == break_id, Break.status == BreakStatus.OPEN)
        .values(values)
        .returning(Break)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if moved is None:
        is_there = session.scalar(select(exists().where(Break.id == break_id)))
        raise BreakResolved if is_there else BreakNotFound
    return moved
