"""The cart as its member sees it: what can be bought, what cannot and why, and what it costs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.carts.models import CartItem
from app.catalogue import queries as catalogue
from app.catalogue.queries import SellableSku
from app.marketing import service as marketing
from app.marketing.service import ANY_CHOICE, Choice, Priced, QuoteLine


class Invalidity(StrEnum):
    """Why a line of a cart cannot be bought as it stands."""

    OFF_SHELF = "off_shelf"
    """The product is off the shelf, or this specification of it is not offered any more."""
    SOLD_OUT = "sold_out"
    SHORT = "short"
    """Fewer pieces are left than the line asks for."""


@dataclass(frozen=True, slots=True)
class CartLine:
    """One line with its SKU as it is now. `invalidity` None: it can be bought."""

    item: CartItem
    sku: SellableSku
    invalidity: Invalidity | None


@dataclass(frozen=True, slots=True)
class Cart:
    """All lines, the latest first, and the price of the selected valid ones, if there are any."""

    lines: Sequence[CartLine]
    priced: Priced | None
    item_ids: Mapping[int, int] = field(default_factory=dict)
    """The lines of the cart by the numbers they are priced under."""


def view(session: Session, *, member_id: int, choice: Choice = ANY_CHOICE, now: datetime) -> Cart:
    """The member's cart, priced at this moment and by their choice, without freight."""
    items = session.scalars(
        select(CartItem).where(CartItem.member_id == member_id).order_by(CartItem.id.desc())
    ).all()
    skus = catalogue.skus_for_pricing(session, [item.sku_id for item in items])
    lines = [
        CartLine(item, skus[item.sku_id], _invalidity(item, skus[item.sku_id])) for item in items
    ]
    wanted = [line for line in lines if line.item.is_selected and line.invalidity is None]
    if not wanted:
        return Cart(lines, None)
    # Numbered by SKU id as an order is: which of two lines comes first may decide what they cost.
    numbered = dict(enumerate(sorted(wanted, key=lambda line: line.sku.sku_id), start=1))
    priced = marketing.priced(
        session,
        lines=[
            QuoteLine(line_id=seq, sku=line.sku, quantity=line.item.quantity)
            for seq, line in numbered.items()
        ],
        member_id=member_id,
        freight_fen=0,
        choice=choice,
        now=now,
    )
    return Cart(lines, priced, {seq: line.item.id for seq, line in numbered.items()})


def _invalidity(item: CartItem, sku: SellableSku) -> Invalidity | None:
    if not sku.is_on_sale:
        return Invalidity.OFF_SHELF
    if sku.available == 0:
        return Invalidity.SOLD_OUT
    return Invalidity.SHORT if sku.available < item.quantity else None
