"""The kinds of account and of posting, as stored."""

from enum import StrEnum


class AccountKind(StrEnum):
    """What the money of an account is. The last one belongs to the shop, the others to a member."""

    FROZEN = "frozen"
    """Earned, not yet certain."""
    AVAILABLE = "available"
    """Certain; may be withdrawn."""
    WITHDRAWING = "withdrawing"
    """Held by an open withdrawal."""
    RECEIVABLE = "receivable"
    """What the distributor owes the shop."""
    EXPENSE = "expense"
    """What commissions cost the shop."""


class PostingKind(StrEnum):
    """Which business event a posting records."""

    ACCRUE = "accrue"
    CLAW_BACK = "claw_back"
    MATURE = "mature"
    HOLD = "hold"
    """Available money set aside for a withdrawal."""
