"""Staff's campaigns: draft, change, publish, pause, resume, end, and their history."""

from typing import Any

from flask import g

from app.catalogue.stock import OutOfStock
from app.core import clock, paging
from app.core.db import read, transaction
from app.core.errors import Invalid
from app.core.http import Blueprint
from app.marketing import campaigns, schemas
from app.marketing.campaigns import Move, PromotionNotFound, PromotionStatusConflict
from app.marketing.setups import LimitsIn
from promotions import campaigns as engine
from promotions.states import CampaignStatus

bp = Blueprint("promotions", __name__, description="营销活动")


@bp.get("/promotions")
@bp.accepts(schemas.CampaignQuery)
@bp.returns(schemas.CampaignPage)
def list_promotions(
    limit: int, status: CampaignStatus | None = None, cursor: str | None = None
) -> dict[str, Any]:
    """List campaigns, the latest first."""
    (before_id,) = paging.decode(cursor, int) if cursor else (None,)
    found = campaigns.page(
        read(), status=status, before_id=before_id, limit=limit + 1, now=clock.now()
    )
    items = found[:limit]
    has_more = len(found) > limit
    return {"items": items, "next_cursor": paging.encode(items[-1]["id"]) if has_more else None}


@bp.post("/promotions")
@bp.accepts(schemas.CampaignIn)
@bp.returns(schemas.CampaignOut, 201)
@bp.fails(Invalid)
def create_promotion(**fields: Any) -> dict[str, Any]:
    """Write down a campaign as a draft."""
    with transaction() as session:
        return campaigns.create(session, fields=fields, staff_id=g.staff_id, now=clock.now())


@bp.get("/promotions/<int:promotion_id>")
@bp.returns(schemas.CampaignOut)
@bp.fails(PromotionNotFound)
def show_promotion(promotion_id: int) -> dict[str, Any]:
    """Show a campaign and what is taken of its limits."""
    return campaigns.show(read(), promotion_id=promotion_id, now=clock.now())


@bp.get("/promotions/<int:promotion_id>/versions")
@bp.returns(schemas.CampaignHistoryOut)
@bp.fails(PromotionNotFound)
def show_promotion_history(promotion_id: int) -> dict[str, Any]:
    """Show every version of a campaign: who changed it, when, and what it was."""
    return campaigns.history(read(), promotion_id=promotion_id)


@bp.put("/promotions/<int:promotion_id>")
@bp.accepts(schemas.CampaignIn)
@bp.returns(schemas.CampaignOut)
@bp.fails(PromotionNotFound, PromotionStatusConflict, Invalid)
def change_promotion(promotion_id: int, **fields: Any) -> dict[str, Any]:
    """Replace the whole set-up of a draft."""
    with transaction() as session:
        return campaigns.change(
            session,
            promotion_id=promotion_id,
            fields=fields,
            staff_id=g.staff_id,
            now=clock.now(),
        )


@bp.post("/promotions/<int:promotion_id>/copy")
@bp.returns(schemas.CampaignOut, 201)
@bp.fails(PromotionNotFound, Invalid)
def copy_promotion(promotion_id: int) -> dict[str, Any]:
    """Write down the set-up of a campaign, even one that is over, as a new draft."""
    with transaction() as session:
        return campaigns.copy(
            session, promotion_id=promotion_id, staff_id=g.staff_id, now=clock.now()
        )


@bp.patch("/promotions/<int:promotion_id>/limits")
@bp.accepts(LimitsIn)
@bp.returns(schemas.CampaignOut)
@bp.fails(PromotionNotFound, PromotionStatusConflict, Invalid, OutOfStock)
def change_promotion_limits(promotion_id: int, **limits: Any) -> dict[str, Any]:
    """Raise limits of a published campaign, or lower those of all members to what is taken."""
    with transaction() as session:
        return campaigns.change_limits(
            session,
            promotion_id=promotion_id,
            limits=limits,
            staff_id=g.staff_id,
            now=clock.now(),
        )


@bp.post("/promotions/<int:promotion_id>/publish")
@bp.returns(schemas.CampaignOut)
@bp.fails(PromotionNotFound, PromotionStatusConflict, Invalid, OutOfStock)
def publish_promotion(promotion_id: int) -> dict[str, Any]:
    """Let a draft price carts from its start on."""
    return _move(engine.publish, promotion_id)


@bp.post("/promotions/<int:promotion_id>/pause")
@bp.returns(schemas.CampaignOut)
@bp.fails(PromotionNotFound, PromotionStatusConflict)
def pause_promotion(promotion_id: int) -> dict[str, Any]:
    """Take a published campaign out of every price until it is resumed."""
    return _move(engine.pause, promotion_id)


@bp.post("/promotions/<int:promotion_id>/resume")
@bp.returns(schemas.CampaignOut)
@bp.fails(PromotionNotFound, PromotionStatusConflict, Invalid, OutOfStock)
def resume_promotion(promotion_id: int) -> dict[str, Any]:
    """Let a paused campaign price carts again."""
    return _move(engine.resume, promotion_id)


@bp.post("/promotions/<int:promotion_id>/end")
@bp.returns(schemas.CampaignOut)
@bp.fails(PromotionNotFound, PromotionStatusConflict)
def end_promotion(promotion_id: int) -> dict[str, Any]:
    """End a campaign for good; orders that hold a use of it keep it."""
    return _move(engine.end, promotion_id)


def _move(step: Move, promotion_id: int) -> dict[str, Any]:
    with transaction() as session:
        return campaigns.move(
            session, step, promotion_id=promotion_id, staff_id=g.staff_id, now=clock.now()
        )
