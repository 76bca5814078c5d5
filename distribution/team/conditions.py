"""
What lifts a distributor to a grade: pure, standard library only.

A condition asks for so many orders, so much money or so many people who bought. There is none that
counts people for having been recruited, and buying alone lifts nobody: a reward must not be bought.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

OWN = ("own_orders", "own_spend_fen")
"""What one buys oneself."""
SOLD = ("level1_orders", "level1_fen", "direct_customers")
"""What people one brought bought."""
MOST = 1_000_000_000_000


class BadConditions(Exception):
    """A threshold that makes no sense, or conditions that one could meet by buying alone."""


class Facts(NamedTuple):
    """What counts for one member: completed orders, net of what went back."""

    own_orders: int = 0
    own_spend_fen: int = 0
    level1_orders: int = 0
    level1_fen: int = 0
    direct_customers: int = 0
    """Different people among the buyers of the level-1 orders."""


class Gap(NamedTuple):
    """How far somebody is with one condition."""

    condition: str
    needed: int
    reached: int

    @property
    def is_met(self) -> bool:
        """Whether nothing is missing."""
        return self.reached >= self.needed


@dataclass(frozen=True, slots=True)
class Conditions:
    """Thresholds, each None or positive. Without any, a grade is given by hand only."""

    is_every: bool = True
    """All that are set must be met; otherwise one is enough."""
    own_orders: int | None = None
    own_spend_fen: int | None = None
    level1_orders: int | None = None
    level1_fen: int | None = None
    direct_customers: int | None = None

    @property
    def thresholds(self) -> dict[str, int]:
        """Those that are set, by name."""
        given = {name: getattr(self, name) for name in (*OWN, *SOLD)}
        return {name: needed for name, needed in given.items() if needed is not None}

    def check(self) -> None:
        """
        Refuse what makes no sense.

        :raises BadConditions: a threshold is not positive; one's own buying is one way among
            several, or the only condition.
        """
        thresholds = self.thresholds
        for name, needed in thresholds.items():
            if not 0 < needed <= MOST:
                raise BadConditions(f"{name} {needed} is not within 1 to {MOST}")
        if thresholds.keys() & set(OWN) and not (self.is_every and thresholds.keys() & set(SOLD)):
            raise BadConditions("buying alone must not lift anybody to a higher reward")

    def progress(self, facts: Facts) -> list[Gap]:
        """How far `facts` go, condition by condition."""
        return [Gap(name, needed, getattr(facts, name)) for name, needed in self.thresholds.items()]

    def are_met(self, facts: Facts) -> bool:
        """Whether `facts` are enough; never, if there is no condition at all."""
        gaps = self.progress(facts)
        enough = all if self.is_every else any
        return bool(gaps) and enough(gap.is_met for gap in gaps)


@dataclass(frozen=True, slots=True)
class Grade:
    """A grade as it counts now."""

    id: int
    name: str
    rank: int
    conditions: Conditions
    keep_days: int | None = None
    """The conditions look back so many days, and are looked at again after as many; None: ever."""
    is_archived: bool = False


Looks = Mapping[int | None, Facts]
"""One member's facts by the days looked back; None: ever."""


def best(grades: Sequence[Grade], looks: Looks) -> Grade | None:
    """The highest grade whose conditions are met."""
    met = [grade for grade in grades if grade.conditions.are_met(looks[grade.keep_days])]
    return max(met, key=lambda grade: grade.rank, default=None)


def verdict(
    held: Grade | None, grades: Sequence[Grade], looks: Looks, *, is_due: bool
) -> Grade | None:
    """
    The grade somebody should have: a higher one as soon as it is met, a lower one only at a review.

    `is_due`: the days for which the held grade was given are over.
    """
    reached = best(grades, looks)
    if held is None:
        return reached
    if reached is not None and reached.rank > held.rank:
        return reached
    if is_due and reached != held and not held.conditions.are_met(looks[held.keep_days]):
        return reached
    return held
