"""
The arithmetic of commissions: integers of fen and basis points, pure, standard library only.

Every division rounds down, so the shop never pays a fen more than the rate says.
"""

from typing import NamedTuple

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


class Split(NamedTuple):
    """An amount in two parts: what the account covers, and what is left over."""

    covered_fen: int
    rest_fen: int


def effective(rates: Rates, *, levels: int, cap_bp: int) -> Rates:
    """
    The rates that are paid: no second level unless two are set, both together within the cap.

    The first level is served first; the second gets what the cap leaves.
    """
    level1_bp = min(rates.level1_bp, cap_bp)
    level2_bp = min(rates.level2_bp, cap_bp - level1_bp) if levels == 2 else 0
    return Rates(level1_bp, level2_bp)


def commission_fen(base_fen: int, rate_bp: int) -> int:
    """The commission on `base_fen` really paid: base × rate, rounded down to a whole fen."""
    return base_fen * rate_bp // ALL_BP


def clawed_target_fen(amount_fen: int, *, refunded_fen: int, base_fen: int) -> int:
    """
    How much of `amount_fen` must be taken back once `refunded_fen` of `base_fen` is refunded.

    It depends on the total refunded alone, so the order and the sizes of the refunds do not
    matter, and a full refund takes back all of it.

    :raises ValueError: more is refunded than was paid, or less than nothing.
    """
    if not 0 <= refunded_fen <= base_fen:
        raise ValueError(f"refunded {refunded_fen} of {base_fen} fen paid")
    return amount_fen * refunded_fen // base_fen if base_fen else 0


def split(amount_fen: int, balance_fen: int) -> Split:
    """
    Take `amount_fen` from a balance as far as it goes; the rest is left over.

    Claw-back takes from what is available and the rest becomes a debt; maturing repays the debt
    and the rest becomes available.
    """
    covered_fen = min(amount_fen, balance_fen)
    return Split(covered_fen, amount_fen - covered_fen)
