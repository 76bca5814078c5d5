"""
Numbers that people and WeChat see: one letter for the kind, then a ULID.

27 characters of `[0-9A-Z]`: sortable by time, unguessable, and within the strictest of WeChat's
limits (32 digits and letters, for payouts).
"""

from datetime import datetime

from ulid import ULID

TIME_DIGITS, RANDOM_DIGITS = 10, 16
"""The parts of a ULID: the milliseconds, then what nobody can guess."""


def order_no(now: datetime) -> str:
    """A new order number, `O…`."""
    return _number("O", now)


def first_order_no(moment: datetime) -> str:
    """The least order number of a millisecond: orders from then on are those not below it."""
    return f"{order_no(moment)[: 1 + TIME_DIGITS]}{'0' * RANDOM_DIGITS}"


def out_trade_no(now: datetime) -> str:
    """A new number of one payment attempt, `P…`."""
    return _number("P", now)


def out_refund_no(now: datetime) -> str:
    """A new number of one refund intent, `R…`: for ever the same for that intent."""
    return _number("R", now)


def after_sale_no(now: datetime) -> str:
    """A new number of one after-sale case, `A…`."""
    return _number("A", now)


def team_no(now: datetime) -> str:
    """A new number of one team of buyers, `T…`."""
    return _number("T", now)


def adjustment_no(now: datetime) -> str:
    """A new number of one adjustment of a distributor's money, `J…`."""
    return _number("J", now)


def withdrawal_no(now: datetime) -> str:
    """A new number of one withdrawal, `W…`: WeChat's `out_bill_no`, for ever the same for it."""
    return _number("W", now)


def _number(letter: str, now: datetime) -> str:
    return f"{letter}{ULID.from_datetime(now)}"
