"""What a member does with their cart."""

from collections.abc import Sequence
from typing import Any

from flask import g

from app.carts import queries, schemas, service
from app.carts.models import CartItem
from app.carts.service import CartFull, CartItemNotFound, SkuNotForSale, TooManyPieces
from app.catalogue.stock import OutOfStock
from app.core import clock
from app.core.db import read, transaction
from app.core.http import Blueprint
from app.marketing.quotes import ChoiceIn
from app.marketing.service import Choice

bp = Blueprint("carts", __name__, description="购物车")


@bp.get("/cart")
@bp.returns(schemas.CartOut)
def show_cart() -> dict[str, Any]:
    """Show my cart: what can be bought, what cannot and why, and the price of what is selected."""
    return schemas.shown(queries.view(read(), member_id=g.member_id, now=clock.now()))


@bp.post("/cart/quote")
@bp.accepts(ChoiceIn)
@bp.returns(schemas.CartOut)
def price_cart(choice: Choice) -> dict[str, Any]:
    """Price my cart with the coupons, gifts and promotions of my choice; nothing is kept."""
    view = queries.view(read(), member_id=g.member_id, choice=choice, now=clock.now())
    return schemas.shown(view)


@bp.post("/cart/items")
@bp.accepts(schemas.NewCartItem)
@bp.returns(schemas.CartItemOut, 201)
@bp.fails(CartFull, OutOfStock, SkuNotForSale, TooManyPieces)
def add_cart_item(sku_id: int, quantity: int) -> CartItem:
    """Put a SKU into my cart; a line of the same SKU grows."""
    with transaction() as session:
        return service.add(
            session, member_id=g.member_id, sku_id=sku_id, quantity=quantity, now=clock.now()
        )


@bp.patch("/cart/items/<int:item_id>")
@bp.accepts(schemas.CartItemChange)
@bp.returns(schemas.CartItemOut)
@bp.fails(CartItemNotFound, OutOfStock, SkuNotForSale, TooManyPieces)
def change_cart_item(item_id: int, **changes: Any) -> CartItem:
    """Change a line's quantity, SKU or selection; a line of the new SKU is merged into it."""
    with transaction() as session:
        return service.change(
            session, member_id=g.member_id, item_id=item_id, now=clock.now(), **changes
        )


@bp.delete("/cart/items/<int:item_id>")
@bp.returns(None, 204)
@bp.fails(CartItemNotFound)
def remove_cart_item(item_id: int) -> None:
    """Take one line out of my cart."""
    with transaction() as session:
        service.remove(session, member_id=g.member_id, item_ids=[item_id])


@bp.post("/cart/remove")
@bp.accepts(schemas.CartRemoval)
@bp.returns(None, 204)
@bp.fails(CartItemNotFound)
def remove_cart_items(item_ids: Sequence[int]) -> None:
    """Take several lines out of my cart: all of them, or none if one is not there."""
    with transaction() as session:
        service.remove(session, member_id=g.member_id, item_ids=item_ids)


@bp.post("/cart/select")
@bp.accepts(schemas.CartSelection)
@bp.returns(None, 204)
@bp.fails(CartItemNotFound)
def select_cart_items(item_ids: Sequence[int] | None, is_selected: bool) -> None:  # noqa: FBT001  # A field of the body.
    """Select or unselect lines of my cart, or all of it."""
    with transaction() as session:
        service.select_items(
            session, member_id=g.member_id, item_ids=item_ids, is_selected=is_selected
        )
