"""
What a member does to their cart, and how an order takes lines out of it.

Every change takes the member's row lock first, so merging and counting lines do not race.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from app.carts.models import LINES_MAX, QUANTITY_MAX, CartItem
from app.catalogue import queries as catalogue
from app.catalogue.stock import OutOfStock
from app.core.errors import Conflict, NotFound
from app.members import service as members


class CartItemNotFound(NotFound):
    """The cart has no such line, or it is somebody else's."""

    code, title = "cart_item_not_found", "购物车中没有该商品"


class CartFull(Conflict):
    """The cart has as many distinct lines as it may."""

    code, title = "cart_full", f"购物车最多可放 {LINES_MAX} 种商品"


class TooManyPieces(Conflict):
    """One line would have more pieces than it may."""

    code, title = "too_many_pieces", f"单件商品最多购买 {QUANTITY_MAX} 件"


class SkuNotForSale(Conflict):
    """The SKU is unknown or off the shelf; `sku_id` says which."""

    code, title = "sku_not_for_sale", "商品已下架"


def add(session: Session, *, member_id: int, sku_id: int, quantity: int, now: datetime) -> CartItem:
    """
    Put pieces of a SKU into the cart, selected; a line of the same SKU grows.

    :raises SkuNotForSale: the SKU is unknown or off the shelf.
    :raises OutOfStock: the line would ask for more pieces than are available.
    :raises TooManyPieces: the line would have more than 999 pieces.
    :raises CartFull: there are 120 lines already.
    """
    members.locked(session, member_id=member_id)
    item = _line_of(session, member_id, sku_id)
    total = quantity + (item.quantity if item else 0)
    _check(session, sku_id, total)
    if item is None:
        _check_room(session, member_id)
        item = CartItem(member_id=member_id, sku_id=sku_id, created_at=now)
        session.add(item)
    _write(session, item, quantity=total, is_selected=True, now=now)
    return item


def change(  # One argument per field.
    session: Session,
    *,
    member_id: int,
    item_id: int,
    quantity: int | None = None,
    sku_id: int | None = None,
    is_selected: bool | None = None,
    now: datetime,
) -> CartItem:
    """
    Change a line's quantity, its SKU or its selection; None leaves a field as it is.

    A line that takes the SKU of another line swallows it, pieces and all.

    :raises CartItemNotFound: the cart has no such line.
    :raises SkuNotForSale, OutOfStock, TooManyPieces: as `add`.
    """
    members.locked(session, member_id=member_id)
    item = _get(session, member_id, item_id)
    total = item.quantity if quantity is None else quantity
    target = item.sku_id if sku_id is None else sku_id
    twin = None if target == item.sku_id else _line_of(session, member_id, target)
    total += twin.quantity if twin else 0
    if quantity is not None or sku_id is not None:
        _check(session, target, total)
    if twin is not None:
        session.delete(twin)
        session.flush()
    item.sku_id = target
    chosen = item.is_selected if is_selected is None else is_selected
    _write(session, item, quantity=total, is_selected=chosen, now=now)
    return item


def select_items(
    session: Session, *, member_id: int, item_ids: Sequence[int] | None, is_selected: bool
) -> None:
    """
    Select or unselect these lines of the cart; None means all of them.

    :raises CartItemNotFound: one of them is not in the cart.
    """
    members.locked(session, member_id=member_id)
    which = update(CartItem).where(CartItem.member_id == member_id)
    if item_ids is not None:
        which = which.where(CartItem.id.in_(item_ids))
    changed = session.scalars(which.values(is_selected=is_selected).returning(CartItem.id)).all()
    if item_ids is not None and len(changed) != len(set(item_ids)):
        raise CartItemNotFound


def remove(session: Session, *, member_id: int, item_ids: Sequence[int]) -> None:
    """
    Take these lines out of the cart.

    :raises CartItemNotFound: one of them is not in the cart.
    """
    if len(take(session, member_id=member_id, item_ids=item_ids)) != len(set(item_ids)):
        raise CartItemNotFound


def quantities(session: Session, *, member_id: int, item_ids: Sequence[int]) -> dict[int, int]:
    """Pieces by SKU id of those of these lines that are in the cart."""
    rows = session.execute(
        select(CartItem.sku_id, CartItem.quantity).where(
            CartItem.member_id == member_id, CartItem.id.in_(item_ids)
        )
    )
    return {row.sku_id: row.quantity for row in rows}


def take(session: Session, *, member_id: int, item_ids: Sequence[int]) -> dict[int, int]:
    """Delete these lines and return pieces by SKU id of those there were: each is taken once."""
    members.locked(session, member_id=member_id)
    rows = session.execute(
        delete(CartItem)
        .where(CartItem.member_id == member_id, CartItem.id.in_(item_ids))
        .returning(CartItem.sku_id, CartItem.quantity),
        execution_options={"synchronize_session": False},
    )
    return {row.sku_id: row.quantity for row in rows}


def _get(session: Session, member_id: int, item_id: int) -> CartItem:
    item = session.scalar(
        select(CartItem)
        .where(CartItem.id == item_id, CartItem.member_id == member_id)
        .execution_options(populate_existing=True)
    )
    if item is None:
        raise CartItemNotFound
    return item


def _line_of(session: Session, member_id: int, sku_id: int) -> CartItem | None:
    return session.scalar(
        select(CartItem)
        .where(CartItem.member_id == member_id, CartItem.sku_id == sku_id)
        .execution_options(populate_existing=True)
    )


def _check(session: Session, sku_id: int, quantity: int) -> None:
    if quantity > QUANTITY_MAX:
        raise TooManyPieces
    sku = catalogue.skus_for_pricing(session, [sku_id]).get(sku_id)
    if sku is None or not sku.is_on_sale:
        raise SkuNotForSale(sku_id=sku_id)
    if sku.available < quantity:
        raise OutOfStock(sku_id=sku_id, available=sku.available)


def _check_room(session: Session, member_id: int) -> None:
    count = session.scalar(select(func.count()).where(CartItem.member_id == member_id))
    if count is not None and count >= LINES_MAX:
        raise CartFull


def _write(
    session: Session, item: CartItem, *, quantity: int, is_selected: bool, now: datetime
) -> None:
    item.quantity = quantity
    item.is_selected = is_selected
    item.updated_at = now
    session.flush()
