"""
The states of a team and of a seat in it, the moves between them, and the reasons for each.
"""

from enum import StrEnum


class TeamStatus(StrEnum):
    """Where a team of buyers stands."""

    OPENING = "opening"
    """Its opener has not paid yet; nobody else can join."""
    OPEN = "open"
    """May be joined until its end."""
    COMPLETE = "complete"
    """All its seats are taken, or filled by its end: its orders may be shipped."""
    FAILED = "failed"
    """It will never be complete: whoever paid gets the money back."""


TEAM_TRANSITIONS = {
    TeamStatus.OPENING: {TeamStatus.OPEN, TeamStatus.FAILED},
    TeamStatus.OPEN: {TeamStatus.COMPLETE, TeamStatus.FAILED},
    TeamStatus.COMPLETE: set[TeamStatus](),
    TeamStatus.FAILED: set[TeamStatus](),
}


class SeatStatus(StrEnum):
    """Where the seat of one order stands."""

    HELD = "held"
    """The order is placed and not paid."""
    TAKEN = "taken"
    """The order is paid; the team it belongs to is open or complete."""
    RELEASED = "released"
    """The order closed unpaid."""
    REFUNDING = "refunding"
    """The order is paid and has no team: its money is to go back."""
    REFUNDED = "refunded"
    """Its money went back."""


SEAT_TRANSITIONS = {
    SeatStatus.HELD: {SeatStatus.TAKEN, SeatStatus.RELEASED, SeatStatus.REFUNDING},
    SeatStatus.TAKEN: {SeatStatus.REFUNDING},
    SeatStatus.RELEASED: {SeatStatus.REFUNDING},
    SeatStatus.REFUNDING: {SeatStatus.REFUNDED},
    SeatStatus.REFUNDED: set[SeatStatus](),
}

LIVE = (SeatStatus.HELD, SeatStatus.TAKEN)
"""A member has one such seat in a team."""


class Outcome(StrEnum):
    """What the payment of a seat came to; whether that lasted is the status."""

    TAKEN = "taken"
    """It took the seat it held."""
    MOVED = "moved"
    """It came too late and joined another team."""
    OPENED = "opened"
    """It came too late and opened a new team."""
    TO_REFUND = "to_refund"
    """It came too late and goes back."""


class Late(StrEnum):
    """Why a payment could not take the seat it held."""

    FULL = "full"
    FAILED = "failed"
    OVER = "over"
    """The time of the team is over, though nobody has said so yet."""
    RELEASED = "released"
    """The order had given its seat back, and everything else it held."""


class RefundReason(StrEnum):
    """Why the money of a seat goes back."""

    LATE = "late"
    """It came too late, and the campaign's rule is to refund."""
    EXPIRED = "expired"
    """The team was not complete when its time was over."""
    STOPPED = "stopped"
    """Staff ended the team."""
    LEFT = "left"
    """The buyer left the team before it was complete; their after-sale brings the money."""


class FailReason(StrEnum):
    """Why a team failed."""

    EXPIRED = "expired"
    STOPPED = "stopped"
    """Staff ended it."""
    DESERTED = "deserted"
    """Everybody who had paid left."""
    NEVER_OPENED = "never_opened"
    """Its opener did not pay."""
