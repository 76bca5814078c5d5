"""Where a commission stands, the moves between, and why one may be nothing."""

from enum import StrEnum


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

    INVITED = "upline_invited"
    QUALIFYING = "upline_qualifying"
    PENDING = "upline_pending"
    FROZEN = "upline_frozen"
    REFUSED = "upline_refused"
    LEFT = "upline_left"
    NO_RATE = "no_rate"
    """The rule pays this level nothing for this SKU."""
    TOO_SMALL = "too_small"
    """The share of what was paid is less than one fen."""
