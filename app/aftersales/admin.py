"""What staff do after the sale: look, approve, reject, give back of their own accord."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask import g
from sqlalchemy.orm import Session

from app.aftersales import queries, schemas, service
from app.aftersales.models import AfterSale, AfterSaleStatus
from app.aftersales.queries import AfterSaleNotFound
from app.aftersales.service import (
    AfterSaleOpen,
    AfterSaleStateForbids,
    NotAfterShipping,
    NotBeforeShipping,
)
from app.core import clock, paging
from app.core.db import read, transaction
from app.core.http import Blueprint
from app.orders.queries import OrderNotFound
from app.orders.returning import ReturnExceedsLine

bp = Blueprint("after_sales_admin", __name__, description="售后处理")


@bp.get("/after-sales")
@bp.accepts(schemas.StaffAfterSaleQuery)
@bp.returns(schemas.StaffAfterSalePage)
def list_after_sales(
    status: AfterSaleStatus | None = None,
    order_no: str | None = None,
    cursor: str | None = None,
) -> dict[str, Any]:
    """List after-sale cases, the latest first."""
    before_id = paging.decode(cursor, int)[0] if cursor else None
    cases = queries.page(read(), status=status, order_no=order_no, before_id=before_id)
    return schemas.shown_page(cases)


@bp.post("/after-sales")
@bp.accepts(schemas.Application)
@bp.idempotent()
@bp.returns(schemas.StaffAfterSaleOut, 201)
@bp.fails(OrderNotFound, NotAfterShipping, ReturnExceedsLine, AfterSaleOpen)
def give_back(
    session: Session, order_no: str, reason: str, lines: Sequence[Mapping[str, int]] | None
) -> AfterSale:
    """Give the buyer the money of pieces, or of all, of a shipped order back; stock stays as is."""
    return service.give_back(
        session,
        order_no=order_no,
        staff_id=g.staff_id,
        quantities=schemas.quantities(lines),
        reason=reason,
        now=clock.now(),
    )


@bp.get("/after-sales/<after_sale_no>")
@bp.returns(schemas.StaffAfterSaleOut)
@bp.fails(AfterSaleNotFound)
def show_after_sale(after_sale_no: str) -> AfterSale:
    """Show one after-sale case."""
    return queries.get(read(), after_sale_no=after_sale_no)


@bp.post("/after-sales/<after_sale_no>/approve")
@bp.returns(schemas.StaffAfterSaleOut)
@bp.fails(AfterSaleNotFound, AfterSaleStateForbids, NotBeforeShipping)
def approve_after_sale(after_sale_no: str) -> AfterSale:
    """Give the buyer the money of the case back; the pieces it is about will not be shipped."""
    with transaction() as session:
        return service.approve(
            session, after_sale_no=after_sale_no, staff_id=g.staff_id, now=clock.now()
        )


@bp.post("/after-sales/<after_sale_no>/reject")
@bp.accepts(schemas.Rejection)
@bp.returns(schemas.StaffAfterSaleOut)
@bp.fails(AfterSaleNotFound, AfterSaleStateForbids)
def reject_after_sale(after_sale_no: str, answer: str) -> AfterSale:
    """Refuse an after-sale case, with the reason the buyer reads."""
    with transaction() as session:
        return service.reject(
            session,
            after_sale_no=after_sale_no,
            staff_id=g.staff_id,
            answer=answer,
            now=clock.now(),
        )
