"""
The terms of a group buy that concern its teams, as its campaign keeps them.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from promotions.models import Promotion
from promotions.pricing.kinds import GroupBuy, Seats, WhenLate
from promotions.states import CampaignStatus


class NoGroupBuy(Exception):
    """No campaign of this kind has the id."""


KIND = GroupBuy.kind


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamTerms:
    """What a team is opened on, and keeps."""

    size: int
    team_minutes: int
    places: Seats
    when_late: WhenLate
    newcomers_only: bool
    auto_completes: bool
    closes_at: datetime

    def values(self) -> dict[str, Any]:
        """Return them as the columns of a team."""
        return {name: getattr(self, name) for name in self.__slots__}


def of(session: Session, promotion_id: int) -> TeamTerms:
    """
    Return the terms of a campaign.

    :raises NoGroupBuy: there is none, or it is of another kind.
    """
    return _terms(_campaign(session, promotion_id))


def while_running(session: Session, promotion_id: int, now: datetime) -> TeamTerms | None:
    """
    Return the terms of a campaign that is published and within its window, else None.

    Only then others can join a team that is opened now. Its sessions of the day do not matter.

    :raises NoGroupBuy: there is none, or it is of another kind.
    """
    campaign = _campaign(session, promotion_id)
    chosen = _terms(campaign)
    is_running = (
        campaign.status is CampaignStatus.PUBLISHED and campaign.starts_at <= now < chosen.closes_at
    )
    return chosen if is_running else None


def _campaign(session: Session, promotion_id: int) -> Promotion:
    campaign = session.get(Promotion, promotion_id, populate_existing=True)
    if campaign is None or campaign.kind != KIND:
        raise NoGroupBuy(f"promotion {promotion_id}")
    return campaign


def _terms(campaign: Promotion) -> TeamTerms:
    assert campaign.ends_at is not None, "a deal has an end"
    rule = GroupBuy.parse(campaign.definition["terms"])
    return TeamTerms(
        size=rule.team_size,
        team_minutes=rule.team_minutes,
        places=rule.seats,
        when_late=rule.when_late,
        newcomers_only=rule.newcomers_only,
        auto_completes=rule.auto_complete,
        closes_at=campaign.ends_at,
    )
