"""What staff ask before they publish, and when somebody asks why a price is what it is."""

from datetime import datetime
from typing import Any

from app.catalogue.queries import SkuNotFound
from app.core import clock
from app.core.db import read
from app.core.errors import Invalid
from app.core.http import Blueprint
from app.marketing import explaining, warnings
from app.marketing import trial_schemas as schemas
from app.marketing.campaigns import PromotionNotFound
from app.members.queries import MemberNotFound
from app.staff.roles import open_to_analysts

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


@bp.post("/quotes/explain")
@open_to_analysts
@bp.accepts(schemas.ExplainIn)
@bp.returns(schemas.ExplainedQuoteOut)
@bp.fails(SkuNotFound, MemberNotFound, PromotionNotFound, Invalid)
def explain_quote(at: datetime | None = None, **fields: Any) -> dict[str, Any]:
    """Say what a cart costs at a moment and why, with drafts among the campaigns if asked."""
    now = clock.now()
    return explaining.explain(read(), **fields, at=at or now, now=now)
