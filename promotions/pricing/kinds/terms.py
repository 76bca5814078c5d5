"""
What the terms of several kinds have in common.
"""

from collections.abc import Hashable, Iterable

from promotions.pricing.rule import BadTerms, Base, Basket, Measure, Problem, Shortfall


class ByScope:
    """Terms that name no SKUs themselves: the campaign's scope says what they are about."""

    __slots__ = ()

    @property
    def sku_ids(self) -> frozenset[int] | None:
        """None: the terms name no SKUs."""
        return None


def require_distinct(values: Iterable[Hashable], field: str) -> None:
    """
    Check that a list in the terms names something, and nothing twice.

    :raises BadTerms: it is empty, or something occurs twice.
    """
    kept = list(values)
    if not kept:
        raise BadTerms(field, Problem.EMPTY)
    if len(set(kept)) < len(kept):
        raise BadTerms(field, Problem.DUPLICATE)


def short_of(basket: Basket, threshold_fen: int, saves_fen: int) -> Shortfall | None:
    """Return what the basket lacks of a threshold that saves `saves_fen`; None if it has it."""
    have = basket.amount_fen
    if have >= threshold_fen:
        return None
    return Shortfall(measure=Measure.AMOUNT_FEN, need=threshold_fen, have=have, saves_fen=saves_fen)


def promised(basket: Basket, off_bp: int) -> int | None:
    """Return `off_bp` if it bounds what comes off by what is payable then: see `Offer.rate_bp`."""
    return off_bp if basket.base is Base.RUNNING else None
