"""
The states of a coupon and the moves between them, the ways to get one, and how a claim stands.
"""

from enum import StrEnum


class CouponStatus(StrEnum):
    """Where one coupon stands."""

    ISSUED = "issued"
    """In a member's hands; may be used within its validity."""
    HELD = "held"
    """Set aside for an unpaid order."""
    USED = "used"
    """Its order is paid."""
    EXPIRED = "expired"
    """Its validity, or its whole campaign, ended before it was used."""
    REVOKED = "revoked"
    """Taken back: by staff, or with the order that earned it."""


COUPON_TRANSITIONS = {
    CouponStatus.ISSUED: {CouponStatus.HELD, CouponStatus.EXPIRED, CouponStatus.REVOKED},
    CouponStatus.HELD: {
        CouponStatus.USED,
        CouponStatus.ISSUED,
        CouponStatus.EXPIRED,
        CouponStatus.REVOKED,
    },
    CouponStatus.USED: {CouponStatus.ISSUED, CouponStatus.EXPIRED, CouponStatus.REVOKED},
    CouponStatus.EXPIRED: set[CouponStatus](),
    CouponStatus.REVOKED: set[CouponStatus](),
}


class Way(StrEnum):
    """How a coupon came to its member; the limits per person count some ways and not others."""

    CLAIM = "claim"
    """The member took it in the claim centre."""
    CODE = "code"
    """The member redeemed a code."""
    PUSH = "push"
    """Staff gave it to a segment. Counts for life, not for the day: the member did nothing."""
    GIFT = "gift"
    """An order, a campaign or a pack promised it. Only the total limits it: a promise is kept."""


LIMITED_FOR_LIFE = (Way.CLAIM, Way.CODE, Way.PUSH)
LIMITED_BY_DAY = (Way.CLAIM, Way.CODE)


class ValidMode(StrEnum):
    """What decides when a coupon may be used."""

    FIXED = "fixed"
    """The template's own dates."""
    AFTER_CLAIM = "after_claim"
    """So many days from the day it was issued."""


class ClaimState(StrEnum):
    """Whether a member can have one more of a template now; if not, the first reason why."""

    CLAIMABLE = "claimable"
    CLOSED = "closed"
    """Not published, paused, or not offered this way."""
    NOT_YET = "not_yet"
    OVER = "over"
    CLAIMED_OUT = "claimed_out"
    """All have been issued."""
    REACHED = "reached"
    """The member has had as many as one person may."""
    REACHED_TODAY = "reached_today"
    NOT_FOR_YOU = "not_for_you"
    """The campaign is for other members."""
