"""
The life that campaigns and packs have in common: drafted, published ⇄ paused, ended.

Every change and every move is a version on record, and happens under the row's lock, so of two
that race one finds the status it asks for. What must hold before a start, and what a move sets in
motion, is the business of each.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Integer, Select, String, func, select
from sqlalchemy.orm import InstrumentedAttribute, Mapped, Session, mapped_column

from promotions.base import words
from promotions.states import CAMPAIGN_TRANSITIONS, Action, CampaignStatus, Phase

TITLE = 60
"""The longest title, in characters."""


class Lived:
    """The columns of what a merchant drafts, publishes, pauses and ends."""

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(TITLE))
    status: Mapped[CampaignStatus] = mapped_column(words(CampaignStatus, "status"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(Integer)
    """Counts every change and every move, from 1."""
    created_by: Mapped[int]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class Version:
    """The columns of what one of them was after a change: who made it, when, and all of it."""

    id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(Integer)
    action: Mapped[Action] = mapped_column(words(Action, "action"))
    changed_by: Mapped[int]
    changed_at: Mapped[datetime]
    document: Mapped[dict[str, Any]]


Any_Lived = TypeVar("Any_Lived", bound=Lived)
Any_Version = TypeVar("Any_Version", bound=Version)
Row = TypeVar("Row", bound=tuple[Any, ...])


class WrongStatus(Exception):
    """It is not in a state that allows the move; `status` is the one it is in."""

    def __init__(self, status: CampaignStatus) -> None:
        super().__init__(f"it is {status}")
        self.status = status


def draft(row: Any_Lived, *, staff_id: int, now: datetime) -> Any_Lived:
    """Make of a new row a draft, at its first version."""
    row.status, row.version = CampaignStatus.DRAFT, 1
    row.created_by, row.created_at = staff_id, now
    return row


def locked(session: Session, kind: type[Any_Lived], row_id: int) -> Any_Lived | None:
    """Return a row as it is now, locked until the transaction ends; None if there is none."""
    return session.scalar(
        select(kind)
        .where(kind.id == row_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )


def require(row: Lived, *allowed: CampaignStatus) -> None:
    """
    Check that a row is in one of the statuses that allow what is asked.

    :raises WrongStatus: it is in another.
    """
    if row.status not in allowed:
        raise WrongStatus(row.status)


def is_over(row: Lived, now: datetime) -> bool:
    """Say whether its window has passed."""
    return row.ends_at is not None and row.ends_at <= now


def change(row: Lived, *, now: datetime) -> None:
    """Count a change."""
    row.version += 1
    row.updated_at = now


def move(row: Lived, status: CampaignStatus, *, now: datetime) -> None:
    """
    Move a row to `status`, which counts as a change.

    :raises WrongStatus: no way leads there from where it is.
    """
    if status not in CAMPAIGN_TRANSITIONS[row.status]:
        raise WrongStatus(row.status)
    row.status = status
    change(row, now=now)


def recorded(
    version: Any_Version, row: Lived, action: Action, document: dict[str, Any], *, staff_id: int
) -> Any_Version:
    """Fill a new version with what a row is after `action`."""
    version.version, version.action = row.version, action
    version.changed_by, version.changed_at = staff_id, row.updated_at
    version.document = document
    return version


def phase(row: Lived, now: datetime) -> Phase:
    """Return what the merchant sees: published is scheduled, running or, past its end, ended."""
    if row.status is not CampaignStatus.PUBLISHED:
        return Phase(row.status.value)
    if now < row.starts_at:
        return Phase.SCHEDULED
    return Phase.ENDED if is_over(row, now) else Phase.RUNNING


def latest(
    wanted: "Select[*tuple[Any, ...]]",
    kind: type[Lived],
    *,
    status: CampaignStatus | None,
    before_id: int | None,
    limit: int,
) -> "Select[*tuple[Any, ...]]":
    """Narrow `wanted` to a page: up to `limit` older than `before_id`, the latest first."""
    wanted = wanted.order_by(kind.id.desc()).limit(limit)
    if status is not None:
        wanted = wanted.where(kind.status == status)
    if before_id is not None:
        wanted = wanted.where(kind.id < before_id)
    return wanted


def not_on_record(
    session: Session,
    kind: type[Lived],
    version: type[Version],
    of_row: InstrumentedAttribute[int],
) -> Iterator[tuple[int, str]]:
    """Yield the rows that have not one version for each they count: their id, and what is wrong."""
    recorded = func.count(version.id)
    found = session.execute(
        select(kind.id, kind.version, recorded)
        .join(version, of_row == kind.id, isouter=True)
        .group_by(kind.id)
        .having(recorded != kind.version)
        .order_by(kind.id)
    )
    for row_id, at, count in found:
        yield row_id, f"at version {at} with {count} on record"
