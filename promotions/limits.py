"""
Limits are held, not counted: an order takes its uses when placed, uses them up when paid, gives
them back when closed.

Each step is repeatable by source, and what a source gave back it may take anew. Each row is taken
by one guarded UPDATE, always in one order, so neither a race nor a repetition can take more than a
cap, and two orders cannot deadlock.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from promotions import counters, pricing, reservations, standings, stock
from promotions.counters import Use
from promotions.reservations import SourceReused
from promotions.standings import Standing
from promotions.states import ReservationStatus

__all__ = [
    "BudgetExhausted",
    "GiftOut",
    "LimitReached",
    "MemberLimitReached",
    "NotRunning",
    "Refused",
    "SourceReused",
    "StockOut",
    "Use",
    "allowances",
    "confirm",
    "release",
    "reserve",
    "uses_of",
    "uses_of_stored",
]


class Refused(Exception):
    """A promotion cannot be taken any more; price again."""

    def __init__(self, promotion_id: int) -> None:
        super().__init__(f"promotion {promotion_id}")
        self.promotion_id = promotion_id


class LimitReached(Refused):
    """Too few uses or pieces are left."""


class MemberLimitReached(Refused):
    """The member has had as many uses or pieces as one person may."""


class GiftOut(Refused):
    """Too little is left of a gift."""


class StockOut(Refused):
    """Too few pieces of a deal are left."""


class BudgetExhausted(Refused):
    """The budget left does not cover what would be saved."""


class NotRunning(Refused):
    """The promotion is paused, over or not yet begun: the price came from a stale snapshot."""


def uses_of(quote: pricing.Quote) -> list[Use]:
    """Return what an order at this quote takes of each applied promotion: one use, and more."""
    sku_ids = {line.line_id: line.sku_id for line in quote.lines}
    return [_use_of(adjustment, sku_ids) for adjustment in quote.adjustments]


def uses_of_stored(quote: Mapping[str, Any]) -> list[Use]:
    """Return the same of a quote that was stored as plain data."""
    sku_ids = {line["line_id"]: line["sku_id"] for line in quote["lines"]}
    uses = []
    for one in quote["adjustments"]:
        pieces: Counter[int] = Counter()
        for unit in one["units"]:
            pieces[sku_ids[unit["line_id"]]] += unit["quantity"]
        gifts: Counter[int] = Counter()
        for gift in one["gifts"]:
            gifts[gift["sku_id"]] += gift["quantity"]
        uses.append(_use(one["promotion_id"], one["amount_fen"], pieces, gifts))
    return uses


def reserve(
    session: Session, *, source: str, member_id: int, uses: Sequence[Use], now: datetime
) -> None:
    """
    Hold `uses` for `source`, all or none. Doing it again with the same uses changes nothing, unless
    they were given back: then they are taken anew.

    After an exception the transaction must be rolled back: some may be taken.

    :raises NotRunning: a promotion is not running at `now`.
    :raises LimitReached: too few uses or pieces are left of one.
    :raises BudgetExhausted: too little budget is left of one.
    :raises MemberLimitReached: the member has had what one person may have of one.
    :raises GiftOut: too little is left of a gift.
    :raises StockOut: too few pieces of a deal are left.
    :raises SourceReused: the source holds, or has used, something else.
    """
    if not uses:
        return
    found = standings.standings(session, [use.promotion_id for use in uses], now=now)
    wanted = sorted(
        use if found[use.promotion_id].has_stock else use._replace(pieces=()) for use in uses
    )
    if not reservations.write(
        session, source=source, member_id=member_id, uses=wanted, standings=found, now=now
    ):
        return
    for use in wanted:
        if not found[use.promotion_id].is_running:
            raise NotRunning(use.promotion_id)
    _take_all(session, [(use, found[use.promotion_id]) for use in wanted], member_id, now)


def confirm(session: Session, *, source: str, now: datetime) -> int:
    """Use up what `source` holds; return how many promotions that were, 0 if done before."""
    return _settle(session, source, ReservationStatus.CONFIRMED, now)


def release(session: Session, *, source: str, now: datetime) -> int:
    """Give back what `source` holds; return how many promotions that were, 0 if done before."""
    return _settle(session, source, ReservationStatus.RELEASED, now)


def allowances(
    session: Session, promotion_ids: Iterable[int], *, member_id: int | None, now: datetime
) -> tuple[pricing.Allowance, ...]:
    """
    Return what is left of the limited ones among `promotion_ids`, as a cart brings it.

    Of uses and pieces it is the lesser of what all may have together and what the member may; a
    visitor without an id has had nothing yet.
    """
    return standings.left(session, promotion_ids, member_id=member_id, now=now)


def _use_of(adjustment: pricing.Adjustment, sku_ids: Mapping[int, int]) -> Use:
    pieces: Counter[int] = Counter()
    for line_id, units in adjustment.units.items():
        pieces[sku_ids[line_id]] += units
    gifts: Counter[int] = Counter()
    for gift in adjustment.gifts:
        gifts[gift.sku_id] += gift.quantity
    return _use(adjustment.promotion_id, adjustment.amount_fen, pieces, gifts)


def _use(
    promotion_id: int, amount_fen: int, pieces: Mapping[int, int], gifts: Mapping[int, int]
) -> Use:
    return Use(
        promotion_id,
        amount_fen,
        units=sum(pieces.values()),
        gifts=tuple(sorted(gifts.items())),
        pieces=tuple(sorted(pieces.items())),
    )


def _take_all(
    session: Session, wanted: Sequence[tuple[Use, Standing]], member_id: int, now: datetime
) -> None:
    for use, standing in wanted:
        if standing.is_counted and not counters.take(session, use):
            raise _why_not(session, use, now)
    for use, standing in wanted:
        if not counters.take_for_member(session, use, standing, member_id):
            raise MemberLimitReached(use.promotion_id)
    for take, refused in ((counters.take_gifts, GiftOut), (stock.take, StockOut)):
        for use, _ in wanted:
            if not take(session, use):
                raise refused(use.promotion_id)


def _why_not(session: Session, use: Use, now: datetime) -> Refused:
    """Return why the shared counter of `use` cannot be taken."""
    (left,) = allowances(session, [use.promotion_id], member_id=None, now=now)
    too_few = left.uses is not None and left.uses < use.uses
    too_small = left.units is not None and left.units < use.units
    return (LimitReached if too_few or too_small else BudgetExhausted)(use.promotion_id)


def _settle(session: Session, source: str, status: ReservationStatus, now: datetime) -> int:
    settled = reservations.settle(session, source=source, status=status, now=now)
    is_used = status is ReservationStatus.CONFIRMED
    for use, _, _ in settled:
        counters.settle(session, use, is_used=is_used)
    if not is_used:
        for use, member_id, day in settled:
            counters.give_back_for_member(session, use, member_id, day)
    for use, _, _ in settled:
        counters.settle_gifts(session, use, is_used=is_used)
    for use, _, _ in settled:
        stock.settle(session, use, is_used=is_used)
    return len(settled)
