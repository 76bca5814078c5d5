"""Where a distributor stands, and the moves between."""

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
