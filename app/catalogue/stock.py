"""
Stock: set aside, sold, given back; never below zero, and never lost.

Every function works on all the SKUs of a source at once, locks them in id order, and may be
repeated: the second time finds nothing left to move.
"""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import BigInteger, Text, bindparam, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from app.catalogue.models import HoldStatus, Sku, StockAdjustment, StockCarve, StockHold
from app.catalogue.queries import SkuNotFound
from app.core import metrics
from app.core.errors import AppError


class OutOfStock(AppError):
    """Fewer units are available than asked for; `sku_id` and `available` say which and how many."""

    code, status, title = "out_of_stock", 409, "库存不足"


class RestockRefused(AppError):
    """More units would come back than the source ever bought."""

    code, status, title = "restock_refused", 409, "退回数量超过已售数量"


def hold(
    session: Session,
    *,
    source: str,
    quantities: Mapping[int, int],
    now: datetime,
    drawn_from: str | None = None,
) -> None:
    """
    Set aside `quantities` (SKU id → units) for `source`: all of them or nothing.

    SKUs the source already holds or bought are left as they are; released ones are held anew.
    Units `drawn_from` a carve are not on the shelf, so the SKUs' rows are left alone; that there
    are as many has been decided by whoever owns the carve, in the same transaction.

    :raises OutOfStock: a SKU is short, unknown or no longer offered; nothing has been written.
    """
    assert all(quantity > 0 for quantity in quantities.values())
    if drawn_from is not None:
        columns = {**_columns(quantities), "source": source, "now": now}
        session.execute(DRAW, {**columns, "drawn_from": drawn_from})
        return
    available = _lock(session, quantities)
    short = {id_ for id_, quantity in quantities.items() if available.get(id_, 0) < quantity}
    if short:
        _refuse(short - _live_holds(session, source), available)
    session.execute(HOLD, {**_columns(quantities), "source": source, "now": now})


def confirm(session: Session, *, source: str, now: datetime) -> None:
    """Turn everything `source` holds into sold units; repeating it changes nothing."""
    session.execute(CONFIRM, {"source": source, "now": now})


def release(session: Session, *, source: str, now: datetime) -> None:
    """Put everything `source` holds back on sale; what it has bought stays sold."""
    session.execute(RELEASE, {"source": source, "now": now})


def carve(session: Session, *, source: str, quantities: Mapping[int, int], now: datetime) -> None:
    """
    Take `quantities` (SKU id → units) off the shelf for the campaign `source`, or more for it.

    :raises OutOfStock: a SKU is short, unknown or no longer offered; nothing has been written.
    """
    if not quantities:
        return
    available = _lock(session, quantities)
    _refuse({id_ for id_, more in quantities.items() if available.get(id_, 0) < more}, available)
    session.execute(CARVE, {**_columns(quantities), "source": source, "now": now})


def is_carved(session: Session, source: str) -> bool:
    """Say whether units have been carved out for `source`, even if they are back by now."""
    return (
        session.scalar(select(StockCarve.source).where(StockCarve.source == source).limit(1))
        is not None
    )


def close_carve(session: Session, *, source: str, now: datetime) -> None:
    """
    Put back on the shelf what no order holds of the carve `source`; repeating it changes nothing.

    The caller sees to it that no order is drawing on it meanwhile.
    """
    session.execute(CLOSE_CARVE, {"source": source, "now": now})


def restock(session: Session, *, source: str, quantities: Mapping[int, int], now: datetime) -> None:
    """
    Put sold units of `source` back on sale, for a refund of goods that never left.

    Unlike the others it is cumulative: the caller settles each refund once.

    :raises RestockRefused: more would come back than was bought and not yet returned.
    """
    assert all(quantity > 0 for quantity in quantities.values())
    _lock(session, quantities)
    result = session.execute(RESTOCK, {**_columns(quantities), "source": source, "now": now})
    if len(result.all()) != len(quantities):
        raise RestockRefused


def adjust(
    session: Session, *, sku_id: int, delta: int, reason: str, staff_id: int | None, now: datetime
) -> int:
    """
    Add `delta` units (below zero: take out) to what is available; return how many then are.

    Held and sold units are untouched.

    :raises OutOfStock: more would be taken out than is available.
    :raises SkuNotFound: no such SKU.
    """
    available = _available_for_update(session, sku_id)
    if available + delta < 0:
        raise OutOfStock(sku_id=sku_id, available=available)
    _write_adjustment(session, sku_id, delta, available + delta, reason, staff_id, now)
    return available + delta


