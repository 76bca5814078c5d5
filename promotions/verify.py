"""
The engine's promises, recomputed over the live tables.
"""

from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from promotions.definitions import campaign_of
from promotions.models import Promotion, PromotionCounter, PromotionReservation, PromotionVersion
from promotions.states import CampaignStatus, ReservationStatus


class Breach(NamedTuple):
    """One promise broken by one campaign."""

    rule: str
    subject: str
    detail: str


def verify(session: Session) -> Iterator[Breach]:
    """Yield every breach of the promises about counters, set-ups and histories."""
    yield from _counters(session)
    yield from _set_ups(session)
    yield from _histories(session)


def _counters(session: Session) -> Iterator[Breach]:
    """Uses and fen, reserved and used, are the sums over reservations, and within the caps."""
    row = PromotionReservation
    sums = [
        func.coalesce(func.sum(case((row.status == status, amount), else_=0)), 0)
        for status in (ReservationStatus.RESERVED, ReservationStatus.CONFIRMED)
        for amount in (row.uses, row.amount_fen)
    ]
    found = session.execute(
        select(PromotionCounter, *sums)
        .join(row, row.promotion_id == PromotionCounter.promotion_id, isouter=True)
        .group_by(PromotionCounter.promotion_id)
        .order_by(PromotionCounter.promotion_id)
    )
    for counter, *summed in found:
        subject = f"promotion {counter.promotion_id}"
        kept = [counter.uses_reserved, counter.reserved_fen, counter.uses_used, counter.used_fen]
        if kept != [int(one) for one in summed]:
            detail = f"counted {kept}, reservations sum to {[int(one) for one in summed]}"
            yield Breach("promotions.counter_is_sum_of_reservations", subject, detail)
        uses = counter.uses_reserved + counter.uses_used
        spent_fen = counter.reserved_fen + counter.used_fen
        if uses > (counter.max_uses or uses) or spent_fen > (counter.budget_fen or spent_fen):
            detail = f"{uses} of {counter.max_uses} uses, {spent_fen} of {counter.budget_fen} fen"
            yield Breach("promotions.within_cap", subject, detail)


def _set_ups(session: Session) -> Iterator[Breach]:
    """Whatever is published can be priced."""
    published = session.execute(
        select(Promotion, PromotionCounter)
        .join(PromotionCounter, PromotionCounter.promotion_id == Promotion.id, isouter=True)
        .where(Promotion.status == CampaignStatus.PUBLISHED)
        .order_by(Promotion.id)
    )
    for promotion, counter in published:
        try:
            campaign_of(promotion, counter).compiled(promotion.id)
        except (ValueError, TypeError, KeyError) as error:
            yield Breach("promotions.can_be_priced", f"promotion {promotion.id}", repr(error))


def _histories(session: Session) -> Iterator[Breach]:
    """Every change and every move is on record, up to the version the campaign is at."""
    recorded = func.count(PromotionVersion.id)
    found = session.execute(
        select(Promotion.id, Promotion.version, recorded)
        .join(PromotionVersion, PromotionVersion.promotion_id == Promotion.id, isouter=True)
        .group_by(Promotion.id)
        .having(recorded != Promotion.version)
        .order_by(Promotion.id)
    )
    for promotion_id, version, count in found:
        detail = f"at version {version} with {count} on record"
        yield Breach("promotions.every_version_on_record", f"promotion {promotion_id}", detail)
