"""
The engine's promises about bulk buys, recomputed over the live tables.
"""

from collections.abc import Iterator

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from promotions.bulk_buys.collecting import lines_of
from promotions.bulk_buys.models import BulkBuyStanding, BulkShare
from promotions.bulk_buys.queries import AS_STORED, BATCH, rule_for
from promotions.bulk_buys.reckoning import reckon
from promotions.bulk_buys.states import ShareState
from promotions.models import Promotion
from promotions.verify import Breach


def verify(session: Session) -> Iterator[Breach]:
    """Yield every breach of the promises about what is collected, reached and due."""
    yield from _collected(session)
    yield from _reached(session)
    yield from _shares(session)


def _collected(session: Session) -> Iterator[Breach]:
    """What is collected is the sum of what is counted of each share."""
    row, share = BulkBuyStanding, BulkShare
    counted = func.coalesce(func.sum(share.counted), 0)
    found = session.execute(
        select(row.promotion_id, row.collected, counted)
        .join(share, share.promotion_id == row.promotion_id, isouter=True)
        .group_by(row.promotion_id)
        .having(row.collected != counted)
        .order_by(row.promotion_id)
    )
    for promotion_id, collected, summed in found:
        detail = f"collected {collected}, the shares count {summed}"
        yield Breach("bulk_buys.collected_is_the_sum", f"promotion {promotion_id}", detail)


def _reached(session: Session) -> Iterator[Breach]:
    """The tier of a closed campaign is the one its terms give what it collected."""
    found = session.execute(
        select(BulkBuyStanding, Promotion)
        .join(Promotion, Promotion.id == BulkBuyStanding.promotion_id)
        .where(BulkBuyStanding.closed_at.is_not(None))
        .order_by(Promotion.id),
        execution_options=AS_STORED,
    )
    for standing, promotion in found:
        reached = rule_for(promotion).reached(standing.collected)
        if standing.tier != reached:
            detail = f"tier {standing.tier}, {standing.collected} pieces reach {reached}"
            yield Breach("bulk_buys.tier_is_reached", f"promotion {promotion.id}", detail)


def _stored(session: Session) -> Iterator[tuple[BulkShare, BulkBuyStanding | None, Promotion]]:
    """Yield every share with its campaign, a batch of them in memory at a time."""
    after_id = 0
    while batch := session.execute(
        select(BulkShare, BulkBuyStanding, Promotion)
        .join(Promotion, Promotion.id == BulkShare.promotion_id)
        .join(BulkBuyStanding, BulkBuyStanding.promotion_id == Promotion.id, isouter=True)
        .where(BulkShare.id > after_id)
        .order_by(BulkShare.id)
        .limit(BATCH),
        execution_options=AS_STORED,
    ).all():
        yield from batch
        after_id = batch[-1][0].id


def _shares(session: Session) -> Iterator[Breach]:
    """A share counts what it has while its campaign is open, and ends as its lines reckon."""
    for share, standing, promotion in _stored(session):
        lines = lines_of(share)
        is_open = standing is not None and standing.closed_at is None
        kept = share.pieces - sum(line.gone for line in lines)
        if standing is None or (is_open and share.counted != kept):
            detail = f"counts {share.counted}, has {kept}"
            yield Breach("bulk_buys.share_counts_what_it_has", share.source, detail)
        if share.state is ShareState.COLLECTED or standing is None:
            continue
        ends = reckon(rule_for(promotion), lines, tier=standing.tier)
        is_same = share.state is ends.state and (
            share.state is ShareState.FAILED or share.due_back_fen == ends.due_fen
        )
        if is_open or not is_same:
            detail = (
                f"{share.state} with {share.due_back_fen} back,"
                f" should be {ends.state} with {ends.due_fen}"
            )
            yield Breach("bulk_buys.share_ends_as_reckoned", share.source, detail)