def set_available(
    session: Session,
    *,
    sku_id: int,
    available: int,
    reason: str,
    staff_id: int | None,
    now: datetime,
) -> int:
    """
    Make exactly `available` units available, as after counting the shelf; return that number.

    :raises SkuNotFound: no such SKU.
    """
    delta = available - _available_for_update(session, sku_id)
    _write_adjustment(session, sku_id, delta, available, reason, staff_id, now)
    return available


def _lock(session: Session, quantities: Mapping[int, int]) -> dict[int, int]:
    """Lock the SKUs in id order; what each can sell, inactive and unknown ones left out."""
    rows = session.execute(LOCK, {"sku_ids": sorted(quantities)})
    return {id_: available for id_, available, is_active in rows if is_active}


def _live_holds(session: Session, source: str) -> set[int]:
    live = select(StockHold.sku_id).where(
        StockHold.source == source, StockHold.status != HoldStatus.RELEASED
    )
    return set(session.scalars(live))


def _refuse(short: set[int], available: Mapping[int, int]) -> None:
    if short:
        metrics.stock_refusals.inc()
        first = min(short)
        raise OutOfStock(sku_id=first, available=available.get(first, 0))


def _columns(quantities: Mapping[int, int]) -> dict[str, list[int]]:
    """Two parallel columns, in id order."""
    ids = sorted(quantities)
    return {"sku_ids": ids, "quantities": [quantities[id_] for id_ in ids]}


def _available_for_update(session: Session, sku_id: int) -> int:
    locked = select(Sku.available).where(Sku.id == sku_id).with_for_update(key_share=True)
    available = session.scalar(locked)
    if available is None:
        raise SkuNotFound
    return available


def _write_adjustment(  # One argument per column.
    session: Session,
    sku_id: int,
    delta: int,
    available: int,
    reason: str,
    staff_id: int | None,
    now: datetime,
) -> None:
    if delta == 0:
        return
    session.execute(update(Sku).where(Sku.id == sku_id).values(available=available))
    session.add(
        StockAdjustment(
            sku_id=sku_id,
            delta=delta,
            available_after=available,
            reason=reason,
            staff_id=staff_id,
            adjusted_at=now,
        )
    )
    session.flush()


IDS = bindparam("sku_ids", type_=ARRAY(BigInteger))
QUANTITIES = bindparam("quantities", type_=ARRAY(BigInteger))
SOURCE = bindparam("source", type_=Text)

LOCK = text(
    "SELECT id, available, is_active FROM sku WHERE id = ANY(:sku_ids) ORDER BY id"
    " FOR NO KEY UPDATE"
).bindparams(IDS)

# The SKUs are locked, so this statement's snapshot sees every hold of them that counts.
HOLD = text("""
WITH wanted AS (
    SELECT sku_id, quantity FROM unnest(:sku_ids, :quantities) AS w (sku_id, quantity)
), fresh AS (
    INSERT INTO stock_hold
        (source, sku_id, quantity, restocked, status, created_at, updated_at)
    SELECT :source, sku_id, quantity, 0, 'held', :now, :now FROM wanted
    ON CONFLICT (source, sku_id) DO UPDATE
        SET status = 'held', quantity = excluded.quantity, restocked = 0, updated_at = :now
        WHERE stock_hold.status = 'released'
    RETURNING sku_id, quantity
)
UPDATE sku SET available = available - fresh.quantity, held = held + fresh.quantity
FROM fresh WHERE sku.id = fresh.sku_id
""").bindparams(IDS, QUANTITIES, SOURCE)

# Nobody waits for a SKU here: its `held` counts the carve, of which these units are a part.
DRAW = text("""
INSERT INTO stock_hold
    (source, sku_id, quantity, restocked, status, drawn_from, created_at, updated_at)
SELECT :source, sku_id, quantity, 0, 'held', :drawn_from, :now, :now
FROM unnest(:sku_ids, :quantities) AS w (sku_id, quantity)
ON CONFLICT (source, sku_id) DO UPDATE
    SET status = 'held', quantity = excluded.quantity, restocked = 0, updated_at = :now,
        drawn_from = excluded.drawn_from
    WHERE stock_hold.status = 'released'
""").bindparams(IDS, QUANTITIES, SOURCE, bindparam("drawn_from", type_=Text))

