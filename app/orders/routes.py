"""What a buyer does with orders: preview, place, look, cancel, receive."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from flask import current_app, g
from sqlalchemy.orm import Session

from app.carts.service import SkuNotForSale
from app.catalogue.freight import RegionNotServed
from app.catalogue.stock import OutOfStock
from app.core import clock, paging
from app.core.db import read, transaction
from app.core.http import Blueprint
from app.marketing.service import Choice, CouponGone, PromotionGone
from app.members.queries import AddressNotFound
from app.orders import drafts, queries, schemas, service
from app.orders.drafts import CartChanged, Expected, Wanted
from app.orders.models import Order, OrderOrigin, OrderStatus
from app.orders.queries import OrderNotFound
from app.orders.service import OrderStateForbids, PriceChanged, QuantityOverLimit

bp = Blueprint("orders", __name__, description="订单")

REFUSALS = (AddressNotFound, CartChanged, OutOfStock, RegionNotServed, SkuNotForSale)


@bp.post("/orders/preview")
@bp.accepts(schemas.PreviewOrder)
@bp.returns(schemas.OrderDraftOut)
@bp.fails(*REFUSALS)
def preview_order(
    address_id: int | None,
    choice: Choice,
    cart_item_ids: Sequence[int] | None = None,
    lines: Sequence[dict[str, int]] | None = None,
) -> dict[str, Any]:
    """Price an order and say why it costs that; nothing is written or held."""
    session = read()
    wanted = _buy_now(lines or [])
    if cart_item_ids:
        wanted = drafts.from_cart(session, buyer_id=g.member_id, item_ids=cart_item_ids)
    draft = drafts.preview(
        session,
        buyer_id=g.member_id,
        wanted=replace(wanted, choice=choice),
        address_id=address_id,
        now=clock.now(),
    )
    return schemas.shown_draft(draft)


@bp.post("/orders")
@bp.accepts(schemas.PlaceOrder)
@bp.idempotent()
@bp.returns(schemas.PlacedOrderOut, 201)
@bp.fails(*REFUSALS, PriceChanged, QuantityOverLimit, CouponGone, PromotionGone)
def place_order(
    session: Session,
    choice: Choice,
    expected: Expected,
    cart_item_ids: Sequence[int] | None = None,
    lines: Sequence[dict[str, int]] | None = None,
    **body: Any,
) -> Order:
    """Place an order at the price I was shown; its stock is mine until it expires."""
    wanted = _buy_now(lines or [])
    if cart_item_ids:
        wanted = drafts.taken_from_cart(session, buyer_id=g.member_id, item_ids=cart_item_ids)
    return service.place(
        session,
        buyer_id=g.member_id,
        wanted=replace(wanted, choice=choice, expected=expected),
        pay_within=timedelta(minutes=current_app.config["SETTINGS"].unpaid_minutes),
        now=clock.now(),
        **body,
    )


@bp.get("/orders")
@bp.accepts(schemas.OrderQuery)
@bp.returns(schemas.OrderPage)
def list_orders(status: OrderStatus | None = None, cursor: str | None = None) -> dict[str, Any]:
    """List my orders, the latest first."""
    before_id = paging.decode(cursor, int)[0] if cursor else None
    orders = queries.list_of_buyer(read(), buyer_id=g.member_id, status=status, before_id=before_id)
    return schemas.shown_page(orders)


@bp.get("/orders/counts")
@bp.returns(schemas.OrderCountsOut)
def count_orders() -> dict[str, int]:
    """Count my orders in each status."""
    return queries.counts(read(), buyer_id=g.member_id)


@bp.get("/orders/<order_no>")
@bp.returns(schemas.OrderDetailOut)
@bp.fails(OrderNotFound)
def show_order(order_no: str) -> Order:
    """Show one of my orders: lines, address, parcels, and why it costs what it costs."""
    return queries.get(read(), order_no=order_no, buyer_id=g.member_id)


@bp.post("/orders/<order_no>/cancel")
@bp.returns(schemas.OrderDetailOut)
@bp.fails(OrderNotFound, OrderStateForbids)
def cancel_order(order_no: str) -> Order:
    """Cancel an unpaid order; it is closed as soon as WeChat has said that no money came."""
    with transaction() as session:
        service.cancel(session, order_no=order_no, buyer_id=g.member_id, now=clock.now())
        return queries.get(session, order_no=order_no, buyer_id=g.member_id)


@bp.post("/orders/<order_no>/receive")
@bp.returns(schemas.OrderDetailOut)
@bp.fails(OrderNotFound, OrderStateForbids)
def receive_order(order_no: str) -> Order:
    """Confirm that the goods are in my hands."""
    with transaction() as session:
        service.receive(session, order_no=order_no, buyer_id=g.member_id, now=clock.now())
        return queries.get(session, order_no=order_no, buyer_id=g.member_id)


def _buy_now(lines: Sequence[dict[str, int]]) -> Wanted:
    return Wanted(OrderOrigin.BUY_NOW, {line["sku_id"]: line["quantity"] for line in lines})
