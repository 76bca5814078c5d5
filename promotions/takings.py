"""
What has been taken of a deal by this moment: what is left of it, and how much each member has had.

For whoever keeps a copy of it elsewhere, to spare the database a crowd.
"""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from promotions.models import (
    LIFETIME,
    PromotionCounter,
    PromotionMemberCounter,
    PromotionReservation,
    PromotionStock,
)
from promotions.pricing.promotion import CHINA
from promotions.standings import today
from promotions.states import MemberPeriod


class Takings(NamedTuple):
    """What is left of a deal for all, and what members have had of what one person may."""

    left: Mapping[int, int]
    """Pieces by SKU id: of the stock, and no more than the campaign's limits leave."""
    max_uses: int | None
    """How many orders one person may place; None is no limit."""
    max_units: int | None
    until: datetime | None
    """When the counts of members begin anew; None: never."""
    members: Mapping[int, tuple[int, int]]
    """Member → orders and pieces, where they are limited."""


def takings(
    session: Session, promotion_id: int, *, now: datetime, member_id: int | None = None
) -> Takings:
    """
    Return what has been taken of a deal; all of one moment if the session keeps to one.

    Of members all are counted, or the one that is asked for.
    """
    counter = session.get(PromotionCounter, promotion_id, populate_existing=True)
    row = PromotionStock
    stock = session.execute(
        select(row.sku_id, row.max_units - row.units_used - row.units_reserved, row.closed_at)
        .where(row.promotion_id == promotion_id)
        .order_by(row.sku_id)
    )
    most = _left_for_all(counter)
    left = {sku_id: 0 if closed_at else min([units, *most]) for sku_id, units, closed_at in stock}
    if counter is None:
        return Takings(left, None, None, None, {})
    is_daily = counter.member_period is MemberPeriod.DAY
    day = today(now) if is_daily else LIFETIME
    is_personal = counter.member_max_uses is not None or counter.member_max_units is not None
    return Takings(
        left=left,
        max_uses=counter.member_max_uses,
        max_units=counter.member_max_units,
        until=_midnight_after(now) if is_daily and is_personal else None,
        members=_members(session, promotion_id, day, member_id) if is_personal else {},
    )


def takers(session: Session, promotion_id: int, *, since: datetime) -> Iterator[int]:
    """Yield the members who have taken something of a deal since, whatever became of it."""
    row = PromotionReservation
    found = session.scalars(
        select(row.member_id)
        .where(row.promotion_id == promotion_id, row.reserved_at >= since)
        .distinct()
    )
    return (member_id for member_id in found if member_id is not None)


def _left_for_all(counter: PromotionCounter | None) -> list[int]:
    """What the limits of all together leave, in pieces: an order takes one at least."""
    if counter is None:
        return []
    left = []
    if counter.max_units is not None:
        left.append(counter.max_units - counter.units_used - counter.units_reserved)
    if (
        counter.max_uses is not None
        and counter.uses_used + counter.uses_reserved >= counter.max_uses
    ):
        left.append(0)
    return left


def _members(
    session: Session, promotion_id: int, day: date, member_id: int | None
) -> dict[int, tuple[int, int]]:
    row = PromotionMemberCounter
    wanted = select(row.member_id, row.uses, row.units).where(
        row.promotion_id == promotion_id, row.day == day, row.uses > 0
    )
    if member_id is not None:
        wanted = wanted.where(row.member_id == member_id)
    return {member: (uses, units) for member, uses, units in session.execute(wanted)}


def _midnight_after(now: datetime) -> datetime:
    there = now.astimezone(CHINA)
    return datetime.combine(there.date() + timedelta(days=1), time(), CHINA)
