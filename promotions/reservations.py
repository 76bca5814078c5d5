"""
What each source holds, has used or gave back: a row for each promotion, the proof of its counters.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from operator import attrgetter
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from promotions.counters import Use
from promotions.models import PromotionReservation
from promotions.standings import Standing
from promotions.states import ReservationStatus

KEY = ("source", "promotion_id")


class SourceReused(Exception):
    """The source holds, or has used, something else; or it asks for one promotion twice."""


def write(
    session: Session,
    *,
    source: str,
    member_id: int,
    uses: Sequence[Use],
    standings: Mapping[int, Standing],
    now: datetime,
) -> bool:
    """
    Write down that `source` holds `uses`; say whether that is new, or new again after a release.

    A racing twin of the source waits here for the first one's commit.

    :raises SourceReused: the source holds, or has used, something else.
    """
    if len({use.promotion_id for use in uses}) < len(uses):
        raise SourceReused(source)
    row = PromotionReservation
    rows = [
        {
            "source": source,
            "promotion_id": use.promotion_id,
            "member_id": member_id,
            "day": standings[use.promotion_id].day,
            "uses": use.uses,
            "amount_fen": use.amount_fen,
            "units": use.units,
            "gifts": [list(gift) for gift in use.gifts],
            "pieces": [list(piece) for piece in use.pieces],
            "status": ReservationStatus.RESERVED,
            "reserved_at": now,
            "settled_at": None,
        }
        for use in uses
    ]
    insertion = insert(row).values(rows)
    written = session.scalars(
        insertion.on_conflict_do_update(
            index_elements=KEY,
            set_={name: insertion.excluded[name] for name in rows[0] if name not in KEY},
            where=row.status == ReservationStatus.RELEASED,
        ).returning(row.promotion_id)
    ).all()
    if 0 < len(written) < len(uses) or _held(session, source) != list(uses):
        raise SourceReused(source)
    return bool(written)


def settle(
    session: Session, *, source: str, status: ReservationStatus, now: datetime
) -> list[tuple[Use, int | None, date]]:
    """Confirm or release what `source` holds; return it with its member and day, by promotion."""
    row = PromotionReservation
    settled = session.execute(
        update(row)
        .where(row.source == source, row.status == ReservationStatus.RESERVED)
        .values(status=status, settled_at=now)
        .returning(*_USE, row.member_id, row.day)
        .execution_options(synchronize_session=False)
    )
    found = sorted(settled, key=attrgetter("promotion_id"))
    return [(_use(each), each.member_id, each.day) for each in found]


def _held(session: Session, source: str) -> list[Use]:
    row = PromotionReservation
    held = session.execute(
        select(*_USE)
        .where(row.source == source, row.status != ReservationStatus.RELEASED)
        .order_by(row.promotion_id)
    )
    return [_use(each) for each in held]


def _use(row: Any) -> Use:
    gifts, pieces = (tuple((sku_id, n) for sku_id, n in each) for each in (row.gifts, row.pieces))
    return Use(row.promotion_id, row.amount_fen, row.uses, row.units, gifts, pieces)


_USE = (
    PromotionReservation.promotion_id,
    PromotionReservation.amount_fen,
    PromotionReservation.uses,
    PromotionReservation.units,
    PromotionReservation.gifts,
    PromotionReservation.pieces,
)
