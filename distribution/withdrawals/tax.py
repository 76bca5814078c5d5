"""
The tax hook: what is withheld of a month's withdrawals. Pure; off unless the merchant turns it on.

A hook is a function from all that a person withdrew in a month to the tax due on that, both in fen.
One withdrawal is taxed with what it adds, so a month split into many pays what one sum would. This
is a tool for whoever withholds, not advice: the merchant's accountant decides whether and how.
"""

from collections.abc import Callable

from distribution.withdrawals.states import Tax

ALLOWANCE_FEN = 80_000
"""Up to 4,000 yuan a month, 800 yuan are free of tax; above, a fifth is."""
SMALL_FEN = 400_000
BRACKETS = (
    (5_000_000, 4_000, 700_000),
    (2_000_000, 3_000, 200_000),
    (0, 2_000, 0),
)
"""Taxable fen from which a rate (basis points) holds, and the quick deduction (fen) with it."""


def none(month_fen: int) -> int:  # noqa: ARG001  # A hook takes the month's sum.
    """Nothing is withheld."""
    return 0


def labour(month_fen: int) -> int:
    """
    The prepayment on a month's labour remuneration, rounded down to a whole fen.

    Table of the State Taxation Administration's announcement 2018 no. 61; one month counts as one
    payment.
    """
    taxable = month_fen - ALLOWANCE_FEN if month_fen <= SMALL_FEN else month_fen * 4 // 5
    if taxable <= 0:
        return 0
    rate_bp, deduction_fen = next(
        (rate_bp, deduction_fen) for over, rate_bp, deduction_fen in BRACKETS if taxable > over
    )
    return taxable * rate_bp // 10_000 - deduction_fen


HOOKS: dict[Tax, Callable[[int], int]] = {Tax.OFF: none, Tax.LABOUR: labour}


def withheld_fen(tax: Tax, amount_fen: int, *, month_fen: int, month_tax_fen: int) -> int:
    """
    What to withhold of `amount_fen`, after `month_fen` of the month with `month_tax_fen` withheld.

    Never less than nothing: what a returned withdrawal left over-withheld, the rest of the month
    makes up for.
    """
    due_fen = HOOKS[tax](month_fen + amount_fen)
    return max(0, due_fen - month_tax_fen)
