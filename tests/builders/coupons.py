"""Builders for coupon templates and coupons."""

from datetime import datetime, timedelta
from itertools import count
from typing import Any

from sqlalchemy.orm import Session

from promotions import coupons
from promotions.coupons import templates
from promotions.coupons.models import Coupon
from promotions.models import Promotion
from promotions.pricing import Lane
from promotions.states import CampaignStatus
from tests.builders.promotions import NOON, STAFF, make_campaign

DAY = timedelta(days=1)
_sources = count(1)


def make_template(
    session: Session,
    *,
    status: CampaignStatus = CampaignStatus.PUBLISHED,
    starts_at: datetime = NOON,
    ends_at: datetime | None = None,
    now: datetime = NOON,
    issue: dict[str, Any] | None = None,
    **more: Any,
) -> Promotion:
    """A published template of coupons for a week from the day of issue, unless told otherwise."""
    campaign = make_campaign(starts_at=starts_at, ends_at=ends_at)
    promotion = Promotion(
        kind=campaign.kind,
        title=campaign.title,
        status=status,
        lane=Lane.COUPON,
        priority=0,
        tags=[],
        starts_at=starts_at,
        ends_at=ends_at,
        definition=campaign.definition(),
        version=1,
        created_by=STAFF,
        created_at=now,
        updated_at=now,
    )
    session.add(promotion)
    session.flush()
    terms = {"valid_days": 7, **(issue or {}), **more}
    templates.write(session, promotion_id=promotion.id, issue=coupons.Issue.parse(terms))
    return promotion


def make_coupon(
    session: Session,
    *,
    member_id: int,
    promotion: Promotion | None = None,
    now: datetime = NOON,
    **more: Any,
) -> Coupon:
    """A coupon in a member's hands."""
    promotion = promotion or make_template(session, now=now, **more)
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
