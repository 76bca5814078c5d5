"""What staff do about grades: the ladder, and who stands where by hand."""

from typing import Any

from flask import g

from app.core import clock
from app.core.db import read, transaction
from app.core.errors import Invalid
from app.core.http import Blueprint
from app.distributors import grades
from app.distributors import grades_schemas as schemas
from app.distributors.grades import GradeNotFound, GradeRankTaken, GradesFull
from app.distributors.views import NotADistributor

bp = Blueprint("distributor_grades", __name__, description="分销等级")


@bp.get("/distributor-grades")
@bp.accepts(schemas.GradesQuery)
@bp.returns(schemas.GradesOut)
def list_grades(**chosen: bool) -> dict[str, Any]:
    """List the grades in use, the lowest first, or all there ever were."""
    return grades.listed(read(), **chosen)


@bp.post("/distributor-grades")
@bp.accepts(schemas.GradeIn)
@bp.returns(schemas.GradeOut, 201)
@bp.fails(GradeRankTaken, GradesFull, Invalid)
def create_grade(**fields: Any) -> dict[str, Any]:
    """Make a grade; conditions never count people for having been recruited."""
    with transaction() as session:
        return grades.create(session, fields=fields, now=clock.now())


@bp.get("/distributor-grades/<int:grade_id>")
@bp.returns(schemas.GradeOut)
@bp.fails(GradeNotFound)
def show_grade(grade_id: int) -> dict[str, Any]:
    """Show a grade, its conditions in words, and what the law says about them."""
    return grades.shown(read(), grade_id)


@bp.put("/distributor-grades/<int:grade_id>")
@bp.accepts(schemas.GradeIn)
@bp.returns(schemas.GradeOut)
@bp.fails(GradeNotFound, GradeRankTaken, Invalid)
def change_grade(grade_id: int, **fields: Any) -> dict[str, Any]:
    """Change a grade in use; who has it keeps it until it is looked at again."""
    with transaction() as session:
        return grades.change(session, grade_id, fields=fields)


@bp.post("/distributor-grades/<int:grade_id>/archive")
@bp.returns(schemas.GradeOut)
@bp.fails(GradeNotFound)
def archive_grade(grade_id: int) -> dict[str, Any]:
    """Take a grade out of use; who has it gets the best they have reached otherwise."""
    with transaction() as session:
        return grades.archive(session, grade_id, now=clock.now())


@bp.put("/distributors/<int:member_id>/grade")
@bp.accepts(schemas.GivenGrade)
@bp.returns(schemas.MyGradeOut)
@bp.fails(NotADistributor, GradeNotFound)
def give_grade(member_id: int, **given: Any) -> dict[str, Any]:
    """Give a distributor a grade by hand, or take it; locked, conditions do not change it."""
    with transaction() as session:
        return grades.give(
            session, member_id=member_id, staff_id=g.staff_id, now=clock.now(), **given
        )
