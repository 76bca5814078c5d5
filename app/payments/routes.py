"""What a buyer does about money: pay for an order, and learn how that stands."""

from contextlib import suppress
from typing import Any

from flask import g

from app.core import redis
from app.core.db import transaction
from app.core.http import Blueprint
from app.core.redis import TooMany
from app.orders import queries as orders
from app.orders.queries import OrderNotFound
from app.orders.service import OrderClosed
from app.payments import calls, queries, schemas
from app.payments.attempts import AlreadyPaid
from app.payments.queries import PaymentState
from app.wechat.errors import ResultUnknown, WeChatError, WeChatNotConfigured, WeChatRefused

ASK_SECONDS = 2
"""A page that waits for the result may ask as often as it likes; WeChat is asked this seldom."""
PAYS_PER_MINUTE = 30

bp = Blueprint("payments", __name__, description="支付")


@bp.post("/orders/<order_no>/pay")
@bp.returns(schemas.RequestPaymentOut)
@bp.fails(
    OrderNotFound,
    AlreadyPaid,
    OrderClosed,
    ResultUnknown,
    WeChatRefused,
    WeChatNotConfigured,
    TooMany,
)
def pay_order(order_no: str) -> dict[str, str]:
    """Get the arguments of `wx.requestPayment` for my order; asking again is harmless."""
    redis.rate_limit(f"pay:{g.member_id}", limit=PAYS_PER_MINUTE, seconds=60)
    return calls.prepay(order_no=order_no, buyer_id=g.member_id)


@bp.get("/orders/<order_no>/payment")
@bp.returns(schemas.PaymentStateOut)
@bp.fails(OrderNotFound)
def show_payment(order_no: str) -> dict[str, Any]:
    """Show how the money for my order stands; WeChat is asked if it has not said so yet."""
    state = _state(order_no)
    if state.unanswered is not None:
        # Whatever comes of asking, what we know is a true answer.
        with suppress(WeChatError, TooMany):
            redis.rate_limit(f"pay_query:{state.unanswered}", limit=1, seconds=ASK_SECONDS)
            calls.ask(state.unanswered)
            state = _state(order_no)
    return state._asdict()


def _state(order_no: str) -> PaymentState:
    # A transaction of its own, so that no connection is held while WeChat is asked.
    with transaction() as session:
        order = orders.get(session, order_no=order_no, buyer_id=g.member_id)
        return queries.state_of(session, order)
