"""The kinds of account, posting and adjustment, and where an adjustment stands, as stored."""

from enum import StrEnum


class AccountKind(StrEnum):
    """What the money of an account is: the first four belong to a member, the rest to the shop."""

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
    CASH = "cash"
    """What distributors were paid out."""
    FEE = "fee"
    """What the shop kept of withdrawals as its fee."""
    TAX = "tax"
    """What was kept of withdrawals for the tax office."""
    ADJUSTMENT = "adjustment"
    """What was taken from distributors by hand, less what was given to them."""


class PostingKind(StrEnum):
    """Which business event a posting records."""

    ACCRUE = "accrue"
    CLAW_BACK = "claw_back"
    MATURE = "mature"
    HOLD = "hold"
    """Available money set aside for a withdrawal."""
    PAY_OUT = "pay_out"
    """A withdrawal that arrived: what was set aside has left, as money, fee and tax."""
    GIVE_BACK = "give_back"
    """A withdrawal that will not happen: what was set aside repays a debt or is available again."""
    ADJUST = "adjust"
    """A distributor's money moved by hand, by two people, with a reason."""


MEMBER_KINDS = (
    AccountKind.FROZEN,
    AccountKind.AVAILABLE,
    AccountKind.WITHDRAWING,
    AccountKind.RECEIVABLE,
)
"""The accounts a distributor has."""
SHOP_KINDS = tuple(kind for kind in AccountKind if kind not in MEMBER_KINDS)
"""The accounts the shop has itself."""
DEBIT_NORMAL = frozenset({AccountKind.RECEIVABLE, AccountKind.EXPENSE})
"""Kinds whose balance grows when they are debited; the others grow when credited."""


class AdjustmentKind(StrEnum):
    """What an adjustment does to a distributor's money."""

    GIVE = "give"
    """Money for the distributor: it repays their debt first, the rest is available."""
    TAKE = "take"
    """Money from the distributor: what is available first, the rest becomes a debt."""
    WRITE_OFF = "write_off"
    """So much of the distributor's debt is forgotten."""


class AdjustmentState(StrEnum):
    """Where an adjustment stands."""

    REQUESTED = "requested"
    """One person has asked for it; nothing has moved."""
    APPROVED = "approved"
    """Another person agreed, and the money moved."""
    REFUSED = "refused"
    """It will not happen."""


ADJUSTMENT_TRANSITIONS: dict[AdjustmentState, set[AdjustmentState]] = {
    AdjustmentState.REQUESTED: {AdjustmentState.APPROVED, AdjustmentState.REFUSED},
    AdjustmentState.APPROVED: set(),
    AdjustmentState.REFUSED: set(),
}
