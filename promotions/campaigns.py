"""
The life of a campaign: drafted, published, paused, resumed, ended; every step a version on record.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import delete
from sqlalchemy.orm import Session

from promotions import caps, life, pricing, queries, setups, snapshots
from promotions.coupons import templates
from promotions.coupons.models import CouponTemplate
from promotions.coupons.terms import Issue
from promotions.definitions import Campaign, campaign_of
from promotions.models import Promotion, PromotionCounter, PromotionVersion
from promotions.setups import Contradiction, Flaw
from promotions.states import Action, CampaignStatus


def create(session: Session, *, campaign: Campaign, staff_id: int, now: datetime) -> Promotion:
    """
    Write down a new campaign as a draft; it prices nothing yet.

    :raises Contradiction: the set-up contradicts itself.
    """
    promotion = life.draft(Promotion(), staff_id=staff_id, now=now)
    _write(session, promotion, campaign, now)
    session.add(promotion)
    session.flush()
    _keep(session, promotion, campaign)
    _record(session, promotion, Action.CREATED, staff_id)
    return promotion


def copy(session: Session, *, promotion_id: int, staff_id: int, now: datetime) -> Promotion:
    """
    Write down the set-up of a campaign, whatever its status, as a new draft.

    :raises NoSuchPromotion: there is none.
    :raises Contradiction: by the rules of today the set-up contradicts itself.
    """
    promotion, counter = queries.with_limits(session, promotion_id)
    return create(session, campaign=campaign_of(promotion, counter), staff_id=staff_id, now=now)


def change(
    session: Session, *, promotion_id: int, campaign: Campaign, staff_id: int, now: datetime
) -> Promotion:
    """
    Replace the whole set-up of a draft.

    :raises NoSuchPromotion: there is none.
    :raises WrongStatus: it has been published.
    :raises Contradiction: the set-up contradicts itself.
    """
    promotion = _locked(session, promotion_id)
    life.require(promotion, CampaignStatus.DRAFT)
    _write(session, promotion, campaign, now)
    life.change(promotion, now=now)
    _keep(session, promotion, campaign)
    _record(session, promotion, Action.CHANGED, staff_id)
    return promotion


def change_limits(
    session: Session,
    *,
    promotion_id: int,
    limits: Mapping[str, Any],
    staff_id: int,
    now: datetime,
) -> Promotion:
    """
    Change limits that a published or paused campaign has, as `caps.change` allows.

    :raises NoSuchPromotion: there is none.
    :raises WrongStatus: it is a draft, which is changed as a whole, or over.
    :raises Contradiction: a limit cannot be what is asked.
    """
    promotion = _locked(session, promotion_id)
    life.require(promotion, CampaignStatus.PUBLISHED, CampaignStatus.PAUSED)
    caps.change(session, promotion, limits)
    life.change(promotion, now=now)
    _record(session, promotion, Action.CHANGED, staff_id)
    return promotion


def change_claims(
    session: Session, *, promotion_id: int, is_claimable: bool, staff_id: int, now: datetime
) -> Promotion:
    """
    Stop or resume what members claim of a published or paused template themselves; repeatable.

    Coupons that are out may be used as before, and codes, pushes and gifts go on.

    :raises NoSuchTemplate: it is no template of coupons, or there is none.
    :raises WrongStatus: it is a draft, which is changed as a whole, or over.
    """
    templates.get(session, promotion_id)
    promotion = _locked(session, promotion_id)
    life.require(promotion, CampaignStatus.PUBLISHED, CampaignStatus.PAUSED)
    issue = Issue.parse(promotion.definition["issue"])
    if issue.is_claimable is is_claimable:
        return promotion
    issue = replace(issue, is_claimable=is_claimable)
    templates.write(session, promotion_id=promotion_id, issue=issue)
    promotion.definition = {**promotion.definition, "issue": issue.to_json()}
    life.change(promotion, now=now)
    _record(session, promotion, Action.CHANGED, staff_id)
    return promotion


def publish(session: Session, *, promotion_id: int, staff_id: int, now: datetime) -> Promotion:
    """
    Let a draft price carts from its start on; at once if that has come.

    :raises NoSuchPromotion: there is none.
    :raises WrongStatus: it is not a draft.
    :raises Contradiction: its window has passed, its group has another mode, or a coupon it gives
        is none any more.
    """
    promotion = _locked(session, promotion_id)
    life.require(promotion, CampaignStatus.DRAFT)
    return _start(session, promotion, Action.PUBLISHED, staff_id, now)


def resume(session: Session, *, promotion_id: int, staff_id: int, now: datetime) -> Promotion:
    """
    Let a paused campaign price carts again.

    :raises NoSuchPromotion: there is none.
    :raises WrongStatus: it is not paused.
    :raises Contradiction: its window has passed, its group has another mode, or a coupon it gives
        is none any more.
    """
    promotion = _locked(session, promotion_id)
    life.require(promotion, CampaignStatus.PAUSED)
    return _start(session, promotion, Action.RESUMED, staff_id, now)


def pause(session: Session, *, promotion_id: int, staff_id: int, now: datetime) -> Promotion:
    """
    Take a published campaign out of every price until it is resumed.

    :raises NoSuchPromotion: there is none.
    :raises WrongStatus: it is not published.
    """
    promotion = _locked(session, promotion_id)
    return _move(session, promotion, CampaignStatus.PAUSED, Action.PAUSED, staff_id, now)


def end(session: Session, *, promotion_id: int, staff_id: int, now: datetime) -> Promotion:
    """
    End a campaign for good; orders that hold a use of it keep it.

    :raises NoSuchPromotion: there is none.
    :raises WrongStatus: it has ended already.
    """
    promotion = _locked(session, promotion_id)
    return _move(session, promotion, CampaignStatus.ENDED, Action.ENDED, staff_id, now)


def _locked(session: Session, promotion_id: int) -> Promotion:
    promotion = life.locked(session, Promotion, promotion_id)
    if promotion is None:
        raise queries.NoSuchPromotion(promotion_id)
    return promotion


def _write(session: Session, promotion: Promotion, campaign: Campaign, now: datetime) -> None:
    compiled = setups.check(campaign)
    setups.check_coupons(session, campaign)
    promotion.kind = campaign.kind
    promotion.title = campaign.title
    promotion.lane = compiled.lane
    promotion.group_name = campaign.group
    promotion.priority = campaign.priority
    promotion.tags = sorted(campaign.tags)
    promotion.starts_at = campaign.starts_at
    promotion.ends_at = campaign.ends_at
    promotion.definition = campaign.definition()
    if campaign.issue is not None:
        promotion.definition["issue"] = Issue.parse(campaign.issue).to_json()
    promotion.updated_at = now


def _keep(session: Session, promotion: Promotion, campaign: Campaign) -> None:
    """Write down the limits of a draft and, if it is a template of coupons, how they are issued."""
    caps.write(session, promotion.id, campaign)
    if campaign.issue is None:
        session.execute(delete(CouponTemplate).where(CouponTemplate.promotion_id == promotion.id))
    else:
        issue = Issue.parse(campaign.issue)
        templates.write(session, promotion_id=promotion.id, issue=issue)


def _start(
    session: Session, promotion: Promotion, action: Action, staff_id: int, now: datetime
) -> Promotion:
    if life.is_over(promotion, now):
        raise Contradiction("ends_at", Flaw.ALREADY_OVER)
    snapshots.lock(session)  # Two of one group, published at once, would not see each other.
    campaign = campaign_of(promotion, session.get(PromotionCounter, promotion.id))
    setups.check_coupons(session, campaign)
    compiled = campaign.compiled(promotion.id)
    try:
        live = snapshots.grouped_with(session, compiled, now=now)
        pricing.require_one_mode_per_group([*live, compiled])
    except pricing.MixedGroup as mixed:
        raise Contradiction("group_mode", Flaw.MIXED_GROUP) from mixed
    return _move(session, promotion, CampaignStatus.PUBLISHED, action, staff_id, now)


def _move(
    session: Session,
    promotion: Promotion,
    status: CampaignStatus,
    action: Action,
    staff_id: int,
    now: datetime,
) -> Promotion:
    life.move(promotion, status, now=now)
    _record(session, promotion, action, staff_id)
    snapshots.bump(session, promotion, now=now)
    return promotion


def _record(session: Session, promotion: Promotion, action: Action, staff_id: int) -> None:
    document = campaign_of(promotion, session.get(PromotionCounter, promotion.id)).to_json()
    version = PromotionVersion(promotion_id=promotion.id)
    session.add(life.recorded(version, promotion, action, document, staff_id=staff_id))
    session.flush()
