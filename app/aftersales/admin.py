"""What staff do after the sale: look, decide, take goods in, send new ones, give back, write."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask import g
from sqlalchemy.orm import Session

from app.aftersales import queries, schemas, service
from app.aftersales.models import AfterSale, AfterSaleKind, AfterSaleStatus
from app.aftersales.queries import AfterSaleNotFound
from app.aftersales.service import (
    AcceptedExceedsSent,
    AfterSaleOpen,
    AfterSaleStateForbids,
    AmountExceedsShare,
    AmountIsFixed,
    FreightExceedsLeft,
    KindForbids,
    NotAfterShipping,
    NotBeforeShipping,
    Parcel,
    SecondLookBySame,
    Terms,
)
from app.catalogue.stock import OutOfStock
from app.core import clock, paging
from app.core.db import read, transaction
from app.core.errors import Invalid
from app.core.http import Blueprint
from app.orders.queries import OrderNotFound
from app.orders.returning import ReturnExceedsLine
from app.payments.service import TooManyParts

bp = Blueprint("after_sales_admin", __name__, description="售后处理")


@bp.get("/after-sales")
@bp.accepts(schemas.StaffAfterSaleQuery)
@bp.returns(schemas.StaffAfterSalePage)
def list_after_sales(
    status: AfterSaleStatus | None = None,
    kind: AfterSaleKind | None = None,
    order_no: str | None = None,
    cursor: str | None = None,
) -> dict[str, Any]:
    """List after-sale cases, the latest first."""
    before_id = paging.decode(cursor, int)[0] if cursor else None
    cases = queries.page(read(), status=status, kind=kind, order_no=order_no, before_id=before_id)
    return schemas.shown_page(cases)


@bp.post("/after-sales")
@bp.accepts(schemas.GivingBack)
@bp.idempotent()
@bp.returns(schemas.StaffAfterSaleOut, 201)
@bp.fails(OrderNotFound, NotAfterShipping, ReturnExceedsLine, AfterSaleOpen, AmountExceedsShare)
@bp.fails(TooManyParts)
def give_back(
    session: Session,
    order_no: str,
    lines: Sequence[Mapping[str, int]] | None,
    **terms: Any,
) -> AfterSale:
    """Give the buyer the money of pieces, or of all, of a shipped order back; stock stays as is."""
    return service.give_back(
        session,
        order_no=order_no,
        staff_id=g.staff_id,
        quantities=schemas.quantities(lines),
        now=clock.now(),
        **terms,
    )


@bp.get("/after-sales/<after_sale_no>")
@bp.returns(schemas.StaffAfterSaleDetailOut)
@bp.fails(AfterSaleNotFound)
def show_after_sale(after_sale_no: str) -> AfterSale:
    """Show one after-sale case, with all that was said and done about it."""
    return queries.whole(read(), after_sale_no=after_sale_no)


@bp.post("/after-sales/<after_sale_no>/approve")
@bp.accepts(schemas.Approval)
@bp.returns(schemas.StaffAfterSaleOut)
@bp.fails(
    AfterSaleNotFound,
    AfterSaleStateForbids,
    SecondLookBySame,
    NotBeforeShipping,
    ReturnExceedsLine,
    AmountIsFixed,
    AmountExceedsShare,
    KindForbids,
    FreightExceedsLeft,
    OutOfStock,
    TooManyParts,
)
def approve_after_sale(after_sale_no: str, **terms: Any) -> AfterSale:
    """Agree to a case: the money goes back, or the buyer sends the goods first."""
    with transaction() as session:
        return service.approve(
            session,
            after_sale_no=after_sale_no,
            staff_id=g.staff_id,
            terms=Terms(**terms),
            now=clock.now(),
        )


@bp.post("/after-sales/<after_sale_no>/reject")
@bp.accepts(schemas.Rejection)
@bp.returns(schemas.StaffAfterSaleOut)
@bp.fails(AfterSaleNotFound, AfterSaleStateForbids, SecondLookBySame)
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


@bp.post("/after-sales/<after_sale_no>/receive")
@bp.accepts(schemas.ArrivalIn)
@bp.returns(schemas.StaffAfterSaleOut)
@bp.fails(AfterSaleNotFound, AfterSaleStateForbids, AcceptedExceedsSent, OutOfStock, Invalid)
@bp.fails(TooManyParts)
def receive_goods(after_sale_no: str, **found: Any) -> AfterSale:
    """Take goods in that came back: accept all, some or none of them."""
    with transaction() as session:
        return service.receive(
            session,
            after_sale_no=after_sale_no,
            staff_id=g.staff_id,
            arrival=schemas.arrival(**found),
            now=clock.now(),
        )


@bp.post("/after-sales/<after_sale_no>/ship")
@bp.accepts(schemas.CaseParcelIn)
@bp.returns(schemas.StaffAfterSaleOut)
@bp.fails(AfterSaleNotFound, AfterSaleStateForbids)
def ship_exchange(after_sale_no: str, **parcel: str) -> AfterSale:
    """Send the new goods of an exchange."""
    with transaction() as session:
        return service.ship(
            session,
            after_sale_no=after_sale_no,
            staff_id=g.staff_id,
            parcel=Parcel(**parcel),
            now=clock.now(),
        )


@bp.post("/after-sales/<after_sale_no>/messages")
@bp.accepts(schemas.CaseMessage)
@bp.returns(schemas.StaffAfterSaleDetailOut)
@bp.fails(AfterSaleNotFound)
def write_to_buyer(after_sale_no: str, words: str, pictures: Sequence[str]) -> AfterSale:
    """Write to the buyer about a case."""
    with transaction() as session:
        service.say(
            session,
            after_sale_no=after_sale_no,
            staff_id=g.staff_id,
            words=words,
            pictures=tuple(pictures),
            now=clock.now(),
        )
        return queries.whole(session, after_sale_no=after_sale_no)
