"""Buying in a flash sale: one call, and the answer is an order or a reason."""

import json
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import structlog
from flask import Response, g, request
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from app.carts.service import SkuNotForSale
from app.catalogue.freight import RegionNotServed
from app.core import auth, clock, idempotency
from app.core.db import if_needed
from app.core.errors import problem
from app.core.http import Blueprint
from app.flash_sales import board, entering, sales, service
from app.flash_sales.buying_schemas import BuyInFlashSale
from app.flash_sales.extension import entrance
from app.flash_sales.gate import Attempt, Busy
from app.flash_sales.service import SaleLimitReached, SoldOut
from app.marketing.service import CouponGone, PromotionGone
from app.members.queries import AddressNotFound
from app.orders.drafts import DealGone
from app.orders.models import Order
from app.orders.schemas import PlacedOrderOut
from app.orders.service import PriceChanged, QuantityOverLimit

log = structlog.get_logger(__name__)

View = TypeVar("View", bound=Callable[..., Any])

REFUSALS = (
    AddressNotFound,
    CouponGone,
    DealGone,
    PriceChanged,
    PromotionGone,
    QuantityOverLimit,
    RegionNotServed,
    SkuNotForSale,
)

bp = Blueprint("flash_sale_orders", __name__, description="秒杀下单")


def _refuse_from_memory(promotion_id: int) -> None:
    """Answer before anybody is asked that all is gone, where that is known."""
    memory = entrance().memory
    if not memory.knows(promotion_id):
        return
    try:  # By hand: whatever it is called, what is gone is gone.
        body = json.loads(request.get_data())
    except (ValueError, RecursionError):
        return
    if isinstance(body, dict):
        key = request.headers.get("Idempotency-Key", "")
        entering.refuse_from_memory(memory, promotion_id, body.get("sku_id"), key)


def gated(view: View) -> View:
    """Let the view be reached through the gate of its sale, by whom the sale is for."""

    @wraps(view)
    def wrapper(promotion_id: int, sku_id: int, quantity: int, **body: Any) -> Response:
        key, now = idempotency.current_key(), clock.now()
        sales.running(if_needed(), promotion_id, sku_id, now=now)

        attempt = Attempt(promotion_id, sku_id, quantity, g.member_id, key)

        def work() -> Response:
            answer: Response = view(attempt=attempt, **body)
            return answer

        return entering.enter(entrance(), attempt, work, now=now)

    return wrapper  # type: ignore[return-value]  # The same view, or a refusal.


@bp.post("/flash-sales/<int:promotion_id>/orders")
@auth.refuses_first(_refuse_from_memory)
@auth.presumes
@bp.accepts(BuyInFlashSale)
@gated
@bp.idempotent()
@bp.returns(PlacedOrderOut, 201)
@bp.fails(*sales.STANDS, SoldOut, SaleLimitReached, Busy)
@bp.fails(*REFUSALS)
def place_flash_sale_order(session: Session, attempt: Attempt, **body: Any) -> Order:
    """Buy in a flash sale: the answer is an order that waits for its payment, or why not."""
    return service.buy(session, attempt=attempt, now=clock.now(), **body)


def _busy(error: Exception) -> Response:
    """The database is away or has no connection left: to a crowd that is "busy"."""
    log.warning("database_unavailable", error=str(error.__cause__ or error))
    return problem(Busy())


def _count(response: Response) -> Response:
    """Count the call on the merchant's board, and why it got nothing."""
    refusal = board.outcome(response.status_code, g.get("problem_code"))
    marks = (board.Mark.REQUEST,) if refusal is None else (board.Mark.REQUEST, refusal)
    board.count((request.view_args or {})["promotion_id"], *marks)
    return response


bp.after_request(_count)
bp.register_error_handler(OperationalError, _busy)
bp.register_error_handler(PoolTimeout, _busy)
