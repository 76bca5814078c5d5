"""A case begins: a buyer asks, or staff give money back of their own accord."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from app.aftersales import moving, planning, refunding
from app.aftersales.models import Actor, AfterSale, AfterSaleKind, AfterSaleStatus, Reason
from app.aftersales.moving import By
from app.aftersales.planning import EVERYTHING, Plan, Wish
from app.core import numbers
from app.core.errors import Conflict
from app.orders import queries as orders
from app.orders.models import Order, OrderStatus
from app.shop import queries as shop

LEFT = (OrderStatus.SHIPPED, OrderStatus.RECEIVED, OrderStatus.COMPLETED)
"""Where an order is that has left and may still be refunded."""


class NotAfterShipping(Conflict):
    """Staff give money back of what has left; before that the buyer asks."""

    code, title = "not_after_shipping", "仅已发货且未全部退款的订单可由商家主动退款"


@dataclass(frozen=True, slots=True)
class _Grounds:
    """Why: from the list, in the buyer's words, and what pictures show."""

    reason: str
    code: Reason = Reason.OTHER
    pictures: tuple[str, ...] = ()


def preview(session: Session, *, order_no: str, buyer_id: int, wish: Wish, now: datetime) -> Plan:
    """
    Say what would go back for a wish and what the rest would lose by it; nothing is written.

    :raises OrderNotFound, OutsideAfterSales, ReturnExceedsLine: as `apply`, and so the others.
    """
    order = orders.get(session, order_no=order_no, buyer_id=buyer_id)
    planning.may_ask(order, shop.rules(session), now=now)
    return planning.plan(session, order, order.lines, wish)


def apply(
    session: Session,
    *,
    order_no: str,
    buyer_id: int,
    wish: Wish = EVERYTHING,
    reason: str,
    reason_code: Reason = Reason.OTHER,
    pictures: tuple[str, ...] = (),
    now: datetime,
) -> AfterSale:
    """
    Ask for money, for a return or for an exchange of pieces of an order, or of all that is left.

    What goes back for them is settled here and kept: their stored share of the price. Until the
    case ends, the commissions of these lines do not mature and nobody else may ask for the pieces.

    :raises OrderNotFound: there is none, or it is somebody else's.
    :raises OutsideAfterSales: it is not paid, or its window is over.
    :raises ReturnExceedsLine: a line has fewer pieces left, or is not one of the order's.
    :raises AfterSaleOpen: nothing is left that no case asks for.
    :raises KindForbids, AmountIsFixed, AmountExceedsShare, NothingToGiveBack: see there.
    """
    order = orders.for_payment(session, order_no=order_no, buyer_id=buyer_id)
    planning.may_ask(order, shop.rules(session), now=now)
    lines = orders.lines(session, order_id=order.id)
    plan = planning.plan(session, order, lines, wish)
    by = By(Actor.BUYER, None, reason, pictures)
    grounds = _Grounds(reason, reason_code, pictures)
    return _opened(session, order, plan, grounds=grounds, by=by, now=now)


def give_back(
    session: Session,
    *,
    order_no: str,
    staff_id: int,
    quantities: Mapping[int, int] | None = None,
    amount_fen: int | None = None,
    with_freight: bool = True,
    reason: str,
    now: datetime,
) -> AfterSale:
    """
    Give the money of pieces, or of all that is left, of an order that has left back: staff decide.

    It opens a case and approves it at once. Nothing returns to stock: a person counts what came.
    Freight goes with the last pieces, if `with_freight`.

    :raises OrderNotFound: there is none.
    :raises NotAfterShipping: it has not been shipped, or all of it went back.
    :raises ReturnExceedsLine: a line has fewer pieces left, or is not one of the order's.
    :raises AmountExceedsShare: `amount_fen` is more than they cost.
    :raises AfterSaleOpen: nothing is left that no case asks for.
    """
    found = orders.get(session, order_no=order_no)
    order = orders.locked(session, order_id=found.id)
    if order.status not in LEFT:
        raise NotAfterShipping(order_status=order.status)
    lines = orders.lines(session, order_id=order.id)
    wish = Wish(AfterSaleKind.RETURN_REFUND, quantities, amount_fen)
    plan = planning.plan(session, order, lines, wish, with_freight=with_freight)
    by = moving.by_staff(staff_id, reason)
    grounds = _Grounds(reason, Reason.AGREED)
    case = _opened(session, order, plan, grounds=grounds, by=by, now=now, is_staffs=True)
    return refunding.refund(session, case, order, by=moving.by_staff(staff_id), now=now)


def _opened(
    session: Session,
    order: Order,
    plan: Plan,
    *,
    grounds: _Grounds,
    by: By,
    now: datetime,
    is_staffs: bool = False,
) -> AfterSale:
    """A case about pieces of a locked order, settled now; their commissions wait for its end."""
    case = AfterSale(
        after_sale_no=numbers.after_sale_no(now),
        order_id=order.id,
        order_no=order.order_no,
        buyer_id=order.buyer_id,
        kind=AfterSaleKind.MONEY_ONLY if is_staffs else plan.wish.kind,
        status=AfterSaleStatus.APPLIED,
        reason_code=grounds.code,
        reason=grounds.reason,
        pictures=list(grounds.pictures),
        amount_fen=plan.brings.amount_fen,
        breakdown=plan.brings.to_json(),
        takes_pieces=plan.takes_pieces,
        applied_at=now,
        due_at=moving.due_after(session, AfterSaleStatus.APPLIED, now),
    )
    session.add(case)
    session.flush()
    moving.note(session, case, by=by, status=AfterSaleStatus.APPLIED, now=now)
    moving.count(session, order.id, 1)
    planning.claim(session, case, order, now=now)
    return case
