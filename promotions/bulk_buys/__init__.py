"""
Bulk buys: what all buyers of a campaign collect together, and what that settles for each of them.

A share is what one paid order brought in; its source is the order's. What goes back of it, and how,
is the business of the caller: here it is reckoned, and written down once.
"""

from promotions.bulk_buys.collecting import Line, collect, leave
from promotions.bulk_buys.queries import is_undecided
from promotions.bulk_buys.reckoning import Reckoned, reckon
from promotions.bulk_buys.settling import close, due_to_close, hanging, locked, settle
from promotions.bulk_buys.states import ShareState

__all__ = [
    "Line",
    "Reckoned",
    "ShareState",
    "close",
    "collect",
    "due_to_close",
    "hanging",
    "is_undecided",
    "leave",
    "locked",
    "reckon",
    "settle",
]
