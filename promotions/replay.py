"""
The snapshot of any version and the quote of any stored cart, built again from what is on record.

What campaigns are today does not matter: each move of one was written down with the number of the
snapshot it made, and each version of one with all of its set-up.
"""

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from promotions import pricing
from promotions.definitions import Campaign
from promotions.models import PromotionVersion, SnapshotLog

FIRST_VERSION = 1
"""The empty snapshot every shop begins with."""


class UnknownSnapshot(LookupError):
    """No snapshot has this number, or it is older than the log."""


def version_at(session: Session, moment: datetime) -> int:
    """
    Return the number of the snapshot that was in force at a moment.

    :raises UnknownSnapshot: the moment is older than the log.
    """
    found = session.scalar(
        select(SnapshotLog.snapshot_version)
        .where(SnapshotLog.logged_at <= moment)
        .order_by(SnapshotLog.snapshot_version.desc())
        .limit(1)
    )
    if found is not None:
        return found
    first = session.scalar(select(func.min(SnapshotLog.snapshot_version)))
    if first not in (None, FIRST_VERSION + 1):
        raise UnknownSnapshot(moment)
    return FIRST_VERSION


def snapshot(session: Session, version: int) -> pricing.Snapshot:
    """
    Return the snapshot of a version as it was when it was made.

    :raises UnknownSnapshot: there was none, or it is older than the log.
    """
    if version == FIRST_VERSION:
        return pricing.Snapshot(version)
    made_at = session.execute(
        select(func.max(SnapshotLog.logged_at)).where(SnapshotLog.snapshot_version == version)
    ).scalar_one()
    if made_at is None:
        raise UnknownSnapshot(version)
    log = (
        select(SnapshotLog.promotion_id, SnapshotLog.promotion_version, SnapshotLog.is_live)
        .where(SnapshotLog.snapshot_version <= version)
        .ext(distinct_on(SnapshotLog.promotion_id))
        .order_by(SnapshotLog.promotion_id, SnapshotLog.snapshot_version.desc())
        .subquery()
    )
    documents = session.execute(
        select(PromotionVersion.promotion_id, PromotionVersion.document)
        .join(
            log,
            (log.c.promotion_id == PromotionVersion.promotion_id)
            & (log.c.promotion_version == PromotionVersion.version),
        )
        .where(log.c.is_live)
        .order_by(PromotionVersion.promotion_id)
    )
    compiled = (campaign(document).compiled(number) for number, document in documents)
    # One that was over had left the snapshot; its group may have got another mode since.
    return pricing.Snapshot(
        version, [one for one in compiled if one.ends_at is None or one.ends_at > made_at]
    )


def quote(session: Session, cart: Mapping[str, Any], version: int) -> pricing.Quote:
    """
    Return the quote of a cart, as `Cart.to_json` wrote it, under the snapshot of a version.

    :raises UnknownSnapshot: the snapshot cannot be built again.
    """
    return pricing.price(pricing.Cart.from_json(cart), snapshot(session, version))


def campaign(document: Mapping[str, Any]) -> Campaign:
    """Return the campaign that `Campaign.to_json` wrote; what it does not name has its default."""
    known = {each.name for each in fields(Campaign)}
    given: dict[str, Any] = {name: value for name, value in document.items() if name in known}
    for name in ("starts_at", "ends_at"):
        given[name] = None if given[name] is None else datetime.fromisoformat(given[name])
    for name in ("tags", "agrees_with"):
        given[name] = tuple(given[name])
    return Campaign(**given)
