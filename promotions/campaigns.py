"""
The life of a campaign: drafted, published, paused, resumed, ended; every step a version on record.

A contradictory set-up is refused when it is written, not discovered by a shopper.
"""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from promotions import caps, pricing, queries, snapshots
from promotions.definitions import Campaign, UnknownKind, campaign_of
from promotions.models import Promotion, PromotionCounter, PromotionVersion
from promotions.pricing.promotion import EmptyWindow
from promotions.states import CAMPAIGN_TRANSITIONS, Action, CampaignStatus


class Flaw(StrEnum):
    """Why a set-up is refused, beyond what its terms say about themselves."""

    UNKNOWN_KIND = "unknown_kind"
    EMPTY_WINDOW = "empty_window"
    """It ends no later than it starts."""
    ALREADY_OVER = "already_over"
    """Its window has passed."""
    EMPTY_SCOPE = "empty_scope"
    """Everything it names it also excludes, or it names nothing."""
    MODE_WITHOUT_GROUP = "mode_without_group"
    """A group mode is set and there is no group."""
    MIXED_GROUP = "mixed_group"
    """Published campaigns of the group have another mode."""
    BUDGET_TOO_SMALL = "budget_too_small"
    """The budget is below what one order may save, so it could refuse the first buyer."""


class Contradiction(ValueError):
    """A set-up cannot mean anything; `field` says where, `reason` is a `Flaw` or a `Problem`."""

    def __init__(self, field: str, reason: Flaw | pricing.Problem) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


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
    _write(promotion, campaign, now)
    session.add(promotion)
    session.flush()
    caps.write(session, promotion.id, campaign)
    _record(session, promotion, Action.CREATED, staff_id)
    return promotion


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
    _write(promotion, campaign, now)
    promotion.version += 1
    caps.write(session, promotion.id, campaign)
    _record(session, promotion, Action.CHANGED, staff_id)
    return promotion


def publish(session: Session, *, promotion_id: int, staff_id: int, now: datetime) -> Promotion:
    """
    Let a draft price carts from its start on; at once if that has come.

    :raises NoSuchPromotion: there is none.
    :raises WrongStatus: it is not a draft.
    :raises Contradiction: its window has passed, or its group has another mode.
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
    :raises Contradiction: its window has passed, or its group has another mode.
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


def _write(promotion: Promotion, campaign: Campaign, now: datetime) -> None:
    compiled = _checked(campaign)
    promotion.kind = campaign.kind
    promotion.title = campaign.title
    promotion.lane = compiled.lane
    promotion.group_name = campaign.group
    promotion.priority = campaign.priority
    promotion.tags = sorted(campaign.tags)
    promotion.starts_at = campaign.starts_at
    promotion.ends_at = campaign.ends_at
    promotion.definition = campaign.definition()
    promotion.updated_at = now


def _checked(campaign: Campaign) -> pricing.Promotion:
    """Compile the campaign, and say as a `Contradiction` why that cannot be done."""
    try:
        compiled = campaign.compiled(0)
    except pricing.BadTerms as bad:
        raise Contradiction(f"terms.{bad.field}", bad.problem) from bad
    except UnknownKind as unknown:
        raise Contradiction("kind", Flaw.UNKNOWN_KIND) from unknown
    except pricing.EmptyScope as empty:
        raise Contradiction("includes", Flaw.EMPTY_SCOPE) from empty
    except EmptyWindow as empty:
        raise Contradiction("ends_at", Flaw.EMPTY_WINDOW) from empty
    if campaign.group is None and compiled.group_mode is not pricing.GroupMode.BEST:
        raise Contradiction("group_mode", Flaw.MODE_WITHOUT_GROUP)
    budget_fen, most_fen = campaign.budget_fen, campaign.max_discount_fen
    if budget_fen is not None and most_fen is not None and budget_fen < most_fen:
        raise Contradiction("budget_fen", Flaw.BUDGET_TOO_SMALL)
    return compiled


def _start(
    session: Session, promotion: Promotion, action: Action, staff_id: int, now: datetime
) -> Promotion:
    if promotion.ends_at is not None and promotion.ends_at <= now:
        raise Contradiction("ends_at", Flaw.ALREADY_OVER)
    snapshots.lock(session)  # Two of one group, published at once, would not see each other.
    counter = session.get(PromotionCounter, promotion.id)
    compiled = campaign_of(promotion, counter).compiled(promotion.id)
    try:
        live = snapshots.load(session, now=now).promotions.values()
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
