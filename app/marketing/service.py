"""
What the shop asks of the promotions engine: quotes, and holds on the promotions they use.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.orm import Session

from app.catalogue.queries import SellableSku
from app.core.errors import AppError
from app.marketing.snapshot import snapshot
from promotions import limits, pricing


class PromotionGone(AppError):
    """A promotion in the price has run out or was stopped; ask for a new quote."""

    code, status, title = "promotion_gone", 409, "优惠已失效或已抢完，请重新确认价格"


@dataclass(frozen=True, slots=True)
class QuoteLine:
    """One SKU in a quantity, to be priced. `line_id` is the caller's and unique in the cart."""

    line_id: int
    sku: SellableSku
    quantity: int


def quote(
    session: Session,
    *,
    lines: Sequence[QuoteLine],
    member_id: int,
    freight_fen: int,
    now: datetime,
) -> pricing.Quote:
    """Return what the lines cost a member now, with every promotion that concerns them."""
    current = snapshot(session, now=now)
    cart = pricing.Cart(
        lines=tuple(_cart_line(line) for line in lines), now=now, freight_fen=freight_fen
    )
    if limited := current.limited(cart):
        cart = replace(
            cart, allowances=limits.allowances(session, limited, member_id=member_id, now=now)
        )
    return pricing.price(cart, current)


def reserve(
    session: Session, *, source: str, member_id: int, quote: pricing.Quote, now: datetime
) -> None:
    """
    Hold for `source`, a member's order, what the promotions in `quote` take of their limits.

    All or none; repeatable.

    :raises PromotionGone: the one in `promotion_id` has run out or is no longer running.
    """
    try:
        uses = limits.uses_of(quote)
        limits.reserve(session, source=source, member_id=member_id, uses=uses, now=now)
    except limits.Refused as refused:
        raise PromotionGone(promotion_id=refused.promotion_id) from refused


def confirm(session: Session, *, source: str, now: datetime) -> None:
    """Use up what `source` holds: its order is paid. Repeatable."""
    limits.confirm(session, source=source, now=now)


def release(session: Session, *, source: str, now: datetime) -> None:
    """Give back what `source` holds: its order closed unpaid. Repeatable."""
    limits.release(session, source=source, now=now)


def _cart_line(line: QuoteLine) -> pricing.CartLine:
    sku = line.sku
    return pricing.CartLine(
        line_id=line.line_id,
        sku_id=sku.sku_id,
        spu_id=sku.spu_id,
        quantity=line.quantity,
        unit_price_fen=sku.price_fen,
        category_path=sku.category_path,
        tags=frozenset(sku.tags),
    )
