"""What shoppers do with bulk buys: look, preview, order, and see what came back."""

from typing import Any

from flask import g
from sqlalchemy.orm import Session

from app.bulk_buys import queries, schemas, service
from app.bulk_buys.queries import BulkBuyNotFound, NoBulkBuyOrder
from app.carts.service import SkuNotForSale
from app.catalogue.freight import RegionNotServed
from app.catalogue.stock import OutOfStock
from app.core import clock
from app.core.db import read
from app.core.http import Blueprint
from app.marketing.service import CouponGone, PromotionGone
from app.members.queries import AddressNotFound
from app.orders import schemas as order_schemas
from app.orders.drafts import DealGone
from app.orders.models import Order
from app.orders.queries import OrderNotFound
from app.orders.service import PriceChanged, QuantityOverLimit

public_bp = Blueprint("bulk_buys", __name__, description="团购活动")
bp = Blueprint("bulk_buy_orders", __name__, description="团购下单与结算结果")

REFUSALS = (
    BulkBuyNotFound,
    AddressNotFound,
    DealGone,
    OutOfStock,
    RegionNotServed,
    SkuNotForSale,
)


@public_bp.get("/bulk-buys")
@public_bp.returns(schemas.BulkBuyListOut)
def list_bulk_buys() -> dict[str, Any]:
    """List the bulk buys that sell or are about to."""
    return {"items": queries.page(read(), now=clock.now())}


@public_bp.get("/bulk-buys/<int:bulk_buy_id>")
@public_bp.returns(schemas.BulkBuyOut)
@public_bp.fails(BulkBuyNotFound)
def show_bulk_buy(bulk_buy_id: int) -> dict[str, Any]:
    """Show a bulk buy: its tiers, what is collected so far, and the time of the server."""
    return queries.show(read(), promotion_id=bulk_buy_id, now=clock.now())


@bp.post("/bulk-buys/<int:bulk_buy_id>/orders/preview")
@bp.accepts(schemas.PreviewBulkBuyOrder)
@bp.returns(order_schemas.OrderDraftOut)
@bp.fails(*REFUSALS)
def preview_bulk_buy_order(bulk_buy_id: int, **body: Any) -> dict[str, Any]:
    """Price an order of a bulk buy and say why it costs that; nothing is written or held."""
    draft = service.preview(
        read(), promotion_id=bulk_buy_id, buyer_id=g.member_id, now=clock.now(), **body
    )
    return order_schemas.shown_draft(draft)


@bp.post("/bulk-buys/<int:bulk_buy_id>/orders")
@bp.accepts(schemas.PlaceBulkBuyOrder)
@bp.idempotent()
@bp.returns(order_schemas.PlacedOrderOut, 201)
@bp.fails(*REFUSALS, PriceChanged, QuantityOverLimit, CouponGone, PromotionGone)
def place_bulk_buy_order(session: Session, bulk_buy_id: int, **body: Any) -> Order:
    """Place an order of a bulk buy at its first price; what it ends cheaper by comes back."""
    return service.place(
        session, promotion_id=bulk_buy_id, buyer_id=g.member_id, now=clock.now(), **body
    )


@bp.get("/orders/<order_no>/bulk-buy")
@bp.returns(schemas.BulkBuyOutcomeOut)
@bp.fails(OrderNotFound, NoBulkBuyOrder)
def show_bulk_buy_outcome(order_no: str) -> dict[str, Any]:
    """Show what became of my order in its bulk buy: what comes back, and why."""
    return queries.outcome(read(), order_no=order_no, buyer_id=g.member_id)
