"""What staff see of flash sales: the list, the live board, and the orders as a file."""

from collections.abc import Iterator
from typing import Any

from flask import Response, stream_with_context

from app.core import clock, db
from app.core.db import read
from app.core.errors import Invalid
from app.core.http import Blueprint, page_of
from app.flash_sales import figures, schemas_pages
from app.flash_sales.sales import FlashSaleNotFound
from app.staff.roles import Role, requires

CSV = "text/csv"

bp = Blueprint("flash_board", __name__, description="秒杀：活动列表、实时看板与订单导出")


@bp.get("/flash-sales")
@bp.accepts(schemas_pages.FlashSalePageQuery)
@bp.returns(page_of(schemas_pages.SaleBriefOut))
@bp.fails(Invalid)
def list_all_flash_sales(limit: int, cursor: str | None = None) -> dict[str, Any]:
    """List flash sales, the latest first, each with its phase and true progress."""
    items, next_cursor = figures.page(read(), cursor=cursor, limit=limit, now=clock.now())
    return {"items": items, "next_cursor": next_cursor}


@bp.get("/flash-sales/<int:promotion_id>/board")
@bp.returns(schemas_pages.SaleBoardOut)
@bp.fails(FlashSaleNotFound)
def show_board(promotion_id: int) -> dict[str, Any]:
    """Show a sale as it happens: the gate, orders, money and pieces, also by second."""
    return figures.of(read(), promotion_id, now=clock.now())


@bp.get("/flash-sales/<int:promotion_id>/orders.csv")
@requires(Role.OWNER, Role.MERCHANT)
@bp.response(200, {"type": "string"}, content_type=CSV)  # type: ignore[untyped-decorator]  # smorest's own: no JSON.
@bp.fails(FlashSaleNotFound)
def export_flash_orders(promotion_id: int) -> Response:
    """Export every order of a sale as CSV. Not for analysts."""
    figures.require(read(), promotion_id)

    def body() -> Iterator[str]:
        with db.snapshot() as session:
            yield from figures.orders_file(session, promotion_id)

    return Response(
        stream_with_context(body()),
        mimetype=CSV,
        headers={
            "Content-Disposition": f'attachment; filename="flash-sale-{promotion_id}.csv"',
            "Cache-Control": "no-store",
        },
    )
