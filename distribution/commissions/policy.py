"""
The arithmetic of commissions: integers of fen and basis points, pure, standard library only.

Every division rounds down, so the shop never pays a fen more than the rate says.
"""

from collections.abc import Sequence
from typing import NamedTuple

from distribution.commissions.states import BaseKind

ALL_BP = 10_000
"""One hundred percent, in basis points."""


class Rates(NamedTuple):
    """The rates of the two levels, in basis points of what was paid. There is no third."""

    level1_bp: int
    level2_bp: int

    def of(self, level: int) -> int:
        """
        The rate of `level`.

        :raises ValueError: the level is neither 1 nor 2.
        """
        if level not in (1, 2):
            raise ValueError(f"no level {level}: commissions have levels 1 and 2")
        return self.level1_bp if level == 1 else self.level2_bp


class Pay(NamedTuple):
    """What one level is paid: a rate of the base, or fen for each piece. One of them is set."""

    rate_bp: int | None = None
    piece_fen: int | None = None

    @property
    def is_nothing(self) -> bool:
        """Whether it pays nothing, whatever is bought."""
        return not (self.rate_bp or self.piece_fen)

    def wanted_fen(self, *, base_fen: int, quantity: int) -> int:
        """What it comes to before the cap, rounded down to a whole fen."""
        if self.piece_fen is not None:
            return self.piece_fen * quantity
        return commission_fen(base_fen, self.rate_bp or 0)


class Split(NamedTuple):
    """An amount in two parts: what the account covers, and what is left over."""

    covered_fen: int
    rest_fen: int


def base_fen(kind: BaseKind, *, paid_fen: int, cost_fen: int | None) -> int | None:
    """What a commission on a line is taken of; None if that is the profit and nobody knows it."""
    if kind == BaseKind.PAID:
        return paid_fen
    return None if cost_fen is None else max(0, paid_fen - cost_fen)


def commission_fen(base_fen: int, rate_bp: int) -> int:
    """The share of `base_fen` that a rate is: base × rate, rounded down to a whole fen."""
    return base_fen * rate_bp // ALL_BP


def within_cap(wanted_fen: Sequence[int], *, base_fen: int, cap_bp: int) -> list[int]:
    """
    What each level gets of what it would get: all of them together at most the cap of the base.

    The first level is served first. The base is at most what was paid and the cap at most all of
    it, so nothing, fixed amounts least, ever exceeds what was paid.
    """
    left_fen = commission_fen(base_fen, cap_bp)
    served: list[int] = []
    for wanted in wanted_fen:
        amount_fen, _ = split(wanted, left_fen)
        left_fen -= amount_fen
        served.append(amount_fen)
    return served


def clawed_target_fen(amount_fen: int, *, refunded_fen: int, paid_fen: int) -> int:
    """
    How much of `amount_fen` must be taken back once `refunded_fen` of `paid_fen` is refunded.

    It is the refunded share of the commission, however that came about: by a rate or a fixed
    amount, of what was paid or of the profit. It depends on the total refunded alone, so the order
    and the sizes of the refunds do not matter, and a full refund takes back all of it.

    :raises ValueError: more is refunded than was paid, or less than nothing.
    """
    if not 0 <= refunded_fen <= paid_fen:
        raise ValueError(f"refunded {refunded_fen} of {paid_fen} fen paid")
    return amount_fen * refunded_fen // paid_fen if paid_fen else 0


def split(amount_fen: int, balance_fen: int) -> Split:
    """
    Take `amount_fen` from a balance as far as it goes; the rest is left over.

    Claw-back takes from what is available and the rest becomes a debt; maturing repays the debt
    and the rest becomes available.
    """
    covered_fen = min(amount_fen, balance_fen)
    return Split(covered_fen, amount_fen - covered_fen)
