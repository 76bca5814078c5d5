"""
Limits are held, not counted: an order takes its uses when placed, uses them up when paid, gives
them back when closed.

Each step is repeatable by source. A counter is taken by one guarded UPDATE, counters in id order,
so neither a race nor a repetition can spend more than the cap, and two orders cannot deadlock.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from promotions import pricing
from promotions.models import Promotion, PromotionCounter, PromotionReservation
from promotions.states import CampaignStatus, ReservationStatus


class Use(NamedTuple):
    """What one source takes of one promotion."""

    promotion_id: int
    amount_fen: int
    """What it saves: charged to the budget."""
    uses: int = 1


class Refused(Exception):
    """A promotion cannot be taken any more; price again."""

    def __init__(self, promotion_id: int) -> None:
        super().__init__(f"promotion {promotion_id}")
        self.promotion_id = promotion_id


class LimitReached(Refused):
    """Too few uses are left."""


class BudgetExhausted(Refused):
    """The budget left does not cover what would be saved."""


class NotRunning(Refused):
    """The promotion is paused, over or not yet begun: the price came from a stale snapshot."""


class SourceReused(Exception):
    """The source has reserved before, and not the same."""


def uses_of(quote: pricing.Quote) -> list[Use]:
    """Return what an order at this quote takes: one use of each applied promotion."""
    return [Use(one.promotion_id, one.amount_fen) for one in quote.adjustments]


def reserve(session: Session, *, source: str, uses: Sequence[Use], now: datetime) -> None:
    """
    Hold `uses` for `source`, all or none. Doing it again with the same uses changes nothing.

    After an exception the transaction must be rolled back: some may be taken.

    :raises NotRunning: a promotion is no longer running.
    :raises LimitReached: too few uses are left of one.
    :raises BudgetExhausted: too little budget is left of one.
    :raises SourceReused: the source holds, or held, something else.
    """
    if not uses or not _is_new(session, source, uses, now):
        return
    limited = _require_running(session, [use.promotion_id for use in uses], now)
    for use in sorted(uses):
        if use.promotion_id in limited:
            _take(session, use)


def confirm(session: Session, *, source: str, now: datetime) -> int:
    """Use up what `source` holds; return how many promotions that were, 0 if done before."""
    return _settle(session, source, ReservationStatus.CONFIRMED, now)


def release(session: Session, *, source: str, now: datetime) -> int:
    """Give back what `source` holds; return how many promotions that were, 0 if done before."""
    return _settle(session, source, ReservationStatus.RELEASED, now)


def allowances(session: Session, promotion_ids: Iterable[int]) -> tuple[pricing.Allowance, ...]:
    """Return what is left of the limited ones among `promotion_ids`, as a cart brings it."""
    counters = session.execute(
        select(
            PromotionCounter.promotion_id,
            PromotionCounter.max_uses - PromotionCounter.uses_used - PromotionCounter.uses_reserved,
            PromotionCounter.budget_fen - PromotionCounter.used_fen - PromotionCounter.reserved_fen,
        )
        .where(PromotionCounter.promotion_id.in_(list(promotion_ids)))
        .order_by(PromotionCounter.promotion_id)
    )
    return tuple(
        pricing.Allowance(promotion_id=promotion_id, uses=uses, budget_fen=budget_fen)
        for promotion_id, uses, budget_fen in counters
    )


def _is_new(session: Session, source: str, uses: Sequence[Use], now: datetime) -> bool:
    """Write the reservations unless they are there; a racing twin of this source waits here."""
    rows = [
        {
            "source": source,
            "promotion_id": use.promotion_id,
            "uses": use.uses,
            "amount_fen": use.amount_fen,
            "status": ReservationStatus.RESERVED,
            "reserved_at": now,
        }
        for use in uses
    ]
    row = PromotionReservation
    written = session.scalars(
        insert(row).values(rows).on_conflict_do_nothing().returning(row.promotion_id)
    ).all()
    held = session.execute(
        select(row.promotion_id, row.amount_fen, row.uses).where(row.source == source)
    )
    if sorted(Use(*each) for each in held) != sorted(uses) or 0 < len(written) < len(uses):
        raise SourceReused(source)
    return bool(written)


def _require_running(session: Session, promotion_ids: list[int], now: datetime) -> set[int]:
    """Check that all are running; return those with a limit."""
    found = session.execute(
        select(Promotion.id, PromotionCounter.promotion_id)
        .join(PromotionCounter, PromotionCounter.promotion_id == Promotion.id, isouter=True)
        .where(
            Promotion.id.in_(promotion_ids),
            Promotion.status == CampaignStatus.PUBLISHED,
            Promotion.starts_at <= now,
            or_(Promotion.ends_at.is_(None), Promotion.ends_at > now),
        )
    ).all()
    stopped = set(promotion_ids) - {promotion_id for promotion_id, _ in found}
    if stopped:
        raise NotRunning(min(stopped))
    return {limited for _, limited in found if limited is not None}


def _take(session: Session, use: Use) -> None:
    """Take one use of a counter, if all of it still fits."""
    counter = PromotionCounter
    uses_after = counter.uses_used + counter.uses_reserved + use.uses
    spent_after = counter.used_fen + counter.reserved_fen + use.amount_fen
    taken = session.execute(
        update(counter)
        .where(
            counter.promotion_id == use.promotion_id,
            or_(counter.max_uses.is_(None), uses_after <= counter.max_uses),
            or_(counter.budget_fen.is_(None), spent_after <= counter.budget_fen),
        )
        .values(
            uses_reserved=counter.uses_reserved + use.uses,
            reserved_fen=counter.reserved_fen + use.amount_fen,
        )
        .returning(counter.promotion_id)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if taken is None:
        (left,) = allowances(session, [use.promotion_id])
        too_few = left.uses is not None and left.uses < use.uses
        raise (LimitReached if too_few else BudgetExhausted)(use.promotion_id)


def _settle(session: Session, source: str, status: ReservationStatus, now: datetime) -> int:
    held = session.execute(
        update(PromotionReservation)
        .where(
            PromotionReservation.source == source,
            PromotionReservation.status == ReservationStatus.RESERVED,
        )
        .values(status=status, settled_at=now)
        .returning(
            PromotionReservation.promotion_id,
            PromotionReservation.amount_fen,
            PromotionReservation.uses,
        )
        .execution_options(synchronize_session=False)
    ).all()
    is_used = status is ReservationStatus.CONFIRMED
    for use in sorted(Use(*row) for row in held):
        counter = PromotionCounter
        session.execute(
            update(counter)
            .where(counter.promotion_id == use.promotion_id)
            .values(
                uses_reserved=counter.uses_reserved - use.uses,
                reserved_fen=counter.reserved_fen - use.amount_fen,
                uses_used=counter.uses_used + (use.uses if is_used else 0),
                used_fen=counter.used_fen + (use.amount_fen if is_used else 0),
            )
            .execution_options(synchronize_session=False)
        )
    return len(held)
