"""
The published campaigns as one snapshot, and the version that says when it is stale.

Every publish, pause, resume and end takes a new number in the same transaction. Whoever keeps a
compiled snapshot compares one number per use and loads again only when it differs.
"""

from datetime import datetime

from sqlalchemy import insert, or_, select, update
from sqlalchemy.orm import Session

from promotions import pricing
from promotions.definitions import campaign_of
from promotions.models import (
    SNAPSHOT_NUMBERS,
    Promotion,
    PromotionCounter,
    SnapshotLog,
    SnapshotVersion,
)
from promotions.states import CampaignStatus


def version(session: Session) -> int:
    """Return the number of the current snapshot: one row read."""
    return session.execute(select(SnapshotVersion.version)).scalar_one()


def lock(session: Session) -> None:
    """Keep others from publishing anything until this transaction ends."""
    session.execute(select(SnapshotVersion.id).with_for_update())


def bump(session: Session, promotion: Promotion, *, now: datetime) -> None:
    """
    Make every kept snapshot stale once this transaction commits, and log what `promotion` is in it.

    The version the promotion is at must be on record: a snapshot of the past is built from it.
    """
    lock(session)  # Before the number is drawn, so numbers rise in the order of commits.
    number = session.execute(
        update(SnapshotVersion)
        .values(version=SNAPSHOT_NUMBERS.next_value(), changed_at=now)
        .returning(SnapshotVersion.version)
        .execution_options(synchronize_session=False)
    ).scalar_one()
    session.execute(
        insert(SnapshotLog).values(
            snapshot_version=number,
            promotion_id=promotion.id,
            promotion_version=promotion.version,
            is_live=promotion.status is CampaignStatus.PUBLISHED,
            logged_at=now,
        )
    )


def load(session: Session, *, now: datetime) -> pricing.Snapshot:
    """Return the snapshot of all published campaigns that are not over at `now`."""
    is_live = (Promotion.status == CampaignStatus.PUBLISHED) & or_(
        Promotion.ends_at.is_(None), Promotion.ends_at > now
    )
    # One statement: the number and the campaigns are of one moment, whoever publishes meanwhile.
    rows = session.execute(
        select(SnapshotVersion.version, Promotion, PromotionCounter)
        .select_from(SnapshotVersion)
        .join(Promotion, is_live, isouter=True)
        .join(PromotionCounter, PromotionCounter.promotion_id == Promotion.id, isouter=True)
        .order_by(Promotion.id)
        .execution_options(populate_existing=True)
    ).all()
    return pricing.Snapshot(
        rows[0][0],
        [
            campaign_of(promotion, counter).compiled(promotion.id)
            for _, promotion, counter in rows
            if promotion is not None
        ],
    )
