"""
The team: becoming a distributor, binding, and who stands above and below whom.

- `joining`  becoming a distributor, freezing, leaving
- `binding`  who is whose upline
- `people`   who the distributors are and who stands below them
- `sharing`  the scene string of a mini-program code
"""

from distribution.team.binding import (
    AlreadyBound,
    BindingCycle,
    BindingRefused,
    SelfBinding,
    UnknownInviteCode,
    Upline,
    UplineNotActive,
    bind,
    uplines_of,
)

__all__ = [
    "AlreadyBound",
    "BindingCycle",
    "BindingRefused",
    "SelfBinding",
    "UnknownInviteCode",
    "Upline",
    "UplineNotActive",
    "bind",
    "uplines_of",
]
