"""The words the engine stores: states with their moves, kinds of account and posting, reasons."""

from enum import StrEnum


class DistributorStatus(StrEnum):
    """Whether a distributor earns and may be bound to."""

    PENDING = "pending"
    """Applied; staff have not approved yet. Earns nothing."""
    ACTIVE = "active"
    """Earns, and new members may be bound to them."""
    FROZEN = "frozen"
    """Stopped by staff: earns nothing new, keeps what was earned."""
    LEFT = "left"
    """Went of their own accord, or closed the account."""


DISTRIBUTOR_TRANSITIONS = {
    DistributorStatus.PENDING: {DistributorStatus.ACTIVE, DistributorStatus.LEFT},
    DistributorStatus.ACTIVE: {DistributorStatus.FROZEN, DistributorStatus.LEFT},
    DistributorStatus.FROZEN: {DistributorStatus.ACTIVE, DistributorStatus.LEFT},
    DistributorStatus.LEFT: {DistributorStatus.PENDING},
}


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


class CommissionState(StrEnum):
    """Where the commission of one line and level stands."""

    FROZEN = "frozen"
    """Earned; waits for the goods to be received and the days after it."""
    MATURED = "matured"
    """Became available, or repaid a debt."""
    CLAWED = "clawed"
    """Taken back in full before it matured."""
    UNEARNED = "unearned"
    """Nothing was earned; `reason` says why."""


COMMISSION_TRANSITIONS: dict[CommissionState, set[CommissionState]] = {
    CommissionState.FROZEN: {CommissionState.MATURED, CommissionState.CLAWED},
    CommissionState.MATURED: set(),
    CommissionState.CLAWED: set(),
    CommissionState.UNEARNED: set(),
}


class Unearned(StrEnum):
    """Why a line earned an upline nothing."""

    PENDING = "upline_pending"
    FROZEN = "upline_frozen"
    LEFT = "upline_left"
    NO_RATE = "no_rate"
    """The rule pays this level nothing for this SKU."""
    TOO_SMALL = "too_small"
    """The share of what was paid is less than one fen."""


class PostingKind(StrEnum):
    """Which business event a posting records."""

    ACCRUE = "accrue"
    CLAW_BACK = "claw_back"
    MATURE = "mature"
    HOLD = "hold"
    """Available money set aside for a withdrawal."""
