"""Builders for coupon templates and coupons."""

from datetime import datetime, timedelta
from itertools import count
from typing import Any

from sqlalchemy.orm import Session

from promotions import campaigns, coupons
from promotions.coupons.models import Coupon
from promotions.models import Promotion
from promotions.states import CampaignStatus
from tests.builders.promotions import NOON, STAFF, make_campaign

DAY = timedelta(days=1)
STEPS = {
    CampaignStatus.DRAFT: (),
    CampaignStatus.PUBLISHED: (campaigns.publish,),
    CampaignStatus.PAUSED: (campaigns.publish, campaigns.pause),
    CampaignStatus.ENDED: (campaigns.publish, campaigns.end),
}

_sources = count(1)


def make_template(
    session: Session,
    *,
    kind: str = "coupon_amount",
    terms: dict[str, Any] | None = None,
    status: CampaignStatus = CampaignStatus.PUBLISHED,
    starts_at: datetime = NOON,
    ends_at: datetime | None = None,
    audience: dict[str, Any] | None = None,
    **issue: Any,
) -> Promotion:
    """A published template, 满100减10 for a week from the day of issue unless told otherwise."""
    terms = terms or {"threshold_fen": 10_000, "off_fen": 1_000}
    campaign = make_campaign(
        kind=kind,
        title="满100减10券",
        terms=terms,
        starts_at=starts_at,
        ends_at=ends_at,
        audience=audience,
        issue=coupons.Issue(**{"valid_days": 7, **issue}).to_json(),
    )
    draft = campaigns.create(session, campaign=campaign, staff_id=STAFF, now=starts_at)
    for step in STEPS[status]:
        step(session, promotion_id=draft.id, staff_id=STAFF, now=starts_at)
    return draft


def make_coupon(
    session: Session,
    *,
    member_id: int,
    promotion: Promotion | None = None,
    now: datetime = NOON,
    **more: Any,
) -> Coupon:
    """A coupon in a member's hands."""
    promotion = promotion or make_template(session, **more)
    (coupon_id,) = coupons.issue(
        session,
        promotion_id=promotion.id,
        member_id=member_id,
        source=f"test:{next(_sources)}",
        now=now,
    )
    return session.get_one(Coupon, coupon_id)


def coupon_status(session: Session, coupon_id: int) -> str:
    """Where a coupon stands now."""
    return session.get_one(Coupon, coupon_id, populate_existing=True).status
