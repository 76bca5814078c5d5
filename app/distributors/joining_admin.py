"""What staff do about who is a distributor: the way of joining, applications, freezing."""

from typing import Any

from flask import g

from app.core import clock
from app.core.db import read, transaction
from app.core.errors import Invalid
from app.core.http import Blueprint
from app.distributors import joining
from app.distributors import joining_schemas as schemas
from app.distributors.joining import DistributorStatusConflict
from app.distributors.schemas import DistributorOut
from app.distributors.views import NotADistributor
from app.members.queries import MemberNotFound

bp = Blueprint("distributor_applications", __name__, description="分销员资格与申请")


@bp.get("/joining-rules")
@bp.returns(schemas.JoiningOut)
def show_joining_rules() -> dict[str, Any]:
    """Show how one becomes a distributor, and what the law says about each way."""
    return joining.rules(read())


@bp.put("/joining-rules")
@bp.accepts(schemas.JoiningIn)
@bp.returns(schemas.JoiningOut)
@bp.fails(Invalid)
def change_joining_rules(**fields: Any) -> dict[str, Any]:
    """Put another way of joining in force; who is a distributor stays one."""
    with transaction() as session:
        return joining.change_rules(session, fields=fields, staff_id=g.staff_id, now=clock.now())


@bp.get("/distributors/<int:member_id>/history")
@bp.returns(schemas.HistoryOut)
@bp.fails(NotADistributor)
def show_distributor_history(member_id: int) -> dict[str, Any]:
    """List every status and grade a distributor had, by whom and why, the latest first."""
    return joining.history(read(), member_id)


@bp.post("/distributors/<int:member_id>/approve")
@bp.returns(DistributorOut)
@bp.fails(NotADistributor, DistributorStatusConflict)
def approve_distributor(member_id: int) -> dict[str, Any]:
    """Accept an application."""
    with transaction() as session:
        return joining.approve(session, member_id=member_id, staff_id=g.staff_id, now=clock.now())


@bp.post("/distributors/<int:member_id>/refuse")
@bp.accepts(schemas.Reason)
@bp.returns(DistributorOut)
@bp.fails(NotADistributor, DistributorStatusConflict)
def refuse_distributor(member_id: int, reason: str) -> dict[str, Any]:
    """Refuse an application with a reason the member reads; they may apply again."""
    with transaction() as session:
        return joining.refuse(
            session, member_id=member_id, reason=reason, staff_id=g.staff_id, now=clock.now()
        )


@bp.post("/distributors/<int:member_id>/appoint")
@bp.accepts(schemas.Reason)
@bp.returns(DistributorOut)
@bp.fails(MemberNotFound, DistributorStatusConflict)
def appoint_distributor(member_id: int, reason: str) -> dict[str, Any]:
    """Appoint a member: an applicant begins at once, others once they declare to be of age."""
    with transaction() as session:
        return joining.appoint(
            session, member_id=member_id, reason=reason, staff_id=g.staff_id, now=clock.now()
        )


@bp.post("/distributors/<int:member_id>/freeze")
@bp.accepts(schemas.Reason)
@bp.returns(DistributorOut)
@bp.fails(NotADistributor, DistributorStatusConflict)
def freeze_distributor(member_id: int, reason: str) -> dict[str, Any]:
    """Stop a distributor from earning; what was earned stays theirs."""
    with transaction() as session:
        return joining.freeze(
            session, member_id=member_id, reason=reason, staff_id=g.staff_id, now=clock.now()
        )


@bp.post("/distributors/<int:member_id>/resume")
@bp.returns(DistributorOut)
@bp.fails(NotADistributor, DistributorStatusConflict)
def resume_distributor(member_id: int) -> dict[str, Any]:
    """Let a frozen distributor earn again."""
    with transaction() as session:
        return joining.resume(session, member_id=member_id, staff_id=g.staff_id, now=clock.now())
