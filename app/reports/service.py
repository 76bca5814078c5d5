"""The reports on campaigns as staff read them."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import clock
from app.marketing.campaigns import PromotionNotFound
from app.reports import figures
from promotions import queries
from promotions.life import phase
from promotions.models import Promotion, PromotionCounter, PromotionGiftStock
from promotions.queries import NoSuchPromotion
from promotions.states import CampaignStatus


def page(
    session: Session,
    *,
    status: CampaignStatus | None,
    before_id: int | None,
    limit: int,
    now: datetime,
) -> list[dict[str, Any]]:
    """Return up to `limit` campaigns older than `before_id` and what each brought, latest first."""
    found = queries.page(session, status=status, before_id=before_id, limit=limit)
    brought = figures.of_promotions(session, [promotion.id for promotion, _ in found])
    return [_summary(*pair, brought[pair[0].id], now) for pair in found]


def of_promotion(
    session: Session, *, promotion_id: int, days: int, now: datetime
) -> dict[str, Any]:
    """
    Return what a campaign brought: in all, by day and by verdict over the last `days` days.

    :raises PromotionNotFound: there is none.
    """
    try:
        promotion, counter = queries.with_limits(session, promotion_id)
    except NoSuchPromotion as missing:
        raise PromotionNotFound from missing
    brought = figures.of_promotions(session, [promotion_id])[promotion_id]
    since = max(_start_of_day(now) - timedelta(days=days - 1), promotion.created_at)
    until = now + timedelta(milliseconds=1)
    return {
        **_summary(promotion, counter, brought, now),
        "gifts_left": _gifts_left(session, promotion_id),
        "days": figures.by_day(session, promotion_id, since=since),
        "exposure": figures.exposure(session, promotion_id, since=since, until=until),
    }


def _summary(
    promotion: Promotion,
    counter: PromotionCounter | None,
    brought: Mapping[str, int],
    now: datetime,
) -> dict[str, Any]:
    return {
        **brought,
        "promotion_id": promotion.id,
        "kind": promotion.kind,
        "title": promotion.title,
        "phase": phase(promotion, now),
        "starts_at": promotion.starts_at,
        "ends_at": promotion.ends_at,
        **_left(counter),
    }


def _left(counter: PromotionCounter | None) -> dict[str, int | None]:
    """What is left of the limits for all together; None where there is none."""
    if counter is None:
        return {"uses_left": None, "budget_left_fen": None, "units_left": None}
    return {
        "uses_left": _rest(counter.max_uses, counter.uses_reserved + counter.uses_used),
        "budget_left_fen": _rest(counter.budget_fen, counter.reserved_fen + counter.used_fen),
        "units_left": _rest(counter.max_units, counter.units_reserved + counter.units_used),
    }


def _rest(cap: int | None, taken: int) -> int | None:
    return None if cap is None else cap - taken


def _gifts_left(session: Session, promotion_id: int) -> list[dict[str, int]]:
    stocks = session.scalars(
        select(PromotionGiftStock)
        .where(PromotionGiftStock.promotion_id == promotion_id)
        .order_by(PromotionGiftStock.sku_id)
    )
    return [
        {
            "sku_id": stock.sku_id,
            "left": stock.max_units - stock.units_reserved - stock.units_used,
        }
        for stock in stocks
    ]


def _start_of_day(now: datetime) -> datetime:
    return now.astimezone(clock.CHINA).replace(hour=0, minute=0, second=0, microsecond=0)
