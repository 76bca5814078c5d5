"""What a member does with coupons: the claim centre, codes, and the coupons in hand."""

from datetime import UTC, datetime
from typing import Any

from flask import g, request

from app.core import clock, paging, redis
from app.core.db import read, transaction
from app.core.errors import Invalid
from app.core.http import Blueprint
from app.core.redis import TooMany
from app.coupons import schemas, service
from app.coupons.service import (
    CouponCodeTaken,
    CouponCodeUnknown,
    CouponRefused,
    CouponTemplateNotFound,
)
from promotions.coupons.queries import Drawer

CODES_PER_MINUTE = 10
"""A member may try. A code is one of 31 to the twelfth: nobody finds one by trying."""
CODES_PER_MINUTE_AND_IP = 300
"""Generous: many phones share the address of their carrier."""

bp = Blueprint("coupons", __name__, description="领券中心、兑换码与我的优惠券")


@bp.get("/coupon-centre")
@bp.accepts(schemas.PageQuery)
@bp.returns(schemas.OfferPage)
def show_coupon_centre(limit: int, cursor: str | None = None) -> dict[str, Any]:
    """List the coupons that can be claimed, the latest first, and how each stands for me."""
    (before_id,) = paging.decode(cursor, int) if cursor else (None,)
    found = service.centre(
        read(), member_id=g.member_id, before_id=before_id, limit=limit + 1, now=clock.now()
    )
    items, has_more = found[:limit], len(found) > limit
    next_cursor = paging.encode(items[-1]["promotion_id"]) if has_more else None
    return {"items": items, "next_cursor": next_cursor}


@bp.post("/coupon-centre/<int:promotion_id>/claim")
@bp.idempotent()
@bp.returns(schemas.CouponOut, 201)
@bp.fails(CouponTemplateNotFound, CouponRefused)
def claim_coupon(session: Any, promotion_id: int) -> dict[str, Any]:
    """Claim one coupon of the claim centre."""
    return service.claim(session, promotion_id=promotion_id, member_id=g.member_id, now=clock.now())


@bp.post("/coupons/redeem")
@bp.accepts(schemas.RedeemIn)
@bp.returns(schemas.CouponOut)
@bp.fails(CouponCodeUnknown, CouponCodeTaken, CouponRefused, TooMany)
def redeem_code(code: str) -> dict[str, Any]:
    """Turn a code into a coupon; the same code again answers the same coupon."""
    for key, limit in (
        (f"coupon_code:member:{g.member_id}", CODES_PER_MINUTE),
        (f"coupon_code:ip:{request.remote_addr}", CODES_PER_MINUTE_AND_IP),
    ):
        redis.rate_limit(key, limit=limit, seconds=60)
    with transaction() as session:
        return service.redeem(session, code=code, member_id=g.member_id, now=clock.now())


@bp.get("/coupons")
@bp.accepts(schemas.DrawerQuery)
@bp.returns(schemas.CouponPage)
def list_my_coupons(drawer: Drawer, limit: int, cursor: str | None = None) -> dict[str, Any]:
    """List my coupons: what I can use by its end, what is used or over the latest first."""
    found = service.drawer(
        read(),
        member_id=g.member_id,
        which=drawer,
        after=_place(cursor) if cursor else None,
        limit=limit + 1,
        now=clock.now(),
    )
    items, has_more = found[:limit], len(found) > limit
    next_cursor = None
    if has_more:
        next_cursor = paging.encode(_microseconds(items[-1]["ends_at"]), items[-1]["id"])
    return {"items": items, "next_cursor": next_cursor}


def _microseconds(moment: datetime) -> int:
    whole = int(moment.replace(microsecond=0).timestamp())
    return whole * 1_000_000 + moment.microsecond


def _place(cursor: str) -> tuple[datetime, int]:
    microseconds, coupon_id = paging.decode(cursor, int, int)
    seconds, rest = divmod(microseconds, 1_000_000)
    try:
        return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest), coupon_id
    except (ValueError, OverflowError, OSError) as error:
        raise Invalid(errors={"cursor": ["翻页标记无效，请从第一页开始"]}) from error
