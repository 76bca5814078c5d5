"""What a member does to become a distributor, and to stop being one."""

from typing import Any

from flask import g

from app.core import clock
from app.core.db import read, transaction
from app.core.http import Blueprint
from app.distributors import grades, joining
from app.distributors import joining_schemas as schemas
from app.distributors.grades_schemas import MyGradeOut
from app.distributors.joining import DistributorsAppointed
from app.distributors.schemas import ProfileOut
from app.distributors.views import NotADistributor

bp = Blueprint("distributor_joining", __name__, description="成为分销员")


@bp.get("/distributor/joining")
@bp.returns(schemas.JoiningPageOut)
def show_joining() -> dict[str, Any]:
    """Show how one becomes a distributor here, how far I am, and what I have to declare."""
    return joining.page(read(), g.member_id)


@bp.post("/distributor/apply")
@bp.accepts(schemas.Declaration)
@bp.returns(ProfileOut)
@bp.fails(DistributorsAppointed)
def apply_as_distributor(**_: bool) -> dict[str, Any]:
    """Declare to be of age and become a distributor, or apply: free; again changes nothing."""
    with transaction() as session:
        return joining.apply(session, member_id=g.member_id, now=clock.now())


@bp.get("/distributor/grade")
@bp.returns(MyGradeOut)
@bp.fails(NotADistributor)
def show_my_grade() -> dict[str, Any]:
    """Show my grade, what the next one asks and how far I am, and every grade I had."""
    return grades.mine(read(), g.member_id, now=clock.now())


@bp.post("/distributor/leave")
@bp.returns(ProfileOut)
@bp.fails(NotADistributor)
def leave_distribution() -> dict[str, Any]:
    """Stop being a distributor, or withdraw my application; what I earned stays mine."""
    with transaction() as session:
        return joining.leave(session, member_id=g.member_id, now=clock.now())
