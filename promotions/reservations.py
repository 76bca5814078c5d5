"""
What each source holds, has used or gave back: a row for each promotion, the proof of its counters.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from operator import attrgetter
from typing import Any

from sqlalchemy import BigInteger, DateTime, String, bindparam, select, text, update
from sqlalchemy.orm import Session

from promotions.counters import Use
from promotions.models import PromotionReservation
from promotions.standings import Standing
from promotions.states import ReservationStatus


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
    rows = [
        {
            **use._asdict(),
            "day": standings[use.promotion_id].day.isoformat(),
        }
        for use in uses
    ]
    written, others = session.execute(
        _WRITE, {"source": source, "member_id": member_id, "now": now, "uses": json.dumps(rows)}
    ).one()
    if written == len(uses) and not others:
        return True
    if written or others or _held(session, source) != list(uses):
        raise SourceReused(source)
    return False


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

_WRITE = text("""
WITH wanted AS (
    SELECT * FROM jsonb_to_recordset(CAST(:uses AS jsonb)) AS wanted (
        promotion_id bigint, day date, uses integer, amount_fen bigint, units bigint,
        gifts jsonb, pieces jsonb
    )
), written AS (
    INSERT INTO promotion_reservation AS held
        (source, member_id, status, reserved_at, promotion_id, day, uses, amount_fen, units,
         gifts, pieces)
    SELECT :source, :member_id, 'reserved', :now, promotion_id, day, uses, amount_fen, units,
        gifts, pieces
    FROM wanted ORDER BY promotion_id
    ON CONFLICT (source, promotion_id) DO UPDATE SET
        member_id = excluded.member_id, status = 'reserved', reserved_at = excluded.reserved_at,
        settled_at = NULL, day = excluded.day, uses = excluded.uses,
        amount_fen = excluded.amount_fen, units = excluded.units, gifts = excluded.gifts,
        pieces = excluded.pieces
    WHERE held.status = 'released'
    RETURNING promotion_id
)
SELECT (SELECT count(*) FROM written), (
    SELECT count(*) FROM promotion_reservation
    WHERE source = :source AND status <> 'released'
        AND promotion_id NOT IN (SELECT promotion_id FROM wanted)
)
""").bindparams(
    bindparam("source", type_=String),
    bindparam("member_id", type_=BigInteger),
    bindparam("now", type_=DateTime(timezone=True)),
    bindparam("uses", type_=String),
)
"""One statement, and one round trip of each order: the rows, and what else the source holds."""
