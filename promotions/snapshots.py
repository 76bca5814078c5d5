"""
The published campaigns as one snapshot, and the version that says when it is stale.

Every publish, pause, resume and end takes a new number in the same transaction. Whoever keeps a
compiled snapshot compares one number and loads again only when it differs.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

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
from promotions.definitions import Unreadable, compiled_of
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
    """
    Return the published campaigns of the promotion's group that are not over at `now`.

    :raises Unreadable: a newer release has written one of them, so nobody here can tell its mode.
    """
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
    return [compiled_of(row, counter) for row, counter in rows]


def load(session: Session, *, now: datetime) -> pricing.Snapshot:
    """Return the snapshot of all published campaigns that are not over at `now`."""
    return Loader().load(session, now=now)


class Skipped(NamedTuple):
    """A campaign that is left out: which version of it, and why."""

    version: int
    why: str


class Loader:
    """
    Loads snapshots one after another, and compiles only the campaigns that are new since the last.

    A campaign's own version counts every change and every move, so what was compiled of a version
    is what would be compiled again. Threads may share a loader.

    While a new release replaces an old one, the old one meets campaigns it does not understand. It
    leaves them out: the others must not stop with them.
    """

    def __init__(self) -> None:
        self._compiled: dict[int, tuple[int, pricing.Promotion]] = {}
        self.unreadable: Mapping[int, Skipped] = {}
        """What the last snapshot leaves out, by campaign."""

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
        compiled: dict[int, tuple[int, pricing.Promotion]] = {}
        unreadable: dict[int, Skipped] = {}
        for _, promotion_id, promotion, counter in rows:
            if promotion is not None:
                try:
                    compiled[promotion_id] = promotion.version, compiled_of(promotion, counter)
                except Unreadable as strange:
                    unreadable[promotion_id] = Skipped(promotion.version, str(strange))
            elif promotion_id is not None:
                compiled[promotion_id] = before[promotion_id]
        self.unreadable = unreadable
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
