"""
The stock of deals: pieces set aside to be sold at a deal's price, and not one more.

Taken last of all limits, because every buyer of a deal waits for its row, and in the order of SKUs.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import BigInteger, bindparam, case, delete, select, text, update
from sqlalchemy.orm import Session

from promotions.counters import Use
from promotions.models import Promotion, PromotionStock

BATCH = 100
"""How many deals one sweep closes."""


class Closed(LookupError):
    """What was left of the pieces has gone back to the shelf."""


def write(session: Session, promotion_id: int, stock: Iterable[Mapping[str, int]]) -> None:
    """Give a draft the rows of its stock."""
    session.execute(delete(PromotionStock).where(PromotionStock.promotion_id == promotion_id))
    for each in stock:
        session.add(
            PromotionStock(
                promotion_id=promotion_id, sku_id=each["sku_id"], max_units=each["total"]
            )
        )


def take(session: Session, use: Use) -> bool:
    """Hold the pieces of `use`; say whether as many were left of each SKU."""
    for sku_id, quantity in use.pieces:
        asked = {"promotion_id": use.promotion_id, "sku_id": sku_id, "quantity": quantity}
        if session.execute(_TAKE, asked).one_or_none() is None:
            return False
    return True


def settle(session: Session, use: Use, *, is_used: bool) -> None:
    """Use up the pieces of `use`, or give them back: to the deal, or returned if it is closed."""
    row = PromotionStock
    for sku_id, quantity in use.pieces:
        returned = case((row.closed_at.is_(None), 0), else_=quantity)
        session.execute(
            update(row)
            .where(row.promotion_id == use.promotion_id, row.sku_id == sku_id)
            .values(
                units_reserved=row.units_reserved - quantity,
                units_used=row.units_used + (quantity if is_used else 0),
                units_returned=row.units_returned + (0 if is_used else returned),
            )
            .execution_options(synchronize_session=False)
        )


def close(session: Session, *, promotion_id: int, now: datetime) -> dict[int, int]:
    """
    End the sale of a deal's stock; return what was left of each SKU. Repeatable.

    Whoever is placing an order of the deal is waited for; whoever comes later gets nothing.
    """
    row = PromotionStock
    locked = session.scalars(
        select(row)
        .where(row.promotion_id == promotion_id, row.closed_at.is_(None))
        .order_by(row.sku_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).all()
    for each in locked:
        each.units_returned = each.max_units - each.units_used - each.units_reserved
        each.closed_at = now
    session.flush()
    return {each.sku_id: each.units_returned for each in locked if each.units_returned}


def over(session: Session, *, now: datetime) -> Sequence[int]:
    """Return the deals whose window has passed and whose stock is still open; a batch at most."""
    row = PromotionStock
    return session.scalars(
        select(row.promotion_id)
        .join(Promotion, Promotion.id == row.promotion_id)
        .where(row.closed_at.is_(None), Promotion.ends_at <= now)
        .distinct()
        .order_by(row.promotion_id)
        .limit(BATCH)
    ).all()


def grow(session: Session, *, promotion_id: int, totals: Mapping[int, int]) -> dict[int, int]:
    """
    Set the totals of open stock, by SKU id, to higher ones; return how much each has grown.

    :raises Closed: the sale of a SKU's pieces has ended.
    """
    row = PromotionStock
    locked = {
        each.sku_id: each
        for each in session.scalars(
            select(row)
            .where(row.promotion_id == promotion_id, row.closed_at.is_(None))
            .order_by(row.sku_id)
            .with_for_update(key_share=True)
            .execution_options(populate_existing=True)
        )
    }
    grown: dict[int, int] = {}
    for sku_id, total in sorted(totals.items()):
        if sku_id not in locked:
            raise Closed(sku_id)
        more = total - locked[sku_id].max_units
        if more:
            locked[sku_id].max_units, grown[sku_id] = total, more
    session.flush()
    return grown


def of(session: Session, promotion_ids: Iterable[int]) -> Mapping[int, Sequence[PromotionStock]]:
    """Return the stock of each deal, by SKU; nothing for whatever has none."""
    found: defaultdict[int, list[PromotionStock]] = defaultdict(list)
    rows = session.scalars(
        select(PromotionStock)
        .where(PromotionStock.promotion_id.in_(list(promotion_ids)))
        .order_by(PromotionStock.promotion_id, PromotionStock.sku_id)
        .execution_options(populate_existing=True)
    )
    for row in rows:
        found[row.promotion_id].append(row)
    return found


_TAKE = text(  # The one guard against overselling: the row is changed only if enough is left.
    """
UPDATE promotion_stock SET units_reserved = units_reserved + :quantity
WHERE promotion_id = :promotion_id AND sku_id = :sku_id AND closed_at IS NULL
    AND units_used + units_reserved + :quantity <= max_units
RETURNING sku_id
"""
).bindparams(bindparam("quantity", type_=BigInteger))
"""Plain, because the row is held from here to the commit."""
