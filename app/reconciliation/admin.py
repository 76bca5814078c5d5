"""What staff see of reconciliation and do about it, and the files finance takes away."""

from datetime import date
from functools import partial
from typing import Any

from flask import Response, g

from app.core import clock, days
from app.core import files as sending
from app.core.db import read, transaction
from app.core.errors import Invalid
from app.core.http import Blueprint
from app.reconciliation import files, jobs, queries, schemas, service
from app.reconciliation.models import BreakStatus, LineKind, Resolution, Verdict
from app.reconciliation.queries import Wanted
from app.reconciliation.service import BreakNotFound, BreakResolved
from app.staff.roles import Role, requires

CSV = "text/csv"

bp = Blueprint("reconciliation", __name__, description="与微信支付账单每日对账")


@bp.get("/reconciliation/days")
@bp.accepts(schemas.DaysQuery)
@bp.returns(schemas.ReconciliationDayPage)
@bp.fails(Invalid)
def list_days(limit: int, cursor: str | None = None) -> dict[str, Any]:
    """List the days with their bills, counts and sums, the latest first."""
    return queries.days(read(), cursor=cursor, limit=limit)


@bp.post("/reconciliation/runs")
@bp.accepts(schemas.RunIn)
@bp.returns(schemas.ReconciliationDayOut)
@bp.fails(Invalid)
def run_day(day: date, *, is_anew: bool) -> dict[str, Any]:
    """Have a day compared in the background, with its bills fetched again if wished."""
    with transaction() as session:
        begun = service.begin(session, day=day, is_anew=is_anew, now=clock.now())
        jobs.defer(session, day)
        return next(queries.whole(session, [begun]))


@bp.get("/reconciliation/breaks")
@bp.accepts(schemas.BreaksQuery)
@bp.returns(schemas.BreakPage)
@bp.fails(Invalid)
def list_breaks(
    *,
    limit: int,
    status: BreakStatus,
    verdict: Verdict | None = None,
    kind: LineKind | None = None,
    day: date | None = None,
    owner_id: int | None = None,
    cursor: str | None = None,
) -> dict[str, Any]:
    """List differences between WeChat's bills and our books: open or resolved, the latest first."""
    wanted = Wanted(status, verdict, kind, day, owner_id)
    return queries.breaks(read(), wanted, cursor=cursor, limit=limit, now=clock.now())


@bp.post("/reconciliation/breaks/<int:break_id>/take")
@bp.returns(schemas.BreakOut)
@bp.fails(BreakNotFound, BreakResolved)
def take_break(break_id: int) -> dict[str, Any]:
    """Become the owner of an open difference."""
    with transaction() as session:
        taken = service.take(session, break_id=break_id, staff_id=g.staff_id)
        return next(queries.described(session, [taken], now=clock.now()))


@bp.post("/reconciliation/breaks/<int:break_id>/resolve")
@bp.accepts(schemas.ResolutionIn)
@bp.returns(schemas.BreakOut)
@bp.fails(BreakNotFound, BreakResolved)
def resolve_break(break_id: int, how: Resolution, reason: str) -> dict[str, Any]:
    """Resolve a difference by a decision, with its reason; no money moves."""
    with transaction() as session:
        now = clock.now()
        done = service.resolve(
            session, break_id=break_id, how=how, reason=reason, staff_id=g.staff_id, now=now
        )
        return next(queries.described(session, [done], now=now))


@bp.get("/reconciliation/days.csv")
@requires(Role.OWNER, Role.MERCHANT)
@bp.accepts(schemas.StretchQuery)
@bp.response(200, {"type": "string"}, content_type=CSV)  # type: ignore[untyped-decorator]  # smorest's own: no JSON.
@bp.fails(Invalid)
def export_days(first_day: date | None = None, last_day: date | None = None) -> Response:
    """Export the sums of some days as CSV. Not for analysts."""
    first, last = _days(first_day, last_day)
    return sending.send("reconciliation-days.csv", CSV, partial(files.days, first=first, last=last))


@bp.get("/reconciliation/breaks.csv")
@requires(Role.OWNER, Role.MERCHANT)
@bp.accepts(schemas.StretchQuery)
@bp.response(200, {"type": "string"}, content_type=CSV)  # type: ignore[untyped-decorator]  # smorest's own: no JSON.
@bp.fails(Invalid)
def export_breaks(first_day: date | None = None, last_day: date | None = None) -> Response:
    """Export every difference of some days as CSV. Not for analysts."""
    first, last = _days(first_day, last_day)
    pieces = partial(files.breaks, first=first, last=last, now=clock.now())
    return sending.send("reconciliation-breaks.csv", CSV, pieces)


def _days(first_day: date | None, last_day: date | None) -> tuple[date, date]:
    stretch = days.stretch(first_day, last_day, now=clock.now())
    return clock.china_day(stretch.since), clock.china_day(stretch.until) - days.ONE
