"""What is asked about orders: by their buyer, by staff, by payments and after-sales."""

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, selectinload

from app.core import crypto
from app.core.errors import NotFound
from app.members.queries import AddressSnapshot
from app.orders.models import LineKind, Order, OrderLine, OrderStatus, source
from app.orders.parcel_models import Shipment

PAGE = 20


class OrderNotFound(NotFound):
    """No such order, or it is somebody else's."""

    code, title = "order_not_found", "订单不存在"


def for_payment(session: Session, *, order_no: str, buyer_id: int) -> Order:
    """
    The buyer's order, locked until the transaction ends.

    :raises OrderNotFound: there is none, or it is somebody else's.
    """
    return _one(session, _locked().where(Order.order_no == order_no, Order.buyer_id == buyer_id))


def locked(session: Session, *, order_id: int) -> Order:
    """
    The order, locked until the transaction ends: the first lock of whatever moves money.

    :raises OrderNotFound: there is none.
    """
    return _one(session, _locked().where(Order.id == order_id))


def id_of(session: Session, *, order_no: str) -> int:
    """
    The key of an order.

    :raises OrderNotFound: there is none.
    """
    order_id = session.scalar(select(Order.id).where(Order.order_no == order_no))
    if order_id is None:
        raise OrderNotFound
    return order_id


def lines(session: Session, *, order_id: int) -> Sequence[OrderLine]:
    """The lines of an order by their `seq`, as they are in the database now."""
    return session.scalars(
        select(OrderLine)
        .where(OrderLine.order_id == order_id)
        .order_by(OrderLine.seq)
        .execution_options(populate_existing=True)
    ).all()


def get(session: Session, *, order_no: str, buyer_id: int | None = None) -> Order:
    """
    One order with its lines and parcels; with `buyer_id` only if it is theirs.

    :raises OrderNotFound: there is none, or it is somebody else's.
    """
    wanted = _with_all(select(Order)).where(Order.order_no == order_no)
    if buyer_id is not None:
        wanted = wanted.where(Order.buyer_id == buyer_id)
    return _one(session, wanted)


def order_nos(session: Session, order_ids: Sequence[int]) -> dict[int, str]:
    """The numbers of orders by id; one query."""
    rows = session.execute(select(Order.id, Order.order_no).where(Order.id.in_(order_ids)))
    return {row.id: row.order_no for row in rows}


def sold_lines(session: Session, order_nos: Collection[str]) -> dict[str, OrderLine]:
    """The lines of these orders, with the products as they were, by `order:O…:seq`. One query."""
    rows = session.execute(
        select(Order.order_no, OrderLine)
        .join(OrderLine, OrderLine.order_id == Order.id)
        .where(Order.order_no.in_(order_nos))
    )
    return {f"{source(order_no)}:{line.seq}": line for order_no, line in rows}


def subject(session: Session, *, order_id: int) -> str:
    """What the order is, in a few words for the bill: its first title, and how many more."""
    titles = session.scalars(
        select(OrderLine.title)
        .where(OrderLine.order_id == order_id, OrderLine.kind == LineKind.GOODS)
        .order_by(OrderLine.seq)
    ).all()
    return titles[0] if len(titles) == 1 else f"{titles[0]} 等 {len(titles)} 种商品"


def list_of_buyer(
    session: Session, *, buyer_id: int, status: str | None, before_id: int | None
) -> Sequence[Order]:
    """One page of a buyer's orders with their lines, the latest first, and one more."""
    wanted = _with_lines(select(Order)).where(Order.buyer_id == buyer_id)
    return _page(session, wanted, status, before_id)


def list_for_staff(  # One argument per filter.
    session: Session,
    *,
    status: str | None,
    before_id: int | None,
    buyer_id: int | None = None,
    placed_from: datetime | None = None,
    placed_to: datetime | None = None,
) -> Sequence[Order]:
    """One page of all orders placed in `[placed_from, placed_to)`, latest first, and one more."""
    wanted = _with_lines(select(Order))
    if buyer_id is not None:
        wanted = wanted.where(Order.buyer_id == buyer_id)
    if placed_from is not None:
        wanted = wanted.where(Order.placed_at >= placed_from)
    if placed_to is not None:
        wanted = wanted.where(Order.placed_at < placed_to)
    return _page(session, wanted, status, before_id)


def counts(session: Session, *, buyer_id: int) -> dict[str, int]:
    """How many orders the buyer has in each status, those with none included."""
    rows = session.execute(
        select(Order.status, func.count()).where(Order.buyer_id == buyer_id).group_by(Order.status)
    )
    return {status.value: 0 for status in OrderStatus} | {row[0]: row[1] for row in rows}


def sealed_address(address: AddressSnapshot) -> bytes:
    """The address as an order keeps it."""
    return crypto.seal(json.dumps(asdict(address), ensure_ascii=False))


def address_of(order: Order) -> AddressSnapshot:
    """Where and to whom an order goes, readable."""
    return AddressSnapshot(**json.loads(crypto.open_sealed(order.address_sealed)))


def quote_of(order: Order) -> dict[str, Any]:
    """The quote the order was placed at, as plain data: why each line costs what it costs."""
    document: dict[str, Any] = json.loads(order.quote)
    return document


def _locked() -> Select[Order]:
    return select(Order).with_for_update(key_share=True).execution_options(populate_existing=True)


def _with_lines(wanted: Select[Order]) -> Select[Order]:
    return wanted.options(selectinload(Order.lines)).execution_options(populate_existing=True)


def _with_all(wanted: Select[Order]) -> Select[Order]:
    parcels = selectinload(Order.shipments).selectinload(Shipment.lines)
    return _with_lines(wanted).options(parcels)


def _one(session: Session, wanted: Select[Order]) -> Order:
    order = session.scalar(wanted)
    if order is None:
        raise OrderNotFound
    return order


def _page(
    session: Session, wanted: Select[Order], status: str | None, before_id: int | None
) -> Sequence[Order]:
    if status is not None:
        wanted = wanted.where(Order.status == status)
    if before_id is not None:
        wanted = wanted.where(Order.id < before_id)
    return session.scalars(wanted.order_by(Order.id.desc()).limit(PAGE + 1)).all()
