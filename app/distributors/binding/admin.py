"""What staff do about bindings: the rules, whose a member is and was, re-binding with a reason."""

from typing import Any

from flask import g

from app.core import clock
from app.core.db import read, transaction
from app.core.errors import Invalid
from app.core.http import Blueprint
from app.distributors.binding import schemas, service, views
from app.distributors.binding.service import InviterNotActive, NotBound, RebindingCycle
from app.distributors.joining import DistributorStatusConflict
from app.distributors.views import NotADistributor
from app.members.queries import MemberNotFound

bp = Blueprint("bindings", __name__, description="绑定关系与规则")


@bp.get("/binding-rules")
@bp.returns(schemas.BindingRulesOut)
def show_binding_rules() -> dict[str, Any]:
    """Show the rules of binding in force, and what they mean."""
    return views.rules(read())


@bp.put("/binding-rules")
@bp.accepts(schemas.BindingRulesIn)
@bp.returns(schemas.BindingRulesOut)
def change_binding_rules(**fields: Any) -> dict[str, Any]:
    """Put new rules in force for touches from now on; protection already given stays."""
    with transaction() as session:
        return service.change_rules(session, fields=fields, staff_id=g.staff_id, now=clock.now())


@bp.get("/bindings/<int:member_id>")
@bp.returns(schemas.BindingOut)
@bp.fails(MemberNotFound)
def show_binding(member_id: int) -> dict[str, Any]:
    """Show whose a member is now."""
    return views.for_staff(read(), member_id, now=clock.now())


@bp.get("/bindings/<int:member_id>/log")
@bp.accepts(schemas.LogQuery)
@bp.returns(schemas.BindingLogPage)
@bp.fails(MemberNotFound)
def list_binding_log(member_id: int, limit: int, cursor: str | None = None) -> dict[str, Any]:
    """List whose a member was: who, when, by what, instead of whom, why; the latest first."""
    return views.history(read(), member_id, cursor=cursor, limit=limit)


@bp.put("/bindings/<int:member_id>")
@bp.accepts(schemas.Rebinding)
@bp.returns(schemas.BindingOut)
@bp.fails(MemberNotFound, InviterNotActive, RebindingCycle, Invalid)
def rebind_member(member_id: int, upline_member_id: int, reason: str) -> dict[str, Any]:
    """Put a member below another distributor, with a reason; orders paid before keep theirs."""
    with transaction() as session:
        return service.rebind(
            session,
            member_id=member_id,
            upline_member_id=upline_member_id,
            reason=reason,
            staff_id=g.staff_id,
            now=clock.now(),
        )


@bp.post("/bindings/<int:member_id>/unbind")
@bp.accepts(schemas.Unbinding)
@bp.returns(schemas.BindingOut)
@bp.fails(MemberNotFound, NotBound)
def unbind_member(member_id: int, reason: str) -> dict[str, Any]:
    """Make a member nobody's, with a reason; orders paid before keep theirs."""
    with transaction() as session:
        return service.unbind(
            session,
            member_id=member_id,
            reason=reason,
            staff_id=g.staff_id,
            now=clock.now(),
        )


@bp.post("/distributors/<int:member_id>/hand-over")
@bp.accepts(schemas.Rebinding)
@bp.returns(schemas.HandedOverOut)
@bp.fails(NotADistributor, DistributorStatusConflict, InviterNotActive, Invalid)
def hand_team_over(member_id: int, upline_member_id: int, reason: str) -> dict[str, Any]:
    """Hand the team of a distributor who is frozen or gone to another, with a reason."""
    with transaction() as session:
        return service.hand_over(
            session,
            member_id=member_id,
            upline_member_id=upline_member_id,
            reason=reason,
            staff_id=g.staff_id,
        )
