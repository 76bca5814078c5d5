"""
The moves of a case: apply, cancel, approve, reject, settle.

The order's row is locked before the case's: it is the first lock of whatever moves money.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import exists, select, update
from sqlalchemy.orm import Session

from app.aftersales import queries
from app.aftersales.models import (
    OPEN,
    SOURCE,
    TRANSITIONS,
    AfterSale,
    AfterSaleKind,
    AfterSaleStatus,
)
from app.core import numbers
from app.core.errors import Conflict
from app.orders import queries as orders
from app.orders import returning
from app.orders.models import LineKind, Order, OrderStatus
from app.orders.paying import line_source
from app.orders.returning import Return
from app.payments import service as payments
from distribution import commissions

LEFT = (OrderStatus.SHIPPED, OrderStatus.RECEIVED, OrderStatus.COMPLETED)
"""Where an order is that has left and may still be refunded."""


class NotBeforeShipping(Conflict):
    """Only what is paid and has not left can be asked for."""

    code, title = "not_before_shipping", "仅已付款且未发货的订单可以申请退款"


class NotAfterShipping(Conflict):
    """Staff give money back of what has left; before that the buyer asks."""

    code, title = "not_after_shipping", "仅已发货且未全部退款的订单可由商家主动退款"


class AfterSaleOpen(Conflict):
    """The order has an open case already."""

    code, title = "after_sale_open", "该订单已有进行中的售后申请"


class AfterSaleStateForbids(Conflict):
    """The case has moved on."""

    code, title = "after_sale_state_forbids", "售后申请当前状态不允许该操作"


def preview(
    session: Session, *, order_no: str, buyer_id: int, quantities: Mapping[int, int] | None
) -> Return:
    """
    Say what would go back for pieces of lines, or for all that is left; nothing is written.

    :raises OrderNotFound, NotBeforeShipping, ReturnExceedsLine: as `apply`.
    """
    order = orders.get(session, order_no=order_no, buyer_id=buyer_id)
    _refuse_unless_unshipped(order)
    wanted = returning.unshipped(order.lines, quantities)
    return returning.plan(order, order.lines, wanted)


def apply(
    session: Session,
    *,
    order_no: str,
    buyer_id: int,
    quantities: Mapping[int, int] | None = None,
    reason: str,
    now: datetime,
) -> AfterSale:
    """
    Ask for the money of pieces (by `order_line.id`), or of all that is left, of an unshipped order.

    What goes back for them is settled here and kept: their stored share of the price. Until the
    case ends, the commissions of these lines do not mature.

    :raises OrderNotFound: there is none, or it is somebody else's.
    :raises NotBeforeShipping: it is not paid, or has left already.
    :raises ReturnExceedsLine: a line has fewer pieces left, or is not one of the order's.
    :raises AfterSaleOpen: it is being asked for already.
    """
    order = orders.for_payment(session, order_no=order_no, buyer_id=buyer_id)
    _refuse_unless_unshipped(order)
    lines = orders.lines(session, order_id=order.id)
    wanted = returning.unshipped(lines, quantities)
    return _opened(session, order, quantities=wanted, reason=reason, now=now)


def give_back(
    session: Session,
    *,
    order_no: str,
    staff_id: int,
    quantities: Mapping[int, int] | None = None,
    reason: str,
    now: datetime,
) -> AfterSale:
    """
    Give the money of pieces, or of all that is left, of an order that has left back: staff decide.

    It opens a case and approves it at once. Nothing returns to stock: a person counts what came.

    :raises OrderNotFound: there is none.
    :raises NotAfterShipping: it has not been shipped, or all of it went back.
    :raises ReturnExceedsLine: a line has fewer pieces left, or is not one of the order's.
    :raises AfterSaleOpen: it is being asked for already.
    """
    found = orders.get(session, order_no=order_no)
    order = orders.locked(session, order_id=found.id)
    if order.status not in LEFT:
        raise NotAfterShipping(order_status=order.status)
    case = _opened(session, order, quantities=quantities, reason=reason, now=now)
    case = _approved(session, case, staff_id=staff_id, now=now)
    return _refunding(session, case, order, now=now)


def cancel(session: Session, *, after_sale_no: str, buyer_id: int, now: datetime) -> AfterSale:
    """
    Take a case back before staff have decided.

    :raises AfterSaleNotFound: there is none, or it is somebody else's.
    :raises AfterSaleStateForbids: staff have decided, or it is cancelled already.
    """
    case = queries.get(session, after_sale_no=after_sale_no, buyer_id=buyer_id)
    case = _move(
        session, case, AfterSaleStatus.APPLIED, AfterSaleStatus.CANCELLED, cancelled_at=now
    )
    commissions.settle_claim(session, claim_source=case.source, now=now)
    return case


def approve(session: Session, *, after_sale_no: str, staff_id: int, now: datetime) -> AfterSale:
    """
    Give the money of a case back, as it was settled when the buyer asked.

    Until it is back the order is not shipped. The case is refunded when payments says so; what
    cost nothing takes the same way without WeChat.

    :raises AfterSaleNotFound: there is none.
    :raises AfterSaleStateForbids: it is decided or cancelled already.
    :raises NotBeforeShipping: the order, or these pieces of it, have left meanwhile.
    """
    case = queries.get(session, after_sale_no=after_sale_no)
    order = orders.locked(session, order_id=case.order_id)
    case = _approved(session, case, staff_id=staff_id, now=now)
    _refuse_unless_unshipped(order)
    _refuse_what_left(session, case, order)
    return _refunding(session, case, order, now=now)


def reject(
    session: Session, *, after_sale_no: str, staff_id: int, answer: str, now: datetime
) -> AfterSale:
    """
    Refuse a case, telling the buyer why.

    :raises AfterSaleNotFound: there is none.
    :raises AfterSaleStateForbids: it is decided or cancelled already.
    """
    case = queries.get(session, after_sale_no=after_sale_no)
    case = _move(
        session,
        case,
        AfterSaleStatus.APPLIED,
        AfterSaleStatus.REJECTED,
        decided_at=now,
        decided_by=staff_id,
        answer=answer,
    )
    commissions.settle_claim(session, claim_source=case.source, now=now)
    return case


def give_way(session: Session, *, order_id: int, answer: str, now: datetime) -> bool:
    """
    End an undecided case of a locked order, because all of the order goes back for another reason.

    The buyer reads `answer`. Returns False if no case waits for a decision.
    """
    case = session.scalar(
        select(AfterSale).where(
            AfterSale.order_id == order_id, AfterSale.status == AfterSaleStatus.APPLIED
        )
    )
    if case is None:
        return False
    _move(
        session,
        case,
        AfterSaleStatus.APPLIED,
        AfterSaleStatus.CANCELLED,
        cancelled_at=now,
        answer=answer,
    )
    commissions.settle_claim(session, claim_source=case.source, now=now)
    return True


def settle(session: Session, *, source: str, now: datetime) -> bool:
    """
    Close the case whose refund, known by its source, has arrived.

    Returns False if it was closed before, or if no case asked for that refund.
    """
    if not source.startswith(SOURCE):
        return False
    case = queries.get(session, after_sale_no=source.removeprefix(SOURCE))
    if case.status == AfterSaleStatus.REFUNDED:
        return False
    _move(session, case, AfterSaleStatus.REFUNDING, AfterSaleStatus.REFUNDED, refunded_at=now)
    commissions.settle_claim(session, claim_source=source, now=now)
    return True


def _opened(
    session: Session,
    order: Order,
    *,
    quantities: Mapping[int, int] | None,
    reason: str,
    now: datetime,
) -> AfterSale:
    """A case about pieces of a locked order, settled now; their commissions wait for its end."""
    is_open = exists().where(AfterSale.order_id == order.id, AfterSale.status.in_(OPEN))
    if session.scalar(select(is_open)):
        raise AfterSaleOpen
    lines = orders.lines(session, order_id=order.id)
    plan = returning.plan(order, lines, quantities)
    case = AfterSale(
        after_sale_no=numbers.after_sale_no(now),
        order_id=order.id,
        order_no=order.order_no,
        buyer_id=order.buyer_id,
        kind=AfterSaleKind.MONEY_ONLY,
        status=AfterSaleStatus.APPLIED,
        reason=reason,
        amount_fen=plan.amount_fen,
        breakdown=plan.to_json(),
        applied_at=now,
    )
    session.add(case)
    session.flush()
    goods = [line for line in lines if line.kind == LineKind.GOODS and line.id in plan.quantities]
    claimed = [line_source(order, line) for line in goods]
    commissions.claim(session, claim_source=case.source, line_sources=claimed, now=now)
    return case


def _approved(session: Session, case: AfterSale, *, staff_id: int, now: datetime) -> AfterSale:
    return _move(
        session,
        case,
        AfterSaleStatus.APPLIED,
        AfterSaleStatus.REFUNDING,
        decided_at=now,
        decided_by=staff_id,
    )


def _refunding(session: Session, case: AfterSale, order: Order, *, now: datetime) -> AfterSale:
    """Begin the refund of an approved case, as it was settled when the case was opened."""
    plan = _settled(session, case, order)
    payments.request_refund(
        session,
        order_id=order.id,
        source=case.source,
        amount_fen=case.amount_fen,
        line_amounts=plan.line_amounts,
        freight_fen=plan.freight_fen,
        quantities=plan.quantities,
        reason=case.reason,
        now=now,
    )
    return case


def _settled(session: Session, case: AfterSale, order: Order) -> Return:
    if case.breakdown is not None:
        return Return.from_json(case.breakdown)
    return returning.plan(order, orders.lines(session, order_id=order.id))


def _refuse_unless_unshipped(order: Order) -> None:
    if order.status != OrderStatus.PAID:
        raise NotBeforeShipping(order_status=order.status)


def _refuse_what_left(session: Session, case: AfterSale, order: Order) -> None:
    lines = orders.lines(session, order_id=order.id)
    if not any(line.shipped_quantity for line in lines):
        return
    wanted = _settled(session, case, order).quantities
    if any(wanted.get(line.id, 0) > line.waiting_quantity for line in lines):
        raise NotBeforeShipping(order_status=order.status)


def _move(
    session: Session,
    case: AfterSale,
    source: AfterSaleStatus,
    target: AfterSaleStatus,
    **values: Any,
) -> AfterSale:
    """Move the case if it still is where it is thought to be: of two moves at once one wins."""
    assert target in TRANSITIONS[source]
    moved: AfterSale | None = session.scalar(
        update(AfterSale)
        .where(AfterSale.id == case.id, AfterSale.status == source)
        .values(status=target, **values)
        .returning(AfterSale),
        execution_options={"populate_existing": True, "synchronize_session": False},
    )
    if moved is None:
        session.refresh(case)
        raise AfterSaleStateForbids(after_sale_status=case.status)
    return moved
