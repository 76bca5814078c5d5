"""
The end of a campaign: closed once, at the tier it reached; then each share is settled, once.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from promotions import queries as campaigns
from promotions.bulk_buys.collecting import share_locked, standing_locked
from promotions.bulk_buys.models import BulkBuyStanding, BulkShare
from promotions.bulk_buys.queries import rule_for, unpaid
from promotions.bulk_buys.states import SHARE_TRANSITIONS, ShareState
from promotions.models import Promotion
from promotions.pricing.kinds import BulkBuy
from promotions.states import CampaignStatus


def is_over(now: datetime) -> ColumnElement[bool]:
    """The condition that a campaign sells no more: staff ended it, or its window has passed."""
    return (Promotion.status == CampaignStatus.ENDED) | (
        (Promotion.status != CampaignStatus.DRAFT) & (Promotion.ends_at <= now)
    )


def due_to_close(session: Session, *, now: datetime) -> Sequence[int]:
    """Return the campaigns that are over and not closed yet, by id."""
    return session.scalars(
        select(Promotion.id)
        .join(BulkBuyStanding, BulkBuyStanding.promotion_id == Promotion.id, isouter=True)
        .where(Promotion.kind == BulkBuy.kind, is_over(now), BulkBuyStanding.closed_at.is_(None))
        .order_by(Promotion.id)
    ).all()


def close(session: Session, *, promotion_id: int, now: datetime) -> bool:
    """
    Fix the tier a campaign has reached, once; only when it is over and no order of it is unpaid.

    Locks the campaign's row first, so a payment is either counted or not there yet. Returns False,
    and changes nothing, if it is closed already, not over, or waits for a payment.
    """
    is_due = select(Promotion.id).where(Promotion.id == promotion_id, is_over(now))
    if session.scalar(is_due) is None:
        return False
    standing = standing_locked(session, promotion_id)
    if standing.closed_at is not None or unpaid(session, promotion_id):
        return False
    rule = rule_for(campaigns.get(session, promotion_id))
    standing.closed_at = now
    standing.tier = rule.reached(standing.collected)
    session.flush()
    return True


def hanging(session: Session, *, after_id: int, limit: int) -> Sequence[tuple[int, str]]:
    """Return shares of closed campaigns that are not settled: id and source, from `after_id` on."""
    found = session.execute(
        select(BulkShare.id, BulkShare.source)
        .join(BulkBuyStanding, BulkBuyStanding.promotion_id == BulkShare.promotion_id)
        .where(
            BulkBuyStanding.closed_at.is_not(None),
            BulkShare.state == ShareState.COLLECTED,
            BulkShare.id > after_id,
        )
        .order_by(BulkShare.id)
        .limit(limit)
    )
    return [(row.id, row.source) for row in found]


def locked(session: Session, *, source: str) -> tuple[BulkShare, BulkBuyStanding] | None:
    """
    Return a share that is to be settled, locked, and how its campaign ended.

    None if there is no such share, its campaign is not closed, or it is settled already.
    """
    standing = session.scalar(
        select(BulkBuyStanding)
        .join(BulkShare, BulkShare.promotion_id == BulkBuyStanding.promotion_id)
        .where(BulkShare.source == source, BulkBuyStanding.closed_at.is_not(None))
        .execution_options(populate_existing=True)
    )
    if standing is None:
        return None
    share = share_locked(session, source)
    return None if share.state is not ShareState.COLLECTED else (share, standing)


def settle(
    session: Session, share: BulkShare, state: ShareState, *, due_back_fen: int, now: datetime
) -> None:
    """Write down how a locked share ended, and the fen that go back for it: once."""
    assert state in SHARE_TRANSITIONS[share.state]
    share.state = state
    share.due_back_fen = due_back_fen
    share.settled_at = now
    session.flush()