CARVE = text("""
WITH wanted AS (
    SELECT sku_id, quantity FROM unnest(:sku_ids, :quantities) AS w (sku_id, quantity)
), carved AS (
    INSERT INTO stock_carve (source, sku_id, quantity, carved_at)
    SELECT :source, sku_id, quantity, :now FROM wanted
    ON CONFLICT (source, sku_id) DO UPDATE
        SET quantity = stock_carve.quantity + excluded.quantity
)
UPDATE sku SET available = available - wanted.quantity, held = held + wanted.quantity
FROM wanted WHERE sku.id = wanted.sku_id
""").bindparams(IDS, QUANTITIES, SOURCE)

# The SKUs first, in id order, like everybody; then an order that ends is before this or after it.
CLOSE_CARVE = text("""
WITH locked AS MATERIALIZED (
    SELECT sku.id FROM sku JOIN stock_carve AS c ON c.sku_id = sku.id
    WHERE c.source = :source AND c.closed_at IS NULL
    ORDER BY sku.id FOR NO KEY UPDATE OF sku
), drawn AS (
    SELECT sku_id, sum(quantity) AS quantity FROM stock_hold
    WHERE drawn_from = :source AND status = 'held' GROUP BY sku_id
), rest AS (
    SELECT c.sku_id, c.quantity - coalesce(drawn.quantity, 0) AS quantity
    FROM stock_carve AS c JOIN locked ON locked.id = c.sku_id LEFT JOIN drawn USING (sku_id)
    WHERE c.source = :source
), closed AS (
    UPDATE stock_carve AS c SET closed_at = :now, quantity = c.quantity - rest.quantity
    FROM rest WHERE c.source = :source AND c.sku_id = rest.sku_id
)
UPDATE sku SET held = held - rest.quantity, available = available + rest.quantity
FROM rest WHERE sku.id = rest.sku_id
""").bindparams(SOURCE)

# `locked` takes the SKUs in id order before `ended` moves the holds. A race for the same source
# waits there; then its UPDATE reads the holds anew and finds them no longer `held`. Units drawn
# from a carve leave it when they are sold; given back they stay in it while it is open.
END = """
WITH locked AS MATERIALIZED (
    SELECT sku.id FROM sku JOIN stock_hold AS h ON h.sku_id = sku.id
    WHERE h.source = :source AND h.status = 'held'
    ORDER BY sku.id FOR NO KEY UPDATE OF sku
), ended AS (
    UPDATE stock_hold SET status = '{status}', updated_at = :now
    WHERE source = :source AND status = 'held' AND sku_id IN (SELECT id FROM locked)
    RETURNING sku_id, quantity, drawn_from
), moved AS (
    SELECT ended.sku_id, ended.quantity FROM ended
    LEFT JOIN stock_carve AS c ON c.source = ended.drawn_from AND c.sku_id = ended.sku_id
    WHERE {leaves}
), uncarved AS (
    UPDATE stock_carve AS c SET quantity = c.quantity - moved.quantity
    FROM moved JOIN ended USING (sku_id)
    WHERE c.source = ended.drawn_from AND c.sku_id = moved.sku_id
)
UPDATE sku SET held = held - moved.quantity, {column} = {column} + moved.quantity
FROM moved WHERE sku.id = moved.sku_id
"""
CONFIRM = text(END.format(status="confirmed", column="sold", leaves="true")).bindparams(SOURCE)
RELEASE = text(
    END.format(
        status="released",
        column="available",
        leaves="ended.drawn_from IS NULL OR c.closed_at IS NOT NULL",
    )
).bindparams(SOURCE)

RESTOCK = text("""
WITH back AS (
    UPDATE stock_hold AS h
    SET restocked = restocked + w.quantity,
        status = CASE restocked + w.quantity WHEN h.quantity THEN 'released' ELSE 'confirmed' END,
        updated_at = :now
    FROM unnest(:sku_ids, :quantities) AS w (sku_id, quantity)
    WHERE h.source = :source AND h.sku_id = w.sku_id AND h.status = 'confirmed'
        AND h.restocked + w.quantity <= h.quantity
    RETURNING h.sku_id, w.quantity
)
UPDATE sku SET sold = sold - back.quantity, available = available + back.quantity
FROM back WHERE sku.id = back.sku_id
RETURNING sku.id
""").bindparams(IDS, QUANTITIES, SOURCE)
