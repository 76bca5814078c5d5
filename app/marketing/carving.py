"""
The pieces of deals on the shelf: carved out when a deal is published, put back when it is over.

The engine decides how many a deal may sell; the catalogue holds them. Both move in one transaction.
"""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.orm import Session

from app.catalogue import stock as shelf
from promotions import stock
from promotions.models import Promotion
from promotions.states import CampaignStatus


def source_of(promotion_id: int) -> str:
    """Return what a deal's carve is called."""
    return f"promotion:{promotion_id}"


def follow(session: Session, promotion: Promotion, *, now: datetime) -> None:
    """
    Bring the shelf in line with the status a campaign has moved to. Repeatable.

    :raises OutOfStock: there are fewer pieces than the deal is to sell.
    """
    source = source_of(promotion.id)
    if promotion.status is CampaignStatus.ENDED:
        _close(session, promotion.id, now)
    elif promotion.status is CampaignStatus.PUBLISHED and not shelf.is_carved(session, source):
        shelf.carve(session, source=source, quantities=totals(session, promotion.id), now=now)


def totals(session: Session, promotion_id: int) -> dict[int, int]:
    """Return how many pieces of each SKU a campaign sets aside; nothing for most."""
    return {each.sku_id: each.max_units for each in stock.of(session, [promotion_id])[promotion_id]}


def grow(session: Session, promotion_id: int, *, before: Mapping[int, int], now: datetime) -> None:
    """
    Carve out what a published deal sells more than `before`, its totals then.

    :raises OutOfStock: there are fewer pieces than that.
    """
    after = totals(session, promotion_id)
    more = {sku_id: total - before[sku_id] for sku_id, total in after.items()}
    grown = {sku_id: units for sku_id, units in more.items() if units}
    if grown:
        shelf.carve(session, source=source_of(promotion_id), quantities=grown, now=now)


def close_over(session: Session, *, now: datetime) -> int:
    """Put back what is left of deals whose window has passed; return how many there were."""
    over = stock.over(session, now=now)
    for promotion_id in over:
        _close(session, promotion_id, now)
    return len(over)


def _close(session: Session, promotion_id: int, now: datetime) -> None:
    stock.close(session, promotion_id=promotion_id, now=now)
    shelf.close_carve(session, source=source_of(promotion_id), now=now)
