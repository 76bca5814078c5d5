"""What staff do after the sale: look, approve, reject."""

from typing import Any

from flask import g

from app.aftersales import queries, schemas, service
from app.aftersales.models import AfterSale, AfterSaleStatus
from app.aftersales.queries import AfterSaleNotFound
from app.aftersales.service import AfterSaleStateForbids, NotBeforeShipping
from app.core import clock, paging
from app.core.db import read, transaction
from app.core.http import Blueprint

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
