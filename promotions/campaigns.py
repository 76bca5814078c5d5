"""
The life of a campaign: drafted, published, paused, resumed, ended; every step a version on record.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from promotions import caps, pricing, queries, setups, snapshots
from promotions.coupons import templates
from promotions.coupons.models import CouponTemplate
from promotions.coupons.terms import Issue
from promotions.definitions import Campaign, campaign_of
from promotions.models import Promotion, PromotionCounter, PromotionVersion
from promotions.setups import Contradiction, Flaw
from promotions.states import CAMPAIGN_TRANSITIONS, Action, CampaignStatus


class WrongStatus(Exception):
    """The campaign is not in a state that allows the move; `status` is the one it is in."""

    def __init__(self, status: CampaignStatus) -> None:
        super().__init__(f"the campaign is {status}")
        self.status = status


def create(session: Session, *, campaign: Campaign, staff_id: int, now: datetime) -> Promotion:
    """
    Write down a new campaign as a draft; it prices nothing yet.

    :raises Contradiction: the set-up contradicts itself.
    """
    promotion = Promotion(
        status=CampaignStatus.DRAFT, version=1, created_by=staff_id, created_at=now
    )
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
    if promotion.status is not CampaignStatus.DRAFT:
        raise WrongStatus(promotion.status)
    _write(session, promotion, campaign, now)
    promotion.version += 1
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
    if promotion.status not in (CampaignStatus.PUBLISHED, CampaignStatus.PAUSED):
        raise WrongStatus(promotion.status)
    caps.change(session, promotion, limits)
    promotion.version += 1
    promotion.updated_at = now
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
    if promotion.status not in (CampaignStatus.PUBLISHED, CampaignStatus.PAUSED):
        raise WrongStatus(promotion.status)
    issue = Issue.parse(promotion.definition["issue"])
    if issue.is_claimable is is_claimable:
        return promotion
    issue = replace(issue, is_claimable=is_claimable)
    templates.write(session, promotion_id=promotion_id, issue=issue)
    promotion.definition = {**promotion.definition, "issue": issue.to_json()}
    promotion.version += 1
    promotion.updated_at = now
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
    if promotion.status is not CampaignStatus.DRAFT:
        raise WrongStatus(promotion.status)
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
    if promotion.status is not CampaignStatus.PAUSED:
        raise WrongStatus(promotion.status)
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
    promotion = session.scalar(
        select(Promotion)
        .where(Promotion.id == promotion_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
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
    if promotion.ends_at is not None and promotion.ends_at <= now:
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
    if status not in CAMPAIGN_TRANSITIONS[promotion.status]:
        raise WrongStatus(promotion.status)
    promotion.status = status
    promotion.version += 1
    promotion.updated_at = now
    _record(session, promotion, action, staff_id)
    snapshots.bump(session, promotion, now=now)
    return promotion


def _record(session: Session, promotion: Promotion, action: Action, staff_id: int) -> None:
    counter = session.get(PromotionCounter, promotion.id)
    session.add(
        PromotionVersion(
            promotion_id=promotion.id,
            version=promotion.version,
            action=action,
            changed_by=staff_id,
            changed_at=promotion.updated_at,
            document=campaign_of(promotion, counter).to_json(),
        )
    )
    session.flush()
