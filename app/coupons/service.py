"""
What members do with coupons: look into the claim centre, claim, redeem a code, see their own.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.core.errors import Conflict, NotFound
from app.coupons import wording
from app.marketing import wording as promotions_wording
from app.marketing.buyers import buyer_of
from app.members import service as members
from promotions import coupons
from promotions.coupons import queries
from promotions.coupons.models import Coupon
from promotions.coupons.queries import Drawer, Standing
from promotions.coupons.states import ClaimState
from promotions.definitions import Unreadable, compiled_of
from promotions.models import Promotion
from promotions.states import CampaignStatus


class CouponTemplateNotFound(NotFound):
    code, title = "coupon_template_not_found", "优惠券活动不存在"


class CouponNotFound(NotFound):
    code, title = "coupon_not_found", "优惠券不存在"


class CouponRefused(Conflict):
    """Nothing was issued; `claim_state` and its `message` say why."""

    code, title = "coupon_refused", "暂时不能领取该优惠券"


class CouponCodeUnknown(NotFound):
    """There is no such code, or it was revoked."""

    code, title = "coupon_code_unknown", "兑换码不存在或已作废"


class CouponCodeTaken(Conflict):
    """Somebody else was first."""

    code, title = "coupon_code_taken", "兑换码已被使用"


def claim(session: Session, *, promotion_id: int, member_id: int, now: datetime) -> dict[str, Any]:
    """
    Give the member one coupon of a template in the claim centre.

    :raises Unauthorized: the member has left.
    :raises CouponTemplateNotFound: there is none.
    :raises CouponRefused: the member cannot have one (more) now.
    """
    members.locked(session, member_id=member_id)
    with translated():
        coupon_id = coupons.claim(
            session,
            promotion_id=promotion_id,
            member_id=member_id,
            buyer=buyer_of(session, member_id),
            now=now,
        )
    return show(session, coupon_id)


def redeem(session: Session, *, code: str, member_id: int, now: datetime) -> dict[str, Any]:
    """
    Give the member the coupon of a code; again, the same one.

    :raises Unauthorized: the member has left.
    :raises CouponCodeUnknown: there is no such code.
    :raises CouponCodeTaken: somebody else has redeemed it.
    :raises CouponRefused: the member cannot have one (more) now.
    """
    members.locked(session, member_id=member_id)
    with translated():
        coupon_id = coupons.redeem(session, code=code, member_id=member_id, now=now)
    return show(session, coupon_id)


def centre(
    session: Session, *, member_id: int, before_id: int | None, limit: int, now: datetime
) -> list[dict[str, Any]]:
    """Return up to `limit` templates of the claim centre and how each stands for the member."""
    found = queries.claimable(
        session, member_id=member_id, before_id=before_id, limit=limit, now=now
    )
    buyer = buyer_of(session, member_id)
    return [_offered(each, queries.claim_state(each, buyer, now)) for each in found]


def drawer(
    session: Session,
    *,
    member_id: int,
    which: Drawer,
    after: tuple[datetime, int] | None,
    limit: int,
    now: datetime,
) -> list[dict[str, Any]]:
    """Return up to `limit` of the member's coupons of one drawer, each with its title and badge."""
    found = queries.drawer(
        session, member_id=member_id, which=which, after=after, limit=limit, now=now
    )
    return described(session, found)


def show(session: Session, coupon_id: int) -> dict[str, Any]:
    """Return a coupon there is, with its title and badge."""
    coupon = session.get_one(Coupon, coupon_id, populate_existing=True)
    return described(session, [coupon])[0]


def described(session: Session, found: Collection[Coupon]) -> list[dict[str, Any]]:
    """Return coupons with the title and the badge of their campaigns."""
    promotions = queries.promotions_of(session, {coupon.promotion_id for coupon in found})
    shown = {each.id: _campaign(each) for each in promotions.values()}
    return [{**_plain(coupon), **shown[coupon.promotion_id]} for coupon in found]


def badge(promotion: Promotion) -> str:
    """Return the label of a campaign, such as 满100减10; none of one that a newer release wrote."""
    try:
        return promotions_wording.badge(compiled_of(promotion, None))
    except Unreadable:
        return ""


@contextmanager
def translated() -> Iterator[None]:
    """Say the engine's refusals as problems."""
    try:
        yield
    except coupons.NoSuchTemplate as missing:
        raise CouponTemplateNotFound from missing
    except coupons.UnknownCode as unknown:
        raise CouponCodeUnknown from unknown
    except coupons.CodeTaken as taken:
        raise CouponCodeTaken from taken
    except coupons.Refused as refused:
        raise CouponRefused(
            claim_state=refused.state.value, message=wording.CLAIM_STATES[refused.state]
        ) from refused


def _offered(standing: Standing, state: ClaimState) -> dict[str, Any]:
    promotion, terms = standing.template
    return {
        **_campaign(promotion),
        "claim_state": state,
        "message": wording.CLAIM_STATES[state],
        "claim_starts_at": promotion.starts_at,
        "claim_ends_at": terms.claim_ends_at or promotion.ends_at,
        "valid_starts_at": terms.valid_starts_at,
        "valid_ends_at": terms.valid_ends_at,
        "valid_days": terms.valid_days,
        "delay_days": terms.delay_days,
        "left": None if terms.max_issued is None else terms.max_issued - terms.issued,
        "member_max": terms.member_max,
    }


def _campaign(promotion: Promotion) -> dict[str, Any]:
    return {
        "promotion_id": promotion.id,
        "kind": promotion.kind,
        "title": promotion.title,
        "badge": badge(promotion),
        "is_paused": promotion.status is CampaignStatus.PAUSED,
    }


def _plain(coupon: Coupon) -> dict[str, Any]:
    return {
        "id": coupon.id,
        "member_id": coupon.member_id,
        "way": coupon.way,
        "status": coupon.status,
        "source": coupon.source,
        "held_by": coupon.held_by,
        "starts_at": coupon.starts_at,
        "ends_at": coupon.ends_at,
        "issued_at": coupon.issued_at,
        "used_at": coupon.used_at,
    }
