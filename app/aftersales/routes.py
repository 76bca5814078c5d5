"""What a buyer does after the sale: ask, look, send, speak, take back, ask for a second look."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask import g
from sqlalchemy.orm import Session

from app.aftersales import queries, schemas, service
from app.aftersales.goods import Parcel
from app.aftersales.models import AfterSale, AfterSaleKind, AfterSaleStatus
from app.aftersales.queries import AfterSaleNotFound
from app.aftersales.service import (
    AfterSaleOpen,
    AfterSaleStateForbids,
    AmountExceedsShare,
    AmountIsFixed,
    AppealedBefore,
    KindForbids,
    NothingToGiveBack,
    OutsideAfterSales,
)
from app.core import clock, paging
from app.core.db import read, transaction
from app.core.http import Blueprint
from app.orders.queries import OrderNotFound
from app.orders.returning import ReturnExceedsLine

bp = Blueprint("after_sales", __name__, description="售后")

MAY_NOT_ASK = (
    OrderNotFound,
    OutsideAfterSales,
    ReturnExceedsLine,
    AfterSaleOpen,
    KindForbids,
    AmountIsFixed,
    AmountExceedsShare,
    NothingToGiveBack,
)


@bp.get("/after-sales/reasons")
@bp.returns(schemas.ReasonsOut)
def list_after_sale_reasons() -> dict[str, Any]:
    """List the reasons to choose from."""
    return schemas.shown_reasons()


@bp.post("/after-sales/preview")
@bp.accepts(schemas.Pieces)
@bp.returns(schemas.ReturnPreviewOut)
@bp.fails(*MAY_NOT_ASK)
def preview_refund(
    order_no: str,
    kind: AfterSaleKind,
    lines: Sequence[Mapping[str, int]] | None,
    amount_fen: int | None,
) -> dict[str, Any]:
    """Show what I would get back for some pieces, or for all, and what the rest loses by it."""
    plan = service.preview(
        read(),
        order_no=order_no,
        buyer_id=g.member_id,
        wish=schemas.wish(kind, lines, amount_fen),
        now=clock.now(),
    )
    return schemas.shown_plan(plan)


@bp.post("/after-sales")
@bp.accepts(schemas.Application)
@bp.idempotent()
@bp.returns(schemas.AfterSaleOut, 201)
@bp.fails(*MAY_NOT_ASK)
def apply_for_refund(
    session: Session,
    *,
    kind: AfterSaleKind,
    lines: Sequence[Mapping[str, int]] | None,
    amount_fen: int | None,
    pictures: Sequence[str],
    **words: Any,
) -> AfterSale:
    """Ask for the money of pieces of an order, to send them back, or to have them exchanged."""
    return service.apply(
        session,
        buyer_id=g.member_id,
        wish=schemas.wish(kind, lines, amount_fen),
        pictures=tuple(pictures),
        now=clock.now(),
        **words,
    )


@bp.get("/after-sales")
@bp.accepts(schemas.AfterSaleQuery)
@bp.returns(schemas.AfterSalePage)
def list_after_sales(
    status: AfterSaleStatus | None = None,
    kind: AfterSaleKind | None = None,
    cursor: str | None = None,
) -> dict[str, Any]:
    """List my after-sale cases, the latest first."""
    before_id = paging.decode(cursor, int)[0] if cursor else None
    cases = queries.page(
        read(), buyer_id=g.member_id, status=status, kind=kind, before_id=before_id
    )
    return schemas.shown_page(cases)


@bp.get("/after-sales/<after_sale_no>")
@bp.returns(schemas.AfterSaleDetailOut)
@bp.fails(AfterSaleNotFound)
def show_after_sale(after_sale_no: str) -> AfterSale:
    """Show one of my after-sale cases, with all that was said and done about it."""
    return queries.whole(read(), after_sale_no=after_sale_no, buyer_id=g.member_id)


@bp.post("/after-sales/<after_sale_no>/cancel")
@bp.returns(schemas.AfterSaleOut)
@bp.fails(AfterSaleNotFound, AfterSaleStateForbids)
def cancel_after_sale(after_sale_no: str) -> AfterSale:
    """Take an after-sale case back before the shop has decided, or before I send the goods."""
    with transaction() as session:
        return service.cancel(
            session, after_sale_no=after_sale_no, buyer_id=g.member_id, now=clock.now()
        )


@bp.post("/after-sales/<after_sale_no>/parcel")
@bp.accepts(schemas.CaseParcelIn)
@bp.returns(schemas.AfterSaleOut)
@bp.fails(AfterSaleNotFound, AfterSaleStateForbids)
def send_goods_back(after_sale_no: str, **parcel: str) -> AfterSale:
    """Say in which parcel the goods go back; said again, it corrects what was said."""
    with transaction() as session:
        return service.send(
            session,
            after_sale_no=after_sale_no,
            buyer_id=g.member_id,
            parcel=Parcel(**parcel),
            now=clock.now(),
        )


@bp.post("/after-sales/<after_sale_no>/appeal")
@bp.accepts(schemas.AppealIn)
@bp.returns(schemas.AfterSaleOut)
@bp.fails(
    AfterSaleNotFound,
    AfterSaleStateForbids,
    AppealedBefore,
    OutsideAfterSales,
    ReturnExceedsLine,
    KindForbids,
)
def appeal_after_sale(after_sale_no: str, words: str, pictures: Sequence[str]) -> AfterSale:
    """Ask that somebody else of the shop looks at a refused case; once."""
    with transaction() as session:
        return service.appeal(
            session,
            after_sale_no=after_sale_no,
            buyer_id=g.member_id,
            words=words,
            pictures=tuple(pictures),
            now=clock.now(),
        )


@bp.post("/after-sales/<after_sale_no>/messages")
@bp.accepts(schemas.CaseMessage)
@bp.returns(schemas.AfterSaleDetailOut)
@bp.fails(AfterSaleNotFound)
def write_to_shop(after_sale_no: str, words: str, pictures: Sequence[str]) -> AfterSale:
    """Write to the shop about one of my cases."""
    with transaction() as session:
        mine = {"after_sale_no": after_sale_no, "buyer_id": g.member_id}
        service.say(session, words=words, pictures=tuple(pictures), now=clock.now(), **mine)
        return queries.whole(session, **mine)
