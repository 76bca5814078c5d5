"""Orders at any point of their life, brought there by the moves the mall itself makes."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.catalogue.models import Sku
from app.marketing.service import ANY_CHOICE, Choice
from app.members import queries as members
from app.members.models import Member
from app.orders import drafts, queries, returning
from app.orders import service as orders
from app.orders.models import CloseReason, Order, OrderOrigin, OrderStatus
from app.orders.returning import Return, Which
from tests.builders.catalogue import make_sku
from tests.builders.members import make_address, make_member

LIFE = (
    OrderStatus.PAID,
    OrderStatus.SHIPPED,
    OrderStatus.RECEIVED,
    OrderStatus.COMPLETED,
)
PARCEL = {"company_code": "SF", "company_name": "顺丰速运", "tracking_no": "SF1234567890"}


def make_order(
    session: Session,
    *,
    now: datetime,
    buyer: Member | None = None,
    quantities: Mapping[int, int] | None = None,
    sku: Sku | None = None,
    quantity: int = 1,
    status: OrderStatus = OrderStatus.UNPAID,
    remark: str = "",
    region_code: str = "440305",
    pay_within: timedelta = timedelta(minutes=30),
    choice: Choice = ANY_CHOICE,
) -> Order:
    """An order of `quantities` (SKU id → pieces), or of one SKU, lawfully come to a status."""
    buyer = buyer or make_member(session)
    if quantities is None:
        quantities = {(sku or make_sku(session)).id: quantity}
    known = members.list_addresses(session, buyer.id)
    address = next((each for each in known if each.region_code == region_code), None)
    address = address or make_address(session, member_id=buyer.id, region_code=region_code)
    wanted = drafts.Wanted(OrderOrigin.BUY_NOW, quantities, choice)
    draft = drafts.preview(
        session, buyer_id=buyer.id, wanted=wanted, address_id=address.id, now=now
    )
    order = orders.place(
        session,
        buyer_id=buyer.id,
        wanted=wanted,
        address_id=address.id,
        expected_payable_fen=draft.quote.payable_fen,
        remark=remark,
        pay_within=pay_within,
        now=now,
    )
    bring_to(session, order, status, now=now)
    return queries.get(session, order_no=order.order_no)


def only_order(session: Session) -> Order:
    """The only order there is, as it is in the database now."""
    session.rollback()
    return queries.get(session, order_no=session.scalars(select(Order.order_no)).one())


def bring_to(session: Session, order: Order, status: OrderStatus, *, now: datetime) -> None:
    """Move a fresh order on until it is in `status`."""
    if status in {OrderStatus.CLOSING, OrderStatus.CLOSED}:
        orders.cancel(session, order_no=order.order_no, buyer_id=order.buyer_id, now=now)
    if status is OrderStatus.CLOSED:
        orders.close(session, order_id=order.id, reason=CloseReason.BUYER, now=now)
    if status not in {*LIFE, OrderStatus.REFUNDED}:
        return
    pay(session, order, now=now)
    if status is OrderStatus.REFUNDED:
        refund_all(session, order, now=now)
        return
    if LIFE.index(status) >= LIFE.index(OrderStatus.SHIPPED):
        orders.ship(session, order_no=order.order_no, now=now, **PARCEL)
    if LIFE.index(status) >= LIFE.index(OrderStatus.RECEIVED):
        orders.receive(session, order_no=order.order_no, buyer_id=order.buyer_id, now=now)
    if status is OrderStatus.COMPLETED:
        orders.complete_due(session, now=now + timedelta(days=7))


def pay(session: Session, order: Order, *, now: datetime) -> bool:
    """Pay the order in full, as payments does when WeChat says so."""
    return orders.mark_paid(
        session,
        order_id=order.id,
        transaction_id=f"42{order.id:026}",
        paid_fen=order.payable_fen,
        paid_at=now,
        now=now,
    )


def begin_return(
    session: Session,
    order: Order,
    pieces: Mapping[int, int] | None,
    *,
    source: str,
    now: datetime,
    which: Which = Which.ANY,
) -> Return:
    """Begin to give back these pieces (by `order_line.id`), or all; return what goes back."""
    fresh = queries.get(session, order_no=order.order_no)
    plan = returning.plan(fresh, fresh.lines, pieces, which=which)
    orders.begin_refund(
        session,
        order_id=order.id,
        refund_source=source,
        line_amounts=plan.line_amounts,
        quantities=plan.quantities,
        retained=plan.retained,
        rest_fen=plan.rest_fen,
        freight_fen=plan.freight_fen,
        now=now,
    )
    return plan


def give_back(
    session: Session,
    order: Order,
    pieces: Mapping[int, int] | None,
    *,
    source: str,
    now: datetime,
) -> Return:
    """Give back these pieces (by `order_line.id`), or all that is left, as an after-sale does."""
    plan = begin_return(session, order, pieces, source=source, now=now)
    orders.finish_refund(session, order_id=order.id, refund_source=source, now=now)
    return plan


def refund_all(session: Session, order: Order, *, now: datetime) -> None:
    """Give back everything that is left of a paid order, freight included."""
    fresh = queries.get(session, order_no=order.order_no)
    left = {
        line.id: line.payable_fen - line.refunding_fen - line.refunded_fen for line in fresh.lines
    }
    freight_fen = fresh.freight_fen - fresh.freight_refunding_fen - fresh.freight_refunded_fen
    source = f"test:{order.order_no}:{fresh.version}"
    orders.begin_refund(
        session,
        order_id=order.id,
        refund_source=source,
        line_amounts=left,
        freight_fen=freight_fen,
        now=now,
    )
    orders.finish_refund(session, order_id=order.id, refund_source=source, now=now)
