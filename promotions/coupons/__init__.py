"""
Coupons: templates that issue them, the ways to get one, their life on orders, and codes.

A template is a campaign of a coupon kind: what a coupon is worth, for what and for whom is priced
like any other promotion, and issued here. Whatever limits it is taken by guarded updates.
"""

from promotions.coupons.codes import (
    CodeTaken,
    NoSuchBatch,
    UnknownCode,
    make_codes,
    redeem,
    revoke_batch,
)
from promotions.coupons.issuing import Pushed, claim, issue, push
from promotions.coupons.life import (
    NotUsable,
    expire,
    give_back,
    hold,
    release,
    revoke,
    revoke_granted,
    revoke_issued_for,
    revoke_surplus,
    use,
)
from promotions.coupons.queries import held_by_member
from promotions.coupons.templates import NoSuchTemplate, Refused
from promotions.coupons.terms import BadIssue, Issue, IssueFlaw

__all__ = [
    "BadIssue",
    "CodeTaken",
    "Issue",
    "IssueFlaw",
    "NoSuchBatch",
    "NoSuchTemplate",
    "NotUsable",
    "Pushed",
    "Refused",
    "UnknownCode",
    "claim",
    "expire",
    "give_back",
    "held_by_member",
    "hold",
    "issue",
    "make_codes",
    "push",
    "redeem",
    "release",
    "revoke",
    "revoke_batch",
    "revoke_granted",
    "revoke_issued_for",
    "revoke_surplus",
    "use",
]
