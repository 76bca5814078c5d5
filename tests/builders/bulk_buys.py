"""Bulk buys that run."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from promotions import campaigns
from promotions.models import Promotion
from tests.builders.promotions import STAFF, make_published

LASTS = timedelta(days=1)
TIERS = ((10, {1: 8_900}), (50, {1: 7_900, 2: 4_000}))
"""Of SKU 1 and 2: the pieces, and what they cost then."""


def bulk_terms(
    prices: Mapping[int, int],
    tiers: Sequence[tuple[int, Mapping[int, int]]] = (),
    **more: Any,
) -> dict[str, Any]:
    """The terms of a bulk buy; prices are fen by SKU id."""
    return {
        "prices": _listed(prices),
        "tiers": [{"pieces": pieces, "prices": _listed(own)} for pieces, own in tiers],
        **more,
    }


def make_bulk_buy(
    session: Session,
    *,
    prices: Mapping[int, int],
    tiers: Sequence[tuple[int, Mapping[int, int]]] = (),
    now: datetime,
    terms: Mapping[str, Any] | None = None,
    **more: Any,
) -> Promotion:
    """A bulk buy that runs from now on for a day; `terms` are those beside prices and tiers."""
    window = {"starts_at": now, "ends_at": now + LASTS}
    return make_published(
        session,
        kind="bulk_buy",
        terms=bulk_terms(prices, tiers, **(terms or {})),
        now=now,
        **{**window, **more},
    )


def end(session: Session, promotion: Promotion, *, now: datetime) -> None:
    """Staff end a bulk buy before its time."""
    campaigns.end(session, promotion_id=promotion.id, staff_id=STAFF, now=now)


def _listed(prices: Mapping[int, int]) -> list[dict[str, int]]:
    return [{"sku_id": sku_id, "price_fen": fen} for sku_id, fen in prices.items()]
