"""
The states of a campaign and of a reservation, and the moves between them.
"""

from enum import StrEnum


class CampaignStatus(StrEnum):
    """Where a campaign stands by its merchant's will; the window decides the rest."""

    DRAFT = "draft"
    """Being written; prices nothing."""
    PUBLISHED = "published"
    """Prices carts within its window: shown as scheduled, running or, past its end, ended."""
    PAUSED = "paused"
    """Prices nothing until resumed."""
    ENDED = "ended"
    """Over for good."""


CAMPAIGN_TRANSITIONS = {
    CampaignStatus.DRAFT: {CampaignStatus.PUBLISHED, CampaignStatus.ENDED},
    CampaignStatus.PUBLISHED: {CampaignStatus.PAUSED, CampaignStatus.ENDED},
    CampaignStatus.PAUSED: {CampaignStatus.PUBLISHED, CampaignStatus.ENDED},
    CampaignStatus.ENDED: set[CampaignStatus](),
}


class Phase(StrEnum):
    """What a merchant sees: the status, told apart by the window."""

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    RUNNING = "running"
    PAUSED = "paused"
    ENDED = "ended"


class Action(StrEnum):
    """What made a new version of a campaign."""

    CREATED = "created"
    CHANGED = "changed"
    PUBLISHED = "published"
    PAUSED = "paused"
    RESUMED = "resumed"
    ENDED = "ended"


class MemberPeriod(StrEnum):
    """How long what a member has taken counts against the limits per member."""

    LIFETIME = "lifetime"
    DAY = "day"
    """A day in China, by the moment the order was placed."""


class ReservationStatus(StrEnum):
    """What became of the uses an order took."""

    RESERVED = "reserved"
    """Held for an unpaid order."""
    CONFIRMED = "confirmed"
    """Used: the order is paid."""
    RELEASED = "released"
    """Given back: the order closed unpaid. The same order may take it anew."""


RESERVATION_TRANSITIONS = {
    ReservationStatus.RESERVED: {ReservationStatus.CONFIRMED, ReservationStatus.RELEASED},
    ReservationStatus.CONFIRMED: set[ReservationStatus](),
    ReservationStatus.RELEASED: {ReservationStatus.RESERVED},
}
