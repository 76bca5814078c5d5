"""Flash sales that run, or are about to, as staff make them."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from app.catalogue.models import Sku
from app.marketing import campaigns as staffing
from promotions import campaigns
from promotions.models import Promotion
from tests.builders.catalogue import make_sku
from tests.builders.promotions import STAFF, make_campaign

FLASH_FEN, SHELF_FEN, SHELF = 100, 5_000, 50


def make_sale(
    session: Session,
    *,
    now: datetime,
    total: int = 3,
    sku: Sku | None = None,
    terms: Mapping[str, Any] | None = None,
    publish: bool = True,
    **more: Any,
) -> tuple[Promotion, Sku]:
    """A flash sale of one SKU at one yuan, running for an hour, and the SKU."""
    sku = sku or make_sku(session, price_fen=SHELF_FEN, available=SHELF)
    window = {"starts_at": now - timedelta(minutes=1), "ends_at": now + timedelta(hours=1)}
    campaign = make_campaign(
        kind="flash_sale",
        title="秒杀",
        terms={"prices": [{"sku_id": sku.id, "price_fen": FLASH_FEN}], **(terms or {})},
        stock=[{"sku_id": sku.id, "total": total}],
        **{**window, **more},
    )
    made = campaigns.create(session, campaign=campaign, staff_id=STAFF, now=now)
    if publish:
        step = campaigns.publish
        staffing.move(session, step, promotion_id=made.id, staff_id=STAFF, now=now)
    return made, sku
