"""What staff see of a bulk buy: figures, its orders, and both as a file."""

from collections.abc import Iterator
from typing import Any

from flask import Response, stream_with_context

from app.bulk_buys import files, queries, schemas
from app.bulk_buys.queries import BulkBuyNotFound
from app.core import clock, db, paging
from app.core.db import read
from app.core.http import Blueprint
from app.staff.roles import Role, requires
from promotions.bulk_buys import ShareState

CSV = "text/csv"

bp = Blueprint("bulk_buys_admin", __name__, description="团购数据与导出")


@bp.get("/bulk-buys/<int:bulk_buy_id>/figures")
@bp.returns(schemas.BulkBuyFiguresOut)
@bp.fails(BulkBuyNotFound)
def show_bulk_buy_figures(bulk_buy_id: int) -> dict[str, Any]:
    """Show what a bulk buy has collected, the tier it stands at, and what goes back."""
    return queries.figures(read(), promotion_id=bulk_buy_id, now=clock.now())


@bp.get("/bulk-buys/<int:bulk_buy_id>/orders")
@bp.accepts(schemas.BulkShareQuery)
@bp.returns(schemas.BulkSharePage)
@bp.fails(BulkBuyNotFound)
def list_bulk_buy_orders(
    bulk_buy_id: int, limit: int, state: ShareState | None = None, cursor: str | None = None
) -> dict[str, Any]:
    """List the paid orders of a bulk buy, the latest first, and what its end came to for each."""
    before_id = paging.decode(cursor, int)[0] if cursor else None
    return queries.shares_page(
        read(), promotion_id=bulk_buy_id, state=state, before_id=before_id, limit=limit
    )


@bp.get("/bulk-buys/<int:bulk_buy_id>/orders.csv")
@requires(Role.OWNER, Role.MERCHANT)
@bp.response(200, {"type": "string"}, content_type=CSV)  # type: ignore[untyped-decorator]  # smorest's own: no JSON.
@bp.fails(BulkBuyNotFound)
def export_bulk_buy_orders(bulk_buy_id: int) -> Response:
    """Export the paid orders of a bulk buy as CSV. Not for analysts."""
    queries.get(read(), promotion_id=bulk_buy_id)

    def body() -> Iterator[str]:
        with db.snapshot() as session:
            yield from files.orders(session, promotion_id=bulk_buy_id)

    return Response(
        stream_with_context(body()),
        mimetype=CSV,
        headers={
            "Content-Disposition": 'attachment; filename="bulk-buy-orders.csv"',
            "Cache-Control": "no-store",
        },
    )
