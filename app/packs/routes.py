"""What a newcomer does with packs, and the points a member has."""

from typing import Any

from flask import g
from sqlalchemy.orm import Session

from app.core import clock, paging
from app.core.db import read
from app.core.http import Blueprint
from app.packs import schemas, service
from app.packs.service import PackNotClaimable, PackNotFound

bp = Blueprint("new_user_pack", __name__, description="新用户礼包")
points_bp = Blueprint("points", __name__, description="积分")


@bp.get("/new-user-pack")
@bp.returns(schemas.PackOfferOut)
def show_new_user_pack() -> dict[str, Any]:
    """Show the new-user pack I may claim now, or why I cannot have one."""
    return service.offered(read(), member_id=g.member_id, now=clock.now())


@bp.post("/new-user-pack/claims")
@bp.accepts(schemas.PackClaimIn)
@bp.idempotent()
@bp.returns(schemas.PackClaimOut, 201)
@bp.fails(PackNotFound, PackNotClaimable)
def claim_new_user_pack(session: Session, pack_id: int) -> dict[str, Any]:
    """Claim a new-user pack, once for ever; claiming again answers what I got."""
    return service.claim(session, member_id=g.member_id, pack_id=pack_id, now=clock.now())


@bp.get("/new-user-pack/claims")
@bp.returns(schemas.PackClaimListOut)
def list_my_pack_claims() -> dict[str, Any]:
    """List the packs I have claimed and the coupons I got with them, the latest first."""
    return {"items": service.claimed(read(), member_id=g.member_id)}


@points_bp.get("/points")
@points_bp.accepts(schemas.PointsQuery)
@points_bp.returns(schemas.PointsOut)
def show_my_points(limit: int, cursor: str | None = None) -> dict[str, Any]:
    """Show my points and what I was granted them for, the latest first."""
    (before_id,) = paging.decode(cursor, int) if cursor else (None,)
    found = service.points_page(read(), member_id=g.member_id, before_id=before_id, limit=limit + 1)
    items = found["items"][:limit]
    has_more = len(found["items"]) > limit
    next_cursor = paging.encode(items[-1].id) if has_more else None
    return {"balance": found["balance"], "items": items, "next_cursor": next_cursor}
