"""What staff decide about earning: rules, rates, trials, and why an order paid whom what."""

from typing import Any

from flask import g

from app.catalogue.categories import CategoryNotFound
from app.catalogue.queries import SkuNotFound, SpuNotFound
from app.core import clock
from app.core.db import read, transaction
from app.core.errors import Invalid
from app.core.http import Blueprint
from app.distributors import previews, rate_schemas, rates, schemas, views
from app.distributors.rates import RateNotFound
from app.orders.queries import OrderNotFound
from app.staff.roles import open_to_analysts

bp = Blueprint("commission_rates", __name__, description="佣金规则、比例与试算")


@bp.get("/commission-rules")
@bp.returns(schemas.RulesOut)
def show_commission_rules() -> dict[str, Any]:
    """Show the commission rules in force and what the law says about them."""
    return views.commission_rules(read())


@bp.put("/commission-rules")
@bp.accepts(schemas.RulesIn)
@bp.returns(schemas.RulesOut)
@bp.fails(Invalid)
def change_commission_rules(**fields: Any) -> dict[str, Any]:
    """Put new rules in force for orders paid from now on; orders paid before keep theirs."""
    with transaction() as session:
        return rates.change_rules(session, fields=fields, staff_id=g.staff_id, now=clock.now())


@bp.post("/commission-rules/preview")
@open_to_analysts
@bp.accepts(rate_schemas.PreviewIn)
@bp.returns(rate_schemas.PreviewOut)
@bp.fails(SkuNotFound, Invalid)
def preview_commissions(**asked: Any) -> dict[str, Any]:
    """Say what an order would pay, by the rules and rates in force or by others on trial."""
    return previews.preview(read(), **asked)


@bp.get("/commission-rates")
@bp.accepts(rate_schemas.RatesQuery)
@bp.returns(rate_schemas.RatePage)
def list_commission_rates(limit: int, cursor: str | None = None, **which: Any) -> dict[str, Any]:
    """List the rates in force by goods and grade, the latest first."""
    return rates.listed(read(), cursor=cursor, limit=limit, **which)


@bp.put("/commission-rates")
@bp.accepts(rate_schemas.RateIn)
@bp.returns(rate_schemas.RateOut)
@bp.fails(SkuNotFound, SpuNotFound, CategoryNotFound, Invalid)
def set_commission_rate(**fields: Any) -> dict[str, Any]:
    """Set what some goods pay a grade, or all, for orders paid from now on; or switch them off."""
    with transaction() as session:
        return rates.set_rate(session, fields=fields, staff_id=g.staff_id, now=clock.now())


@bp.get("/commission-rates/<int:rate_id>/history")
@bp.returns(rate_schemas.RateHistoryOut)
@bp.fails(RateNotFound)
def show_rate_history(rate_id: int) -> dict[str, Any]:
    """Show everything ever set for the goods and grade of a rate, the latest first."""
    return rates.history(read(), rate_id=rate_id)


@bp.delete("/commission-rates/<int:rate_id>")
@bp.returns(None, 204)
@bp.fails(RateNotFound)
def withdraw_commission_rate(rate_id: int) -> None:
    """Let the goods of a rate follow the next rule again, for orders paid from now on."""
    with transaction() as session:
        rates.withdraw(session, rate_id=rate_id, staff_id=g.staff_id, now=clock.now())


@bp.get("/commissions")
@bp.accepts(schemas.OrderQuery)
@bp.returns(schemas.OrderCommissionsOut)
@bp.fails(OrderNotFound)
def explain_commissions(order_no: str) -> dict[str, Any]:
    """Explain what each line of an order earned whom, by which rule and binding, or why nothing."""
    return views.order_commissions(read(), order_no)
