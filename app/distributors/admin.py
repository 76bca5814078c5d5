"""What staff see and set: distributors, commission rules, and why an order paid whom what."""

from typing import Any

from flask import g

from app.catalogue.queries import SkuNotFound
from app.core import clock
from app.core.db import read, transaction
from app.core.errors import Invalid
from app.core.http import Blueprint
from app.distributors import schemas, service, views
from app.distributors.views import NotADistributor
from app.orders.queries import OrderNotFound
from distribution.commissions.policy import Rates

bp = Blueprint("distributors", __name__, description="分销员与佣金规则")


@bp.get("/distributors")
@bp.accepts(schemas.DistributorsQuery)
@bp.returns(schemas.DistributorPage)
def list_distributors(
    limit: int, status: str | None = None, cursor: str | None = None
) -> dict[str, Any]:
    """List distributors and applicants, the latest member first."""
    return views.distributors(read(), status=status, cursor=cursor, limit=limit)


@bp.get("/distributors/<int:member_id>")
@bp.returns(schemas.DistributorOut)
@bp.fails(NotADistributor)
def show_distributor(member_id: int) -> dict[str, Any]:
    """Show one distributor."""
    session = read()
    return views.for_staff(session, views.distributor(session, member_id))


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
        return service.change_rules(session, fields=fields, staff_id=g.staff_id, now=clock.now())


@bp.get("/commission-rules/skus/<int:sku_id>")
@bp.returns(schemas.SkuRatesOut)
@bp.fails(SkuNotFound)
def show_sku_rates(sku_id: int) -> dict[str, Any]:
    """Show a SKU's own rates and what it pays in the end."""
    return views.sku_rates(read(), sku_id)


@bp.put("/commission-rules/skus/<int:sku_id>")
@bp.accepts(schemas.SkuRatesIn)
@bp.returns(schemas.SkuRatesOut)
@bp.fails(SkuNotFound, Invalid)
def change_sku_rates(sku_id: int, level1_bp: int | None, level2_bp: int | None) -> dict[str, Any]:
    """Give a SKU rates of its own, 0 for no commission, or null to follow the rules again."""
    is_default = level1_bp is None or level2_bp is None
    rates = None if is_default else Rates(level1_bp, level2_bp)  # type: ignore[arg-type]  # Not None here.
    with transaction() as session:
        return service.set_sku_rates(
            session, sku_id=sku_id, rates=rates, staff_id=g.staff_id, now=clock.now()
        )


@bp.get("/commissions")
@bp.accepts(schemas.OrderQuery)
@bp.returns(schemas.OrderCommissionsOut)
@bp.fails(OrderNotFound)
def explain_commissions(order_no: str) -> dict[str, Any]:
    """Explain what each line of an order earned whom, by which rule and binding, or why nothing."""
    return views.order_commissions(read(), order_no)
