"""What a member does as a distributor."""

from typing import Any

from flask import g

from app.catalogue.queries import SpuNotFound
from app.core.db import read
from app.core.http import Blueprint
from app.distributors import schemas, service, views
from app.distributors.service import DistributorNotActive
from app.distributors.views import CommissionNotFound, NotADistributor

bp = Blueprint("distributor", __name__, description="分销：推广、佣金、团队")


@bp.get("/distributor")
@bp.returns(schemas.ProfileOut)
@bp.fails(NotADistributor)
def show_distributor() -> dict[str, Any]:
    """Show my standing, what I earned, what I may withdraw and what I owe."""
    return views.profile(read(), g.member_id)


@bp.get("/distributor/statement")
@bp.accepts(schemas.PageQuery)
@bp.returns(schemas.EntryPage)
@bp.fails(NotADistributor)
def show_statement(limit: int, cursor: str | None = None) -> dict[str, Any]:
    """List every entry of my accounts with the balance it led to, the latest first."""
    return views.statement(read(), g.member_id, cursor=cursor, limit=limit)


@bp.get("/distributor/commissions")
@bp.accepts(schemas.PageQuery)
@bp.returns(schemas.CommissionPage)
@bp.fails(NotADistributor)
def list_my_commissions(limit: int, cursor: str | None = None) -> dict[str, Any]:
    """List what each sold line earned me and why, the latest first."""
    return views.earnings(read(), g.member_id, cursor=cursor, limit=limit)


@bp.get("/distributor/commissions/<int:commission_id>")
@bp.returns(schemas.ExplainedCommissionOut)
@bp.fails(NotADistributor, CommissionNotFound)
def explain_my_commission(commission_id: int) -> dict[str, Any]:
    """Explain one commission of mine step by step: by which binding, base, rule and cap."""
    return views.commission(read(), g.member_id, commission_id)


@bp.get("/distributor/team")
@bp.accepts(schemas.TeamQuery)
@bp.returns(schemas.TeamPage)
@bp.fails(NotADistributor)
def show_team(level: int, limit: int, cursor: str | None = None) -> dict[str, Any]:
    """Show how many people I brought and they brought, and who, masked, on one level."""
    return views.team(read(), g.member_id, level=level, cursor=cursor, limit=limit)


@bp.get("/distributor/share")
@bp.accepts(schemas.ShareQuery)
@bp.returns(schemas.ShareCardOut)
@bp.fails(NotADistributor, DistributorNotActive, SpuNotFound)
def share(spu_id: int | None = None) -> dict[str, Any]:
    """Get the invite code, scene and path that make whoever follows them mine."""
    return service.share(read(), member_id=g.member_id, spu_id=spu_id)
