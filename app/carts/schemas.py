"""What a cart is told and what it shows."""

from collections.abc import Mapping
from typing import Any

import marshmallow as ma

from app.carts.models import LINES_MAX, QUANTITY_MAX
from app.carts.queries import Cart, CartLine, Invalidity
from app.core.fields import Fen, Flag, Id, Quantity, Schema
from app.marketing import quotes
from app.marketing.quotes import OffersOut, QuoteOut

WORDS = {
    Invalidity.OFF_SHELF: "商品已下架",
    Invalidity.SOLD_OUT: "已售罄",
    Invalidity.SHORT: "库存不足，仅剩 {available} 件",
}


def _item_ids(**kwargs: Any) -> ma.fields.List[int]:
    return ma.fields.List(Id(), validate=ma.validate.Length(min=1, max=LINES_MAX), **kwargs)


class NewCartItem(Schema):
    sku_id = Id(required=True)
    quantity = Quantity(maximum=QUANTITY_MAX, required=True)


class CartItemChange(Schema):
    """Only what is to change, and at least one thing."""

    sku_id = Id()
    quantity = Quantity(maximum=QUANTITY_MAX)
    is_selected = Flag()

    @ma.validates_schema
    def says_something(self, data: dict[str, Any], **_: Any) -> None:
        if not data:
            raise ma.ValidationError("没有要修改的内容")


class CartSelection(Schema):
    """Without `item_ids` it is all lines of the cart."""

    item_ids = _item_ids(load_default=None)
    is_selected = Flag(required=True)


class CartRemoval(Schema):
    item_ids = _item_ids(required=True)


class CartItemOut(ma.Schema):
    id = Id(required=True)
    sku_id = Id(required=True)
    quantity = Quantity(required=True)
    is_selected = ma.fields.Boolean(required=True)


class CartLineOut(CartItemOut):
    spu_id = Id(required=True)
    title = ma.fields.String(required=True)
    spec_text = ma.fields.String(required=True)
    image_url = ma.fields.String(required=True)
    price_fen = Fen(required=True)
    available = ma.fields.Integer(required=True)


class InvalidCartLineOut(CartLineOut):
    reason = ma.fields.Enum(Invalidity, by_value=True, required=True)
    message = ma.fields.String(required=True, metadata={"description": "如 库存不足，仅剩 2 件"})


class CartOut(OffersOut):
    lines = ma.fields.List(ma.fields.Nested(CartLineOut), required=True)
    invalid_lines = ma.fields.List(ma.fields.Nested(InvalidCartLineOut), required=True)
    quote = ma.fields.Nested(
        QuoteOut,
        required=True,
        allow_none=True,
        metadata={"description": "选中商品的价格，不含运费；line_id 为购物车行 id"},
    )


def shown(cart: Cart) -> dict[str, Any]:
    """A cart as `CartOut` dumps it."""
    return {
        "lines": [_line(line) for line in cart.lines if line.invalidity is None],
        "invalid_lines": [
            {
                **_line(line),
                "reason": line.invalidity,
                "message": WORDS[line.invalidity].format(available=line.sku.available),
            }
            for line in cart.lines
            if line.invalidity is not None
        ],
        **(_named(quotes.shown(cart.priced), cart.item_ids) if cart.priced else quotes.NO_OFFERS),
    }


def _named(shown: Any, item_ids: Mapping[int, int]) -> Any:
    """Call the priced lines by their ids in the cart, wherever they are mentioned."""
    if isinstance(shown, list):
        return [_named(each, item_ids) for each in shown]
    if not isinstance(shown, dict):
        return shown
    return {
        key: item_ids[value] if key == "line_id" else _named(value, item_ids)
        for key, value in shown.items()
    }


def _line(line: CartLine) -> dict[str, Any]:
    of_item = {name: getattr(line.item, name) for name in OF_ITEM}
    return of_item | {name: getattr(line.sku, name) for name in OF_SKU}


OF_ITEM = ("id", "sku_id", "quantity", "is_selected")
OF_SKU = ("spu_id", "title", "spec_text", "image_url", "price_fen", "available")
