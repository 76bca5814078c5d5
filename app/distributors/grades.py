"""Grades: staff make, change, archive and give them; a distributor sees their own and the next."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from app.core.errors import Conflict, Invalid, NotFound
from app.distributors import grades_wording as wording
from app.distributors import views
from distribution.team import facts, grades, grading
from distribution.team.conditions import Conditions, Grade
from distribution.team.grade_models import GradeLog


class GradeNotFound(NotFound):
    """There is no such grade in use."""

    code, title = "grade_not_found", "分销等级不存在或已停用"


class GradeRankTaken(Conflict):
    """Another grade in use has the rank."""

    code, title = "grade_rank_taken", "已有同级别的分销等级"


class GradesFull(Conflict):
    """The shop has as many grades as it may."""

    code, title = "grades_full", "分销等级数量已达上限"


def listed(session: Session, *, with_archived: bool) -> dict[str, Any]:
    """The grades in use, or all there ever were, the lowest first."""
    found = grades.every(session) if with_archived else grades.in_use(session)
    return {"items": [_shown(grade) for grade in found]}


def shown(session: Session, grade_id: int) -> dict[str, Any]:
    """
    One grade, in use or not.

    :raises GradeNotFound: there is none.
    """
    with _refusals():
        return _shown(grades.get(session, grade_id))


def create(session: Session, *, fields: dict[str, Any], now: datetime) -> dict[str, Any]:
    """
    Make a grade.

    :raises Invalid: buying alone would lift somebody, or days without a condition.
    :raises GradeRankTaken: another grade in use has the rank.
    :raises GradesFull: there are enough.
    """
    with _refusals():
        return _shown(grades.create(session, **_given(fields), now=now))


def change(session: Session, grade_id: int, *, fields: dict[str, Any]) -> dict[str, Any]:
    """
    Change a grade in use. Who has it keeps it until it is looked at again.

    :raises GradeNotFound: there is none in use.
    :raises Invalid: see `create`.
    :raises GradeRankTaken: another grade in use has the rank.
    """
    with _refusals():
        return _shown(grades.change(session, grade_id, **_given(fields)))


def archive(session: Session, grade_id: int, *, now: datetime) -> dict[str, Any]:
    """
    Take a grade out of use; who has it gets the best they have reached otherwise.

    :raises GradeNotFound: there is none in use.
    """
    with _refusals():
        grading.archive(session, grade_id, now=now)
        return _shown(grades.get(session, grade_id))


def give(
    session: Session, *, member_id: int, staff_id: int, now: datetime, **given: Any
) -> dict[str, Any]:
    """
    Give a distributor a grade by hand, or take it; locked, conditions do not change it any more.

    :raises NotADistributor: the member never applied.
    :raises GradeNotFound: there is no such grade in use.
    """
    views.distributor(session, member_id)
    with _refusals():
        grading.give(session, member_id=member_id, actor=f"staff:{staff_id}", now=now, **given)
    return mine(session, member_id, now=now)


def mine(session: Session, member_id: int, *, now: datetime) -> dict[str, Any]:
    """
    A distributor's grade, how far the next one is, and every grade there was.

    :raises NotADistributor: the member never applied.
    """
    found = views.distributor(session, member_id)
    every = {grade.id: grade for grade in grades.every(session)}
    held = every[found.grade_id] if found.grade_id is not None else None
    return {
        "grade": held,
        "graded_at": found.graded_at,
        "review_at": found.grade_review_at,
        "is_locked": found.is_grade_locked,
        "next": _next(session, member_id, held, list(every.values()), now=now),
        "history": history(session, member_id),
    }


def history(session: Session, member_id: int) -> list[dict[str, Any]]:
    """Every grade a distributor was given or lost, the latest first, with what decided it."""
    names = {grade.id: grade.name for grade in grades.every(session)}
    return [_change(each, names) for each in grading.history(session, member_id)]


def _next(
    session: Session, member_id: int, held: Grade | None, every: list[Grade], *, now: datetime
) -> dict[str, Any] | None:
    """The lowest grade above the held one that conditions lead to, and how far it is."""
    above = [
        grade
        for grade in every
        if not grade.is_archived and grade.conditions.thresholds and grade.rank > _rank(held)
    ]
    if not above:
        return None
    grade = min(above, key=lambda each: each.rank)
    since = None if grade.keep_days is None else now - timedelta(days=grade.keep_days)
    reached = facts.of(session, [member_id], since=since)[member_id]
    return {
        "id": grade.id,
        "name": grade.name,
        "rank": grade.rank,
        "text": wording.conditions(grade),
        "is_every": grade.conditions.is_every,
        "keep_days": grade.keep_days,
        "needs": [
            {"text": wording.NAMES[gap.condition], **gap._asdict(), "is_met": gap.is_met}
            for gap in grade.conditions.progress(reached)
        ],
    }


def _rank(grade: Grade | None) -> int:
    return 0 if grade is None else grade.rank


def _change(each: GradeLog, names: dict[int, str]) -> dict[str, Any]:
    return {
        "from_grade": names.get(each.from_grade_id or 0),
        "grade": names.get(each.grade_id or 0),
        "cause": each.cause,
        "text": wording.CAUSES[each.cause],
        "is_locked": each.is_locked,
        "reason": each.reason,
        "facts": each.facts,
        "actor": each.actor,
        "changed_at": each.changed_at,
    }


def _shown(grade: Grade) -> dict[str, Any]:
    return {
        **asdict(grade),
        "text": wording.conditions(grade),
        "compliance_note": wording.compliance_note(grade.conditions),
    }


def _given(fields: dict[str, Any]) -> dict[str, Any]:
    return {**fields, "conditions": Conditions(**fields["conditions"])}


@contextmanager
def _refusals() -> Iterator[None]:
    """The engine's refusals, as the API says them."""
    try:
        yield
    except grades.UnknownGrade as error:
        raise GradeNotFound from error
    except grades.RankTaken as error:
        raise GradeRankTaken from error
    except grades.TooManyGrades as error:
        raise GradesFull from error
    except grades.BadConditions as error:
        why = "单靠本人购买不能升级：须同时满足销售条件；设复核天数须有条件"
        raise Invalid(errors={"conditions": [why]}) from error
