"""What a member does as a distributor."""

from typing import Any

from flask import g

from app.catalogue.queries import SpuNotFound
from app.core import clock
from app.core.db import read
from app.core.http import Blueprint
from app.distributors import own, own_schemas, schemas, service, views
from app.distributors.service import DistributorNotActive
from app.distributors.views import CommissionNotFound, NotADistributor
from distribution.figures.days import Unit

bp = Blueprint("distributor", __name__, description="分销：推广、佣金、团队")


@bp.get("/distributor")
@bp.returns(schemas.ProfileOut)
@bp.fails(NotADistributor)
def show_distributor() -> dict[str, Any]:
    """Show my standing, what I earned, what I may withdraw and what I owe."""
    return views.profile(read(), g.member_id)


@bp.get("/distributor/summary")
@bp.returns(own_schemas.OverviewOut)
@bp.fails(NotADistributor)
def show_summary() -> dict[str, Any]:
    """Show what I have, earned today, this month and in all, and what matures in the next days."""
    return own.overview(read(), g.member_id, now=clock.now())


@bp.get("/distributor/statement")
@bp.accepts(own_schemas.StatementQuery)
@bp.returns(own_schemas.EntryPage)
@bp.fails(NotADistributor)
def show_statement(limit: int, cursor: str | None = None, **wanted: Any) -> dict[str, Any]:
    """List the entries of my accounts with the balances they led to, the latest first."""
    return own.statement(read(), g.member_id, cursor=cursor, limit=limit, **wanted)


@bp.get("/distributor/orders")
@bp.accepts(own_schemas.PromotedQuery)
@bp.returns(own_schemas.PromotedPage)
@bp.fails(NotADistributor)
def list_promoted_orders(limit: int, cursor: str | None = None, **wanted: Any) -> dict[str, Any]:
    """List the orders I promoted, and what each line earned me and why, the latest first."""
    return own.orders_promoted(read(), g.member_id, cursor=cursor, limit=limit, **wanted)


@bp.get("/distributor/commissions/<int:commission_id>")
@bp.returns(schemas.ExplainedCommissionOut)
@bp.fails(NotADistributor, CommissionNotFound)
def explain_my_commission(commission_id: int) -> dict[str, Any]:
    """Explain one commission of mine step by step: by which binding, base, rule and cap."""
    return views.commission(read(), g.member_id, commission_id)


@bp.get("/distributor/team")
@bp.accepts(own_schemas.TeamQuery)
@bp.returns(own_schemas.TeamPage)
@bp.fails(NotADistributor)
def show_team(level: int, limit: int, cursor: str | None = None, **wanted: Any) -> dict[str, Any]:
    """Show how many people I brought and they brought, and who, masked, on one level."""
    return own.team(read(), g.member_id, level=level, cursor=cursor, limit=limit, **wanted)


@bp.get("/distributor/ranking")
@bp.accepts(own_schemas.RankingQuery)
@bp.returns(own_schemas.RankingOut)
@bp.fails(NotADistributor)
def show_ranking(period: Unit) -> dict[str, Any]:
    """Show who earned most in a day, a week, a month or ever, masked, and my own place."""
    return own.ranks(read(), g.member_id, period=period, now=clock.now())


@bp.get("/distributor/bills")
@bp.accepts(own_schemas.BillsQuery)
@bp.returns(own_schemas.BillPage)
@bp.fails(NotADistributor)
def list_bills(cursor: str | None = None) -> dict[str, Any]:
    """List my monthly bills: what there was, what came and went, what is left; latest first."""
    return own.bills(read(), g.member_id, cursor=cursor)


@bp.get("/distributor/share")
@bp.accepts(schemas.ShareQuery)
@bp.returns(schemas.ShareCardOut)
@bp.fails(NotADistributor, DistributorNotActive, SpuNotFound)
def share(spu_id: int | None = None) -> dict[str, Any]:
    """Get the invite code, scene and path that make whoever follows them mine."""
    return service.share(read(), member_id=g.member_id, spu_id=spu_id)
