"""Being bound, and clicks on what distributors share, signed in or not."""

from typing import Any

from flask import g, request

from app.core import clock, redis
from app.core.db import read, transaction
from app.core.http import Blueprint
from app.core.redis import TooMany
from app.distributors.binding import schemas, service, views
from app.distributors.binding.service import REFUSALS, InviteCodeUnknown, OwnInviteCode
from app.distributors.views import NotADistributor
from app.members import recommending

CODES_PER_HOUR = 20
"""Invite codes a member may try: guessing one takes a million million."""
CLICKS_PER_HOUR = 120
"""Clicks of one member or visitor."""
VISITS_PER_IP = 300
"""A minute. Generous: many phones share the address of their carrier."""

bp = Blueprint("binding", __name__, description="分销：绑定推荐人")
visits_bp = Blueprint("visits", __name__, description="分销：登录前的点击")


@bp.post("/distributor/bind")
@bp.accepts(schemas.Invitation)
@bp.returns(schemas.BoundOut)
@bp.fails(*REFUSALS.values(), TooMany)
def bind_to_distributor(invite_code: str = "", scene: str | None = None) -> dict[str, Any]:
    """Say who recommended the shop to me; the same again changes nothing."""
    redis.rate_limit(f"bind:{g.member_id}", limit=CODES_PER_HOUR, seconds=3600)
    with transaction() as session:
        return service.bind(
            session,
            member_id=g.member_id,
            invite_code=invite_code,
            scene=scene,
            now=clock.now(),
        )


@bp.post("/distributor/clicks")
@bp.accepts(schemas.Click)
@bp.returns(schemas.ClickOut)
@bp.fails(InviteCodeUnknown, OwnInviteCode, TooMany)
def record_my_click(**shared: Any) -> dict[str, Any]:
    """Say what I have followed: recorded, and I am bound if it counts; again changes nothing."""
    redis.rate_limit(f"click:{g.member_id}", limit=CLICKS_PER_HOUR, seconds=3600)
    with transaction() as session:
        followed = service.shared_by(**shared)
        return service.click(session, member_id=g.member_id, shared=followed, now=clock.now())


@bp.get("/distributor/clicks")
@bp.accepts(schemas.LogQuery)
@bp.returns(schemas.ClickedPage)
@bp.fails(NotADistributor)
def list_clicks(limit: int, cursor: str | None = None) -> dict[str, Any]:
    """List who followed what I shared, masked, and whom it made mine, the latest first."""
    return views.clicked(read(), g.member_id, cursor=cursor, limit=limit)


@visits_bp.post("/share-clicks")
@visits_bp.accepts(schemas.Visit)
@visits_bp.returns(None, 204)
@visits_bp.fails(InviteCodeUnknown, TooMany)
def record_visit(visitor_key: str, **shared: Any) -> None:
    """Record what a visitor followed; it counts when they sign in with the same visitor key."""
    redis.rate_limit(f"visit:ip:{request.remote_addr}", limit=VISITS_PER_IP, seconds=60)
    visitor = recommending.visitor(visitor_key)
    redis.rate_limit(f"visit:key:{visitor}", limit=CLICKS_PER_HOUR, seconds=3600)
    followed = service.shared_by(**shared)
    with transaction() as session:
        service.visit(session, visitor=visitor, shared=followed, now=clock.now())
