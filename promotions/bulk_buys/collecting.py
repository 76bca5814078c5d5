"""
What is paid is collected, what goes back before the end is not.

The campaign's row is locked before the share's. Once it is closed, neither a late payment nor a
refund changes what was collected: who comes then gets the price that was reached.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from promotions.bulk_buys.models import BulkBuyStanding, BulkShare
from promotions.bulk_buys.states import ShareState


class Line(NamedTuple):
    """One SKU of a share."""

    sku_id: int
    quantity: int
    paid_fen: int
    gone: int = 0
    """Pieces that went back, or are on their way."""


def collect(
    session: Session,
    *,
    promotion_id: int,
    source: str,
    member_id: int,
    lines: Sequence[Line],
    now: datetime,
) -> bool:
    """Count what `source` has paid, once; return False if that was done before."""
    if session.scalar(select(BulkShare.id).where(BulkShare.source == source)) is not None:
        return False
    standing = standing_locked(session, promotion_id)
    pieces = sum(line.quantity for line in lines)
    counted = pieces if standing.closed_at is None else 0
    standing.collected += counted
    session.add(
        BulkShare(
            source=source,
            promotion_id=promotion_id,
            member_id=member_id,
            lines=[list(line) for line in sorted(lines)],
            pieces=pieces,
            paid_fen=sum(line.paid_fen for line in lines),
            counted=counted,
            state=ShareState.COLLECTED,
            paid_at=now,
        )
    )
    session.flush()
    return True


def leave(session: Session, *, source: str, gone: Mapping[int, int]) -> bool:
    """
    Take back from what is collected the pieces of `source` that go back: all so far, by SKU id.

    Repeatable. The caller holds the order, as whoever settles its share does. Returns False, and
    changes nothing, if the share is settled or there is none.
    """
    promotion_id = session.scalar(
        select(BulkShare.promotion_id).where(
            BulkShare.source == source, BulkShare.state == ShareState.COLLECTED
        )
    )
    if promotion_id is None:
        return False
    standing = standing_locked(session, promotion_id)
    share = share_locked(session, source)
    assert share.state is ShareState.COLLECTED, "whoever settles it holds its order first"
    lines = [line._replace(gone=gone.get(line.sku_id, 0)) for line in lines_of(share)]
    share.lines = [list(line) for line in lines]
    if standing.closed_at is None:
        counted = share.pieces - sum(line.gone for line in lines)
        standing.collected += counted - share.counted
        share.counted = counted
    session.flush()
    return True


def lines_of(share: BulkShare) -> list[Line]:
    """Return the lines of a share, by SKU id."""
    return [Line(*line) for line in share.lines]


def standing_locked(session: Session, promotion_id: int) -> BulkBuyStanding:
    """Return how far a campaign has come, locked until the transaction ends."""
    row = BulkBuyStanding
    session.execute(
        insert(row).values(promotion_id=promotion_id, collected=0).on_conflict_do_nothing()
    )
    return session.scalars(
        select(row)
        .where(row.promotion_id == promotion_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one()


def share_locked(session: Session, source: str) -> BulkShare:
    """Return a share that exists, locked until the transaction ends."""
    return session.scalars(
        select(BulkShare)
        .where(BulkShare.source == source)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one()
