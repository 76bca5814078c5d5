"""Where a withdrawal stands, the moves between, and the ways its money may go."""

from enum import StrEnum


class WithdrawalState(StrEnum):
    """Where one withdrawal stands. Its money is set aside until it is paid or returned."""

    REVIEWING = "reviewing"
    """Waits for staff."""
    APPROVING = "approving"
    """One of the staff agreed; waits for another."""
    PAYING = "paying"
    """Approved: the money is on its way, and only its carrier can say how that ended."""
    PAID = "paid"
    """The distributor has the money."""
    RETURNED = "returned"
    """The money is back in the account; `reason` says why."""


WITHDRAWAL_TRANSITIONS = {
    WithdrawalState.REVIEWING: {
        WithdrawalState.APPROVING,
        WithdrawalState.PAYING,
        WithdrawalState.RETURNED,
    },
    WithdrawalState.APPROVING: {WithdrawalState.PAYING, WithdrawalState.RETURNED},
    WithdrawalState.PAYING: {WithdrawalState.PAID, WithdrawalState.RETURNED},
    WithdrawalState.PAID: set[WithdrawalState](),
    WithdrawalState.RETURNED: set[WithdrawalState](),
}

UNDECIDED = (WithdrawalState.REVIEWING, WithdrawalState.APPROVING)
"""Nothing has been sent anywhere yet."""
OPEN = (*UNDECIDED, WithdrawalState.PAYING)
"""The money is set aside."""


class Channel(StrEnum):
    """How the money goes to the distributor."""

    WECHAT = "wechat"
    """To their WeChat, by merchant transfer."""
    MANUAL = "manual"
    """By hand, outside of the mall; staff note the receipt."""


class Tax(StrEnum):
    """Which tax the shop withholds before it pays."""

    OFF = "off"
    """None: whoever receives the money declares it."""
    LABOUR = "labour"
    """The prepayment on labour remuneration, by the month."""
