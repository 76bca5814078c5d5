"""
What is read of bulk buys: how far they have come, what an order brought in, and what it came to.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from promotions.bulk_buys.models import BulkBuyStanding, BulkShare
from promotions.bulk_buys.states import ShareState
from promotions.definitions import rule_of
from promotions.models import Promotion, PromotionReservation
from promotions.pricing.kinds import BulkBuy
from promotions.states import CampaignStatus, ReservationStatus

AS_STORED = {"populate_existing": True}
BATCH = 500


class Standing(NamedTuple):
    """How far a campaign has come."""

    collected: int
    closed_at: datetime | None
    tier: int | None


NOTHING_YET = Standing(0, None, None)


class Figures(NamedTuple):
    """What a campaign has brought in, and what of it went back because of how it ended."""

    buyers: int
    orders: int
    pieces: int
    """Paid, those that went back included."""
    paid_fen: int
    due_back_fen: int
    unsettled: int
    lowered: int
    kept: int
    failed: int
    gone: int


def rule_for(promotion: Promotion) -> BulkBuy:
    """Return the terms of a bulk buy; they never change once it is published."""
    rule = rule_of(promotion.kind, promotion.definition["terms"])
    assert isinstance(rule, BulkBuy), f"promotion {promotion.id} is a {promotion.kind}"
    return rule


def shown(session: Session, *, now: datetime) -> Sequence[Promotion]:
    """Return the campaigns that sell, or are about to, by rank."""
    return session.scalars(
        select(Promotion)
        .where(
            Promotion.kind == BulkBuy.kind,
            Promotion.status == CampaignStatus.PUBLISHED,
            Promotion.ends_at > now,
        )
        .order_by(Promotion.priority.desc(), Promotion.id)
        .limit(BATCH)
    ).all()


def standings(session: Session, promotion_ids: Iterable[int]) -> dict[int, Standing]:
    """Return how far each of these campaigns has come."""
    row = BulkBuyStanding
    numbers = list(promotion_ids)
    found = session.execute(
        select(row.promotion_id, row.collected, row.closed_at, row.tier).where(
            row.promotion_id.in_(numbers)
        )
    )
    known = {each.promotion_id: Standing(*each[1:]) for each in found}
    return {number: known.get(number, NOTHING_YET) for number in numbers}


def share_of(session: Session, *, source: str) -> BulkShare | None:
    """Return what an order brought in, as it is in the database; None if it is of no bulk buy."""
    return session.scalar(
        select(BulkShare).where(BulkShare.source == source).execution_options(**AS_STORED)
    )


def is_undecided(session: Session, *, source: str) -> bool:
    """Say whether an order's share waits to be told whether its campaign happens at all."""
    terms = session.scalar(
        select(Promotion.definition["terms"]["min_pieces"])
        .join(BulkShare, BulkShare.promotion_id == Promotion.id)
        .where(BulkShare.source == source, BulkShare.state == ShareState.COLLECTED)
    )
    return terms is not None


def figures(session: Session, promotion_id: int) -> Figures:
    """Return what one campaign has brought in so far."""
    row = BulkShare
    by_state = [
        func.coalesce(func.sum(case((row.state == state, 1), else_=0)), 0)
        for state in (
            ShareState.COLLECTED,
            ShareState.LOWERED,
            ShareState.KEPT,
            ShareState.FAILED,
            ShareState.GONE,
        )
    ]
    found = session.execute(
        select(
            func.count(row.member_id.distinct()),
            func.count(),
            *(func.coalesce(func.sum(one), 0) for one in (row.pieces, row.paid_fen)),
            func.coalesce(func.sum(row.due_back_fen), 0),
            *by_state,
        ).where(row.promotion_id == promotion_id)
    ).one()
    return Figures(*(int(one) for one in found))


def page(
    session: Session,
    promotion_id: int,
    *,
    state: ShareState | None,
    before_id: int | None,
    limit: int,
) -> Sequence[BulkShare]:
    """Return up to `limit` shares of a campaign older than `before_id`, the latest first."""
    wanted = select(BulkShare).where(BulkShare.promotion_id == promotion_id)
    if state is not None:
        wanted = wanted.where(BulkShare.state == state)
    if before_id is not None:
        wanted = wanted.where(BulkShare.id < before_id)
    return session.scalars(wanted.order_by(BulkShare.id.desc()).limit(limit)).all()


def shares(session: Session, promotion_id: int) -> Iterator[BulkShare]:
    """Yield what each order brought in, in the order they were paid, some at a time."""
    after_id = 0
    while batch := session.scalars(
        select(BulkShare)
        .where(BulkShare.promotion_id == promotion_id, BulkShare.id > after_id)
        .order_by(BulkShare.id)
        .limit(BATCH)
    ).all():
        yield from batch
        after_id = batch[-1].id


def unpaid(session: Session, promotion_id: int) -> int:
    """Return how many orders of a campaign wait for their money."""
    row = PromotionReservation
    return session.scalars(
        select(func.count()).where(
            row.promotion_id == promotion_id, row.status == ReservationStatus.RESERVED
        )
    ).one()
