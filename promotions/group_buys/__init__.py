"""
Group buys: teams of buyers, and the seats that orders have in them.

A team has a size and an end. A seat is held by an order, taken by its payment; never more than
`size` are taken. Every paid seat ends in exactly one of: its team complete, moved to another team,
in a new team of its own, refunded. Prices, limits and the window are those of the campaign.
"""

from promotions.group_buys.ending import Ended, expire_due, fail, leave, refunded
from promotions.group_buys.holding import (
    CannotJoin,
    Refusal,
    hold_seat,
    refusal_of,
    release_seat,
)
from promotions.group_buys.models import BuyingTeam, TeamSeat
from promotions.group_buys.queries import awaiting, is_for_newcomers, may_ship, seat_of
from promotions.group_buys.states import (
    FailReason,
    Late,
    Outcome,
    RefundReason,
    SeatStatus,
    TeamStatus,
)
from promotions.group_buys.taking import Taken, take_seat
from promotions.group_buys.terms import NoGroupBuy

__all__ = [
    "BuyingTeam",
    "CannotJoin",
    "Ended",
    "FailReason",
    "Late",
    "NoGroupBuy",
    "Outcome",
    "RefundReason",
    "Refusal",
    "SeatStatus",
    "Taken",
    "TeamSeat",
    "TeamStatus",
    "awaiting",
    "expire_due",
    "fail",
    "hold_seat",
    "is_for_newcomers",
    "leave",
    "may_ship",
    "refunded",
    "refusal_of",
    "release_seat",
    "seat_of",
    "take_seat",
]
