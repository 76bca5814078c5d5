"""What staff ask of the past: what campaigns brought, what a draft would cost, and why a price."""

from typing import Any

from app.catalogue.queries import SkuNotFound
from app.core import clock, paging
from app.core.db import read
from app.core.http import Blueprint
from app.marketing.campaigns import PromotionNotFound
from app.orders.queries import OrderNotFound
from app.reports import explanation, schemas, service, simulation
from app.reports.simulation import SimulationBusy
from app.staff.roles import open_to_analysts
from promotions.states import CampaignStatus

bp = Blueprint("reports", __name__, description="活动报表与试算")


@bp.get("/reports/promotions")
@bp.accepts(schemas.ReportsQuery)
@bp.returns(schemas.PromotionSummaryPage)
def list_promotion_reports(
    limit: int, status: CampaignStatus | None = None, cursor: str | None = None
) -> dict[str, Any]:
    """List campaigns and what each has brought, the latest first."""
    (before_id,) = paging.decode(cursor, int) if cursor else (None,)
    found = service.page(
        read(), status=status, before_id=before_id, limit=limit + 1, now=clock.now()
    )
    items = found[:limit]
    has_more = len(found) > limit
    last = paging.encode(items[-1]["promotion_id"]) if has_more else None
    return {"items": items, "next_cursor": last}


@bp.get("/reports/promotions/<int:promotion_id>")
@bp.accepts(schemas.ReportQuery)
@bp.returns(schemas.PromotionReportOut)
@bp.fails(PromotionNotFound)
def show_promotion_report(promotion_id: int, days: int) -> dict[str, Any]:
    """Show what a campaign has brought: in all, and by day and verdict over the last days."""
    return service.of_promotion(read(), promotion_id=promotion_id, days=days, now=clock.now())


@bp.post("/promotions/<int:promotion_id>/simulation")
@open_to_analysts
@bp.accepts(schemas.SimulationIn)
@bp.returns(schemas.SimulationOut)
@bp.fails(PromotionNotFound, SkuNotFound, SimulationBusy)
def simulate_promotion(
    promotion_id: int,
    margin_floor_bp: int,
    days: int | None = None,
    carts: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """Try a campaign on the paid orders of the last days, or on sample carts; writes nothing."""
    wanted: dict[str, Any] = {
        "promotion_id": promotion_id,
        "margin_floor_bp": margin_floor_bp,
        "now": clock.now(),
    }
    with simulation.one_at_a_time():
        if carts is not None:
            return simulation.of_carts(read(), carts=carts, **wanted)
        return simulation.of_days(read(), days=days or schemas.DAYS_MAX, **wanted)


@bp.get("/orders/<order_no>/explanation")
@bp.returns(schemas.ExplanationOut)
@bp.fails(OrderNotFound)
def explain_order(order_no: str) -> dict[str, Any]:
    """Say why an order cost what it did, and whether the same comes out today."""
    return explanation.of(read(), order_no=order_no)
