"""
The team: becoming a distributor, binding, and who stands above and below whom.

- `joining`        becoming a distributor, freezing, leaving
- `joining_rules`  the way of joining, as the merchant has set it
- `standing`       a distributor's status, and every change of it on record
- `purchases`      what the shop tells of orders, and the sums of it
- `facts`          what counts for joining and for grades
- `conditions`     what lifts a distributor to a grade: pure
- `grades`         the grades a shop has
- `grading`        who has which grade
- `binding`        who is whose upline: being bound by a touch
- `binding_rules`  what the merchant has set about it
- `clicks`         who followed what a distributor shared
- `protection`     an order of the member prolongs a binding
- `rebinding`      what staff do to bindings
- `teams`          whole teams at once: released, or handed over by staff
- `tree`           the one place where the tree is changed, and its locks
- `places`         who stands below whom, kept in line with the bindings
- `people`         who the distributors are and who stands below them
- `sharing`        the scene string of a mini-program code
"""

from distribution.team.binding import (
    AlreadyBound,
    NotNew,
    UnknownInviteCode,
    bind,
    bind_to,
)
from distribution.team.binding_rules import Newness
from distribution.team.protection import extend
from distribution.team.rebinding import NotBound
from distribution.team.tree import (
    BindingCycle,
    BindingRefused,
    SelfBinding,
    UplineNotActive,
    Why,
)

__all__ = [
    "AlreadyBound",
    "BindingCycle",
    "BindingRefused",
    "Newness",
    "NotBound",
    "NotNew",
    "SelfBinding",
    "UnknownInviteCode",
    "UplineNotActive",
    "Why",
    "bind",
    "bind_to",
    "extend",
]
