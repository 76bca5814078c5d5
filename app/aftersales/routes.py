"""What a buyer does after the sale: ask for the money back, look, take it back."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask import g
from sqlalchemy.orm import Session

from app.aftersales import queries, schemas, service
from app.aftersales.models import AfterSale, AfterSaleStatus
from app.aftersales.queries import AfterSaleNotFound
from app.aftersales.service import AfterSaleOpen, AfterSaleStateForbids, NotBeforeShipping
from app.core import clock, paging
from app.core.db import read, transaction
from app.core.http import Blueprint
from app.orders.queries import OrderNotFound
from app.orders.returning import Return, ReturnExceedsLine

bp = Blueprint("after_sales", __name__, description="售后")


@bp.post("/after-sales/preview")
@bp.accepts(schemas.Pieces)
@bp.returns(schemas.ReturnOut)
@bp.fails(OrderNotFound, NotBeforeShipping, ReturnExceedsLine)
def preview_refund(order_no: str, lines: Sequence[Mapping[str, int]] | None) -> Return:
    """Show what I would get back for some pieces, or for all, and what goes with them."""
    return service.preview(
        read(), order_no=order_no, buyer_id=g.member_id, quantities=schemas.quantities(lines)
    )


@bp.post("/after-sales")
@bp.accepts(schemas.Application)
@bp.idempotent()
@bp.returns(schemas.AfterSaleOut, 201)
@bp.fails(OrderNotFound, NotBeforeShipping, ReturnExceedsLine, AfterSaleOpen)
def apply_for_refund(
    session: Session, order_no: str, reason: str, lines: Sequence[Mapping[str, int]] | None
) -> AfterSale:
    """Ask for the money of some pieces, or of all, of a paid order that has not been shipped."""
    return service.apply(
        session,
        order_no=order_no,
        buyer_id=g.member_id,
        quantities=schemas.quantities(lines),
        reason=reason,
        now=clock.now(),
    )


@bp.get("/after-sales")
@bp.accepts(schemas.AfterSaleQuery)
@bp.returns(schemas.AfterSalePage)
def list_after_sales(
    status: AfterSaleStatus | None = None, cursor: str | None = None
) -> dict[str, Any]:
    """List my after-sale cases, the latest first."""
    before_id = paging.decode(cursor, int)[0] if cursor else None
    cases = queries.page(read(), buyer_id=g.member_id, status=status, before_id=before_id)
    return schemas.shown_page(cases)


@bp.get("/after-sales/<after_sale_no>")
@bp.returns(schemas.AfterSaleOut)
@bp.fails(AfterSaleNotFound)
def show_after_sale(after_sale_no: str) -> AfterSale:
    """Show one of my after-sale cases."""
    return queries.get(read(), after_sale_no=after_sale_no, buyer_id=g.member_id)


@bp.post("/after-sales/<after_sale_no>/cancel")
@bp.returns(schemas.AfterSaleOut)
@bp.fails(AfterSaleNotFound, AfterSaleStateForbids)
def cancel_after_sale(after_sale_no: str) -> AfterSale:
    """Take an after-sale case back before the shop has decided."""
    with transaction() as session:
        return service.cancel(
            session, after_sale_no=after_sale_no, buyer_id=g.member_id, now=clock.now()
        )
