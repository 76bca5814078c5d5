"""What staff ask before they publish, and when somebody asks why a price is what it is."""

from typing import Any

from app.core import clock
from app.core.db import read
from app.core.http import Blueprint
from app.marketing import trial_schemas as schemas
from app.marketing import warnings
from app.marketing.campaigns import PromotionNotFound

bp = Blueprint("promotion_trials", __name__, description="活动试算与价格说明")


@bp.get("/promotions/<int:promotion_id>/warnings")
@bp.accepts(schemas.WarningsQuery)
@bp.returns(schemas.WarningsOut)
@bp.fails(PromotionNotFound)
def show_promotion_warnings(promotion_id: int, margin_floor_bp: int) -> dict[str, Any]:
    """Say what to know before publishing: campaigns it meets, and plain mistakes."""
    return warnings.of(
        read(), promotion_id=promotion_id, margin_floor_bp=margin_floor_bp, now=clock.now()
    )
