"""
The money of seats without a team goes back: once per order, all that is left of it.

The refund's source is its order, and payments knows each source once for ever. So the job may run
as often as it likes, and so may whoever asks for it.
"""

from collections.abc import Iterable
from datetime import datetime

import structlog
from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from app.aftersales import service as aftersales
from app.core import queue
from app.group_buys import queries
from app.orders import queries as orders
from app.orders import returning
from app.orders.models import OrderStatus
from app.payments import service as payments
from app.payments.models import Refund
from promotions import group_buys as engine
from promotions.group_buys import RefundReason, SeatStatus, TeamSeat

log = structlog.get_logger(__name__)

TASK = "group_buys.refund"
SOURCE = "group_buy:"
"""What the source of such a refund begins with; the number of its order follows."""
WORDS = {
    RefundReason.LATE: "付款时拼团已满或已结束，款项原路退回",
    RefundReason.EXPIRED: "拼团未成功，款项原路退回",
    RefundReason.STOPPED: "商家终止拼团，款项原路退回",
}
"""What WeChat shows with the money. Who left by an after-sale gets it by that."""
BATCH = 200


def ask(session: Session, sources: Iterable[str], *, reason: str | None = None) -> None:
    """Have the money of these orders (`order:O…`) given back, a job for each; twice is once."""
    for source in sources:
        queue.defer(session, TASK, queueing_lock=f"{TASK}:{source}", source=source, reason=reason)


def refund(session: Session, *, source: str, reason: str | None, now: datetime) -> bool:
    """
    Begin to give all that is left of an order without a team back; False if there is nothing to do.

    A buyer's own request that still waits for staff is closed by it: everything goes back anyway.
    """
    seat = engine.seat_of(session, source)
    if seat is None or seat.status is not SeatStatus.REFUNDING or seat.refund_reason not in WORDS:
        return False
    number = source[queries.PREFIX :]
    order = orders.locked(session, order_id=orders.get(session, order_no=number).id)
    if order.status != OrderStatus.PAID:
        log.warning("group_buy_refund_not_needed", source=source, order_status=order.status)
        return False
    aftersales.give_way(session, order_id=order.id, answer=WORDS[seat.refund_reason], now=now)
    lines = orders.lines(session, order_id=order.id)
    plan = returning.plan(order, lines)
    if not plan.lines and not plan.amount_fen:
        return False
    payments.request_refund(
        session,
        order_id=order.id,
        source=f"{SOURCE}{number}",
        amount_fen=plan.amount_fen,
        line_amounts=plan.line_amounts,
        freight_fen=plan.freight_fen,
        quantities=plan.quantities,
        reason=reason or WORDS[seat.refund_reason],
        now=now,
    )
    return True


def forgotten(session: Session) -> list[str]:
    """Orders without a team whose money nobody has begun to give back; at most a batch."""
    number = func.substr(TeamSeat.source, queries.PREFIX + 1)
    begun = exists().where(Refund.source == func.concat(SOURCE, number))
    return list(
        session.scalars(
            select(TeamSeat.source)
            .where(TeamSeat.status == SeatStatus.REFUNDING, TeamSeat.refund_reason.in_(WORDS))
            .where(~begun)
            .order_by(TeamSeat.id)
            .limit(BATCH)
        )
    )
