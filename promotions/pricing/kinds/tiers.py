"""
Tiers: steps that rise in threshold, or one step that repeats, and where a basket stands on them.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Protocol, TypeVar

from promotions.pricing.rule import BadTerms, Measure, Problem


class Step(Protocol):
    """One tier: what it takes to reach it."""

    @property
    def threshold(self) -> int:
        """In fen or pieces, as the measure says."""
        ...

    def to_json(self) -> dict[str, Any]:
        """Return the tier as plain data."""
        ...


Tier = TypeVar("Tier", bound=Step)


def require_rising(tiers: Sequence[Step]) -> None:
    """
    Check that there are tiers and that each asks more than the one before it.

    :raises BadTerms: there is none, or one does not.
    """
    if not tiers:
        raise BadTerms("tiers", Problem.EMPTY)
    for lower, higher in pairwise(tiers):
        if higher.threshold <= lower.threshold:
            raise BadTerms("tiers", Problem.NOT_RISING)


def read(terms: Mapping[str, Any], tier: Callable[[Mapping[str, Any]], Tier]) -> dict[str, Any]:
    """Return tiers, measure and how often they repeat, as `written` writes them."""
    return {
        "tiers": tuple(tier(each) for each in terms["tiers"]),
        "measure": Measure(terms.get("measure", Measure.AMOUNT_FEN)),
        "max_times": terms.get("max_times", 1),
    }


def written(tiers: Sequence[Step], measure: Measure, max_times: int) -> dict[str, Any]:
    """Return tiers, measure and how often they repeat as plain data."""
    return {
        "measure": measure.value,
        "tiers": [tier.to_json() for tier in tiers],
        "max_times": max_times,
    }


def reached(tiers: Sequence[Tier], have: int) -> list[Tier]:
    """Return the tiers that `have` reaches, the lowest first."""
    return [tier for tier in tiers if tier.threshold <= have]


def following(tiers: Sequence[Tier], have: int, max_times: int) -> tuple[Tier, int] | None:
    """Return which tier comes next, and how many times over; None if there is nothing more."""
    for tier in tiers:
        if tier.threshold > have:
            return tier, 1
    times = have // tiers[-1].threshold + 1
    return None if times > max_times else (tiers[-1], times)
