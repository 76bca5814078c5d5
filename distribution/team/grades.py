"""
The grades a shop has: made, changed and archived by staff. Who has which is decided in `grading`.

No two grades in use share a rank. A grade is never deleted: history names it.
"""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from distribution.team.conditions import OWN, SOLD, BadConditions, Conditions, Grade
from distribution.team.grade_models import DistributorGrade

MOST_GRADES = 20
"""In use at a time."""
MOST_RANK = 100
MOST_KEEP_DAYS = 3650

__all__ = ["BadConditions", "RankTaken", "TooManyGrades", "UnknownGrade", "change", "create",
           "every", "get", "in_use", "mark_archived"]  # fmt: skip


class UnknownGrade(Exception):
    """There is no such grade, or it is archived."""


class RankTaken(Exception):
    """Another grade in use has this rank."""


class TooManyGrades(Exception):
    """The shop has as many grades as a ladder can have."""


def create(
    session: Session, *, name: str, rank: int, conditions: Conditions, keep_days: int | None,
    now: datetime,
) -> Grade:  # fmt: skip
    """
    Make a grade. Nobody has it until conditions are looked at, or staff give it.

    :raises BadConditions: see `Conditions.check`; or days without a condition to meet in them.
    :raises RankTaken: another grade in use has the rank.
    :raises TooManyGrades: there are enough.
    """
    _check(conditions, keep_days)
    if len(in_use(session)) >= MOST_GRADES:
        raise TooManyGrades(f"{MOST_GRADES} grades are in use")
    values = _columns(name, rank, conditions, keep_days)
    statement = insert(DistributorGrade).values(**values, created_at=now)
    grade_id = _write(session, statement.returning(DistributorGrade.id), rank)
    assert grade_id is not None
    return get(session, grade_id)


def change(
    session: Session,
    grade_id: int,
    *,
    name: str,
    rank: int,
    conditions: Conditions,
    keep_days: int | None,
) -> Grade:
    """
    Change a grade in use. Who has it keeps it, until it is looked at again.

    :raises UnknownGrade: there is none, or it is archived.
    :raises BadConditions: see `create`.
    :raises RankTaken: another grade in use has the rank.
    """
    _check(conditions, keep_days)
    values = _columns(name, rank, conditions, keep_days)
    mine = update(DistributorGrade).where(
        DistributorGrade.id == grade_id, DistributorGrade.archived_at.is_(None)
    )
    changed = _write(session, mine.values(values).returning(DistributorGrade.id), rank)
    if changed is None:
        raise UnknownGrade(f"no grade {grade_id} in use")
    return get(session, grade_id)


def mark_archived(session: Session, grade_id: int, *, now: datetime) -> None:
    """
    Take a grade out of use. Call `grading.archive`, which also looks after who has it.

    :raises UnknownGrade: there is none, or it is archived already.
    """
    taken = session.scalar(
        update(DistributorGrade)
        .where(DistributorGrade.id == grade_id, DistributorGrade.archived_at.is_(None))
        .values(archived_at=now)
        .returning(DistributorGrade.id),
        execution_options={"synchronize_session": False},
    )
    if taken is None:
        raise UnknownGrade(f"no grade {grade_id} in use")


def get(session: Session, grade_id: int) -> Grade:
    """
    One grade, archived or not.

    :raises UnknownGrade: there is none.
    """
    row = session.get(DistributorGrade, grade_id, populate_existing=True)
    if row is None:
        raise UnknownGrade(f"no grade {grade_id}")
    return _grade(row)


def in_use(session: Session) -> Sequence[Grade]:
    """The grades in use, the lowest first."""
    return [grade for grade in every(session) if not grade.is_archived]


def every(session: Session) -> Sequence[Grade]:
    """All grades there ever were, the lowest first."""
    query = select(DistributorGrade).order_by(DistributorGrade.rank, DistributorGrade.id)
    rows = session.scalars(query, execution_options={"populate_existing": True})
    return [_grade(row) for row in rows]


def _check(conditions: Conditions, keep_days: int | None) -> None:
    conditions.check()
    if keep_days is not None and not conditions.thresholds:
        raise BadConditions("a grade to be kept up needs a condition to meet")


def _columns(name: str, rank: int, conditions: Conditions, keep_days: int | None) -> dict[str, Any]:
    thresholds = {each: getattr(conditions, each) for each in (*OWN, *SOLD)}
    return {
        "name": name,
        "rank": rank,
        "is_every": conditions.is_every,
        "keep_days": keep_days,
        **thresholds,
    }


def _grade(row: DistributorGrade) -> Grade:
    conditions = Conditions(**{each.name: getattr(row, each.name) for each in fields(Conditions)})
    is_archived = row.archived_at is not None
    return Grade(row.id, row.name, row.rank, conditions, row.keep_days, is_archived)


def _write(session: Session, statement: Any, rank: int) -> int | None:
    try:
        with session.begin_nested():
            written: int | None = session.scalar(
                statement, execution_options={"synchronize_session": False}
            )
    except IntegrityError as error:
        if "uq_distributor_grade_rank" not in str(error.orig):
            raise
        raise RankTaken(f"rank {rank} is taken") from error
    return written
