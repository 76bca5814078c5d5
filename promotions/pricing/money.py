"""
The only arithmetic with fen that divides: percentages, apportioning and the price of some units.

Money is `int` fen and rates are `int` basis points (10,000 = all); every division here says how
it rounds. Floats, booleans and Decimals are refused where values enter the engine.
"""

from collections.abc import Mapping

ALL_BP = 10_000


class NotWhole(TypeError):
    """A value that must be an `int` is something else; a bool is something else."""


class OutOfRange(ValueError):
    """A whole number lies outside what its field may hold."""


def whole(value: object, name: str, *, least: int = 0, most: int | None = None) -> int:
    """
    Return `value` unchanged if it is an `int` within `[least, most]`.

    :raises NotWhole: it is a bool, a float, text or anything else that is not an `int`.
    :raises OutOfRange: it is below `least` or above `most`.
    """
    if type(value) is not int:
        raise NotWhole(f"{name} must be an int, not {type(value).__name__}")
    if value < least or (most is not None and value > most):
        raise OutOfRange(
            f"{name} is {value}, outside [{least}, {most if most is not None else '∞'}]"
        )
    return value


def pct_round(amount_fen: int, rate_bp: int) -> int:
    """Return `rate_bp` of `amount_fen`, half a fen rounded up: 1,500 bp of 1,050 fen are 158."""
    return (amount_fen * rate_bp * 2 + ALL_BP) // (2 * ALL_BP)


def apportion(weights: Mapping[int, int], amount: int) -> dict[int, int]:
    """
    Split `amount` over line ids in proportion to `weights`, by largest remainder.

    The shares sum to `amount` and each lies within `[0, its weight]`. Equal remainders go to the
    heavier weight, then to the smaller id: {1: 10, 2: 5, 3: 5} and 7 give {1: 3, 2: 2, 3: 2}.

    :raises OutOfRange: a weight is negative, or `amount` is, or exceeds the sum of the weights.
    """
    total = sum(weights.values())
    whole(amount, "amount", most=total)
    if min(weights.values(), default=0) < 0:
        raise OutOfRange("a weight is negative")
    if amount in (0, total):
        return dict(weights) if amount else dict.fromkeys(weights, 0)
    shares: dict[int, int] = {}
    remainders: list[tuple[int, int, int]] = []
    left = amount
    for key, weight in weights.items():
        share, remainder = divmod(weight * amount, total)
        shares[key] = share
        left -= share
        remainders.append((-remainder, -weight, key))
    if left:
        remainders.sort()
        for _, _, key in remainders[:left]:
            shares[key] += 1
    return shares


def units_share(paid: int, quantity: int, i: int, j: int) -> int:
    """
    Return what units `i` (included) to `j` (excluded) cost of a line: `paid` fen for `quantity`.

    Rounds down cumulatively, so any cut of the units into runs sums to exactly `paid`: 100 fen for
    3 units are 33, 33 and 34.

    :raises OutOfRange: not `0 <= i <= j <= quantity`, or there are no units.
    """
    whole(quantity, "quantity", least=1)
    whole(j, "j", most=quantity)
    whole(i, "i", most=j)
    whole(paid, "paid")
    return paid * j // quantity - paid * i // quantity
