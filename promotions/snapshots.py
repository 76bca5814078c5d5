"""
The published campaigns as one snapshot, and the version that says when it is stale.

Every publish, pause, resume and end takes a new number in the same transaction. Whoever keeps a
compiled snapshot compares one number and loads again only when it differs.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    Integer,
    Select,
    and_,
    bindparam,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session, aliased

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


def grouped_with(
    session: Session, promotion: pricing.Promotion, *, now: datetime
) -> list[pricing.Promotion]:
    """Return the published campaigns of the promotion's group that are not over at `now`."""
    if promotion.group is None:
        return []
    rows = session.execute(
        select(Promotion, PromotionCounter)
        .join(PromotionCounter, PromotionCounter.promotion_id == Promotion.id, isouter=True)
        .where(
            Promotion.lane == promotion.lane,
            Promotion.group_name == promotion.group,
            _is_live(now),
        )
    )
    return [campaign_of(row, counter).compiled(row.id) for row, counter in rows]


def load(session: Session, *, now: datetime) -> pricing.Snapshot:
    """Return the snapshot of all published campaigns that are not over at `now`."""
    return Loader().load(session, now=now)


class Loader:
    """
    Loads snapshots one after another, and compiles only the campaigns that are new since the last.

    A campaign's own version counts every change and every move, so what was compiled of a version
    is what would be compiled again. Threads may share a loader.
    """

    def __init__(self) -> None:
        self._compiled: dict[int, tuple[int, pricing.Promotion]] = {}

    def load(self, session: Session, *, now: datetime) -> pricing.Snapshot:
        """Return the snapshot of all published campaigns that are not over at `now`."""
        before = self._compiled
        given = {
            "now": now,
            "ids": list(before),
            "versions": [version for version, _ in before.values()],
        }
        # One statement, so that number and campaigns are of one moment, whoever publishes now.
        rows = session.execute(_LIVE, given, execution_options={"populate_existing": True}).all()
        compiled = {
            promotion_id: before[promotion_id]
            if promotion is None
            else (promotion.version, campaign_of(promotion, counter).compiled(promotion_id))
            for _, promotion_id, promotion, counter in rows
            if promotion_id is not None
        }
        self._compiled = compiled  # One assignment: a thread sees the old ones or the new ones.
        return pricing.Snapshot(rows[0][0], [promotion for _, promotion in compiled.values()])


def _is_live(now: datetime | BindParameter[datetime]) -> ColumnElement[bool]:
    return and_(
        Promotion.status == CampaignStatus.PUBLISHED,
        or_(Promotion.ends_at.is_(None), Promotion.ends_at > now),
    )


def _live() -> Select[int, Any, Any, Any]:
    """The number, and each live campaign: its id, and its rows unless this version is known."""
    arrays = (
        bindparam("ids", type_=ARRAY(BigInteger)),
        bindparam("versions", type_=ARRAY(Integer)),
    )
    known = func.unnest(*arrays).table_valued("id", "version").render_derived("known")
    fresh, counter = aliased(Promotion), PromotionCounter
    is_live = _is_live(bindparam("now", type_=Promotion.ends_at.type))
    is_known = and_(known.c.id == Promotion.id, known.c.version == Promotion.version)
    return (
        select(SnapshotVersion.version, Promotion.id, fresh, counter)
        .select_from(SnapshotVersion)
        .join(Promotion, is_live, isouter=True)
        .join(known, is_known, isouter=True)
        .join(fresh, (fresh.id == Promotion.id) & known.c.id.is_(None), isouter=True)
        .join(counter, counter.promotion_id == fresh.id, isouter=True)
        .order_by(Promotion.id)
    )


_LIVE = _live()
