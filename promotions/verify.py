"""
The engine's promises, recomputed over the live tables.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from sqlalchemy import BigInteger, and_, case, cast, column, func, select, text, true
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import InstrumentedAttribute, Session

from promotions import life, queries, stock
from promotions.definitions import Unreadable, campaign_of, compiled_of
from promotions.models import (
    Promotion,
    PromotionCounter,
    PromotionGiftStock,
    PromotionMemberCounter,
    PromotionReservation,
    PromotionStock,
    PromotionVersion,
)
from promotions.states import CampaignStatus, ReservationStatus

COUNTER = "promotions.counter_is_sum_of_reservations"
MEMBER = "promotions.member_counter_is_sum_of_reservations"
GIFT = "promotions.gift_stock_is_sum_of_reservations"
STOCK = "promotions.stock_is_sum_of_reservations"


AS_STORED = {"populate_existing": True}
"""Rows as the database has them, whatever the session remembers."""


class Breach(NamedTuple):
    """One promise broken by one campaign."""

    rule: str
    subject: str
    detail: str


def verify(session: Session) -> Iterator[Breach]:
    """Yield every breach of the promises about limits, set-ups and histories."""
    yield from _counters(session)
    yield from _member_counters(session)
    yield from _pieces(session, PromotionGiftStock, PromotionReservation.gifts, GIFT)
    yield from _pieces(session, PromotionStock, PromotionReservation.pieces, STOCK)
    yield from _set_ups(session)
    yield from _histories(session)


def _counters(session: Session) -> Iterator[Breach]:
    """Uses, fen and pieces, reserved and used, are the sums over reservations, within the caps."""
    row, counter = PromotionReservation, PromotionCounter
    is_counted = func.num_nonnulls(counter.max_uses, counter.budget_fen, counter.max_units) > 0
    sums = [
        func.coalesce(func.sum(case((is_counted & (row.status == status), amount), else_=0)), 0)
        for status in (ReservationStatus.RESERVED, ReservationStatus.CONFIRMED)
        for amount in (row.uses, row.amount_fen, row.units)
    ]
    found = session.execute(
        select(counter, *sums)
        .join(row, row.promotion_id == counter.promotion_id, isouter=True)
        .group_by(counter.promotion_id)
        .order_by(counter.promotion_id),
        execution_options=AS_STORED,
    )
    for each, *summed in found:
        kept = [each.uses_reserved, each.reserved_fen, each.units_reserved]
        kept += [each.uses_used, each.used_fen, each.units_used]
        yield from _compare(COUNTER, f"promotion {each.promotion_id}", kept, summed)
        taken = [kept[n] + kept[n + 3] for n in range(3)]
        caps = [each.max_uses, each.budget_fen, each.max_units]
        yield from _within(f"promotion {each.promotion_id}", taken, caps)


def _member_counters(session: Session) -> Iterator[Breach]:
    """What each member has taken is the sum over what they hold and have used, within the caps."""
    row, own, counter = PromotionReservation, PromotionMemberCounter, PromotionCounter
    key = (row.promotion_id, row.member_id, row.day)
    summed = (
        select(*key, func.sum(row.uses).label("uses"), func.sum(row.units).label("units"))
        .join(counter, counter.promotion_id == row.promotion_id)
        .where(
            row.status != ReservationStatus.RELEASED,
            row.member_id.is_not(None),
            func.num_nonnulls(counter.member_max_uses, counter.member_max_units) > 0,
        )
        .group_by(*key)
        .subquery()
    )
    is_same = and_(*(summed.c[each.key] == getattr(own, each.key) for each in key))
    found = session.execute(
        select(
            *(func.coalesce(summed.c[each.key], getattr(own, each.key)) for each in key),
            *(func.coalesce(one, 0) for one in (own.uses, own.units)),
            *(func.coalesce(one, 0) for one in (summed.c.uses, summed.c.units)),
            own.max_uses,
            own.max_units,
        )
        .join_from(own, summed, is_same, full=True)
        .order_by(text("1, 2, 3"))
    )
    for promotion_id, member_id, day, uses, units, all_uses, all_units, *caps in found:
        subject = f"promotion {promotion_id} member {member_id} day {day}"
        yield from _compare(MEMBER, subject, [uses, units], [all_uses, all_units])
        yield from _within(subject, [uses, units], caps)


def _pieces(
    session: Session,
    table: type[PromotionGiftStock] | type[PromotionStock],
    kept_in: InstrumentedAttribute[list[list[int]]],
    rule: str,
) -> Iterator[Breach]:
    """Pieces, reserved and used, are the sums over reservations, within their stock."""
    row = PromotionReservation
    pair = func.jsonb_array_elements(kept_in).table_valued(column("value", JSONB)).alias("pair")
    pieces = cast(pair.c.value[1], BigInteger)
    given = (
        select(
            row.promotion_id,
            cast(pair.c.value[0], BigInteger).label("sku_id"),
            *(
                func.sum(case((row.status == status, pieces), else_=0)).label(status.value)
                for status in (ReservationStatus.RESERVED, ReservationStatus.CONFIRMED)
            ),
        )
        .join_from(row, pair, true())
        .group_by(row.promotion_id, text("2"))
        .subquery()
    )
    found = session.execute(
        select(table, func.coalesce(given.c.reserved, 0), func.coalesce(given.c.confirmed, 0))
        .join(
            given,
            (given.c.promotion_id == table.promotion_id) & (given.c.sku_id == table.sku_id),
            isouter=True,
        )
        .order_by(table.promotion_id, table.sku_id),
        execution_options=AS_STORED,
    )
    for each, *summed in found:
        subject = f"promotion {each.promotion_id} sku {each.sku_id}"
        yield from _compare(rule, subject, [each.units_reserved, each.units_used], summed)
        yield from _within(subject, [each.units_reserved + each.units_used], [each.max_units])


def _compare(rule: str, subject: str, kept: list[int], summed: Iterable[int]) -> Iterator[Breach]:
    sums = [int(one) for one in summed]
    if kept != sums:
        yield Breach(rule, subject, f"counted {kept}, reservations sum to {sums}")


def _within(subject: str, taken: list[int], caps: Sequence[int | None]) -> Iterator[Breach]:
    over = [n for n, cap in enumerate(caps) if cap is not None and taken[n] > cap]
    if over:
        yield Breach("promotions.within_cap", subject, f"{taken} taken of {[*caps]}")


def _set_ups(session: Session) -> Iterator[Breach]:
    """Whatever is published can be priced, and sets aside the pieces it says it does."""
    published = session.execute(
        select(Promotion, PromotionCounter)
        .join(PromotionCounter, PromotionCounter.promotion_id == Promotion.id, isouter=True)
        .where(Promotion.status == CampaignStatus.PUBLISHED)
        .order_by(Promotion.id),
        execution_options=AS_STORED,
    ).all()
    numbers = [promotion.id for promotion, _ in published]
    gifts, own = queries.gift_stock(session, numbers), stock.of(session, numbers)
    for promotion, counter in published:
        try:
            compiled_of(promotion, counter)
        except Unreadable as strange:
            yield Breach("promotions.can_be_priced", f"promotion {promotion.id}", str(strange))
            continue
        campaign = campaign_of(promotion, counter)
        for name, said, kept in (
            ("gift_stock", campaign.gift_stock, gifts[promotion.id]),
            ("stock", campaign.stock, own[promotion.id]),
        ):
            totals = {one["sku_id"]: one["total"] for one in said}
            rows = {one.sku_id: one.max_units for one in kept}
            if totals != rows:
                detail = f"the set-up says {totals}, the stock {rows}"
                yield Breach(f"promotions.{name}_as_set_up", f"promotion {promotion.id}", detail)


def _histories(session: Session) -> Iterator[Breach]:
    """Every change and every move is on record, up to the version the campaign is at."""
    found = life.not_on_record(session, Promotion, PromotionVersion, PromotionVersion.promotion_id)
    for promotion_id, detail in found:
        yield Breach("promotions.every_version_on_record", f"promotion {promotion_id}", detail)
