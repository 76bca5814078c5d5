"""What anybody may know of promotions: the badges of those that are running."""

from typing import Any

from app.catalogue import queries as catalogue
from app.core import clock
from app.core.db import read
from app.core.http import Blueprint
from app.marketing import schemas, service, wording

SHOWN_MAX = 100

bp = Blueprint("running_promotions", __name__, description="进行中的活动")


@bp.get("/promotions/running")
@bp.accepts(schemas.RunningQuery)
@bp.returns(schemas.BadgeListOut)
def list_running_promotions(sku_id: int | None = None) -> dict[str, Any]:
    """List the badges of running promotions, of one SKU or of the whole shop (at most 100)."""
    session, now = read(), clock.now()
    sku = None
    if sku_id is not None:
        sku = catalogue.skus_for_pricing(session, [sku_id]).get(sku_id)
        if sku is None:
            return {"items": []}
    running = service.running(session, sku=sku, now=now)
    return {
        "items": [
            {
                "promotion_id": promotion.promotion_id,
                "kind": promotion.rule.kind,
                "title": promotion.title,
                "badge": wording.badge(promotion),
                "starts_at": promotion.starts_at,
                "ends_at": promotion.ends_at,
            }
            for promotion in running[:SHOWN_MAX]
        ]
    }
