"""What staff read of the books, and the files they take away."""

from dataclasses import asdict
from datetime import date
from functools import partial
from typing import Any

from flask import Response

from app.accounting import files, schemas, views
from app.core import clock, days
from app.core import files as sending
from app.core.db import read
from app.core.errors import Invalid
from app.core.http import Blueprint
from app.staff.roles import Role, requires
from distribution.reports import earned

CSV = "text/csv"
NDJSON = "application/x-ndjson"

bp = Blueprint("accounting", __name__, description="佣金报表、应付佣金、每日试算平衡与导出")


@bp.get("/reports/commissions")
@bp.accepts(schemas.CommissionsQuery)
@bp.returns(schemas.SumsOut)
@bp.fails(Invalid)
def sum_commissions(**query: Any) -> dict[str, Any]:
    """Sum up all commissions accrued on some days."""
    return asdict(earned.total(read(), _stretch(**query)))


@bp.get("/reports/commissions/orders")
@bp.accepts(schemas.CommissionsPageQuery)
@bp.returns(schemas.OrderSumsPage)
@bp.fails(Invalid)
def list_order_commissions(limit: int, cursor: str | None = None, **query: Any) -> views.Page:
    """List the orders of some days that earned uplines something or might have, latest first."""
    return views.orders(read(), _stretch(**query), cursor=cursor, limit=limit)


@bp.get("/reports/commissions/products")
@bp.accepts(schemas.CommissionsPageQuery)
@bp.returns(schemas.ProductSumsPage)
@bp.fails(Invalid)
def list_product_commissions(limit: int, cursor: str | None = None, **query: Any) -> views.Page:
    """List products by the commission accrued on them on some days, the most first."""
    return views.products(read(), _stretch(**query), cursor=cursor, limit=limit)


@bp.get("/reports/commissions/distributors")
@bp.accepts(schemas.CommissionsPageQuery)
@bp.returns(schemas.DistributorSumsPage)
@bp.fails(Invalid)
def list_distributor_commissions(limit: int, cursor: str | None = None, **query: Any) -> views.Page:
    """List distributors by the commission they earned on some days, the most first."""
    return views.distributors(read(), _stretch(**query), cursor=cursor, limit=limit)


@bp.get("/ledger/liabilities")
@bp.returns(schemas.LiabilitiesOut)
def show_liabilities() -> dict[str, Any]:
    """Show what is owed to distributors, when it falls due, and what they owe."""
    return views.owed(read(), now=clock.now())


@bp.get("/ledger/trial-balances")
@bp.accepts(schemas.TrialQuery)
@bp.returns(schemas.TrialDayPage)
@bp.fails(Invalid)
def list_trial_balances(limit: int, cursor: str | None = None) -> views.Page:
    """List the closed days with the trial balance of each, the latest first."""
    return views.trial_days(read(), cursor=cursor, limit=limit)


@bp.get("/reports/commissions.csv")
@requires(Role.OWNER, Role.MERCHANT)
@bp.accepts(schemas.DaysQuery)
@bp.response(200, {"type": "string"}, content_type=CSV)  # type: ignore[untyped-decorator]  # smorest's own: no JSON.
@bp.fails(Invalid)
def export_commissions(first_day: date | None = None, last_day: date | None = None) -> Response:
    """Export every commission accrued on some days as CSV. Not for analysts."""
    wanted = days.stretch(first_day, last_day, now=clock.now())
    return sending.send("commissions.csv", CSV, partial(files.commissions, stretch=wanted))


@bp.get("/reports/statements.csv")
@requires(Role.OWNER, Role.MERCHANT)
@bp.accepts(schemas.DaysQuery)
@bp.response(200, {"type": "string"}, content_type=CSV)  # type: ignore[untyped-decorator]  # smorest's own: no JSON.
@bp.fails(Invalid)
def export_statements(first_day: date | None = None, last_day: date | None = None) -> Response:
    """Export every change of distributors' accounts on some days as CSV. Not for analysts."""
    wanted = days.stretch(first_day, last_day, now=clock.now())
    return sending.send("statements.csv", CSV, partial(files.statements, stretch=wanted))


@bp.get("/ledger/export")
@requires(Role.OWNER, Role.MERCHANT)
@bp.response(200, {"type": "string"}, content_type=NDJSON)  # type: ignore[untyped-decorator]  # smorest's own: no JSON.
def export_ledger() -> Response:
    """Export the whole ledger with the head of its chain, a JSON document a line."""
    return sending.send("ledger.ndjson", NDJSON, partial(files.ledger, now=clock.now()))


def _stretch(
    *,
    first_day: date | None = None,
    last_day: date | None = None,
    member_id: int | None = None,
    spu_id: int | None = None,
) -> earned.Stretch:
    since, until = days.stretch(first_day, last_day, now=clock.now())
    return earned.Stretch(since, until, beneficiary_id=member_id, spu_id=spu_id)
