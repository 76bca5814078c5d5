"""
The template of a campaign: its issue terms as a row, and when a coupon of it may be used.
"""

from dataclasses import asdict
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from promotions.coupons.models import CouponTemplate
from promotions.coupons.states import ClaimState
from promotions.coupons.terms import Issue, Window, validity
from promotions.models import Promotion
from promotions.states import CampaignStatus


class NoSuchTemplate(LookupError):
    """No coupon template has this id."""


class Refused(Exception):
    """Nothing was issued; `state` says why."""

    def __init__(self, promotion_id: int, state: ClaimState) -> None:
        super().__init__(f"template {promotion_id}: {state}")
        self.promotion_id = promotion_id
        self.state = state


class Template(NamedTuple):
    """A campaign and how its coupons are given out."""

    promotion: Promotion
    terms: CouponTemplate


def write(session: Session, *, promotion_id: int, issue: Issue) -> None:
    """Keep the issue terms of a campaign; what has been issued stays counted."""
    values = {**asdict(issue), "valid_mode": issue.valid_mode}
    session.execute(
        insert(CouponTemplate)
        .values(promotion_id=promotion_id, issued=0, **values)
        .on_conflict_do_update(index_elements=[CouponTemplate.promotion_id], set_=values)
    )


def get(session: Session, promotion_id: int) -> Template:
    """
    Return a template with its campaign, as they are now.

    :raises NoSuchTemplate: there is none.
    """
    found = session.execute(
        select(Promotion, CouponTemplate)
        .join(CouponTemplate, CouponTemplate.promotion_id == Promotion.id)
        .where(Promotion.id == promotion_id)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if found is None:
        raise NoSuchTemplate(promotion_id)
    return Template(*found)


def window(template: Template, now: datetime) -> Window:
    """
    Return when a coupon issued at `now` may be used: its validity within its campaign's window.

    An empty window, one that ends no later than it starts or has passed, means nothing is issued.
    """
    promotion, terms = template
    fixed = None
    if terms.valid_starts_at is not None and terms.valid_ends_at is not None:
        fixed = Window(terms.valid_starts_at, terms.valid_ends_at)
    own = validity(valid_days=terms.valid_days, delay_days=terms.delay_days, fixed=fixed, now=now)
    ends_at = own.ends_at if promotion.ends_at is None else min(own.ends_at, promotion.ends_at)
    return Window(max(own.starts_at, promotion.starts_at), ends_at)


def state(template: Template, now: datetime) -> ClaimState:
    """Return whether anything may be issued at `now`, by whatever way: published and not over."""
    promotion, _ = template
    if promotion.status is not CampaignStatus.PUBLISHED:
        return ClaimState.CLOSED
    starts_at, ends_at = window(template, now)
    return ClaimState.OVER if ends_at <= max(now, starts_at) else ClaimState.CLAIMABLE
