"""The prices of SKUs over time, and the range an SPU shows."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app.catalogue.models import PriceHistory, Sku, Spu

COMPARED_WITHIN = timedelta(days=7)


def record(session: Session, skus: Iterable[Sku], *, staff_id: int | None, now: datetime) -> None:
    """Write the present prices of `skus` into their history."""
    session.add_all(
        PriceHistory(
            sku_id=sku.id,
            price_fen=sku.price_fen,
            market_price_fen=sku.market_price_fen,
            staff_id=staff_id,
            effective_at=now,
        )
        for sku in skus
    )
    session.flush()


def refresh_range(session: Session, *, spu_id: int) -> None:
    """Make the price range an SPU shows that of its active SKUs; without any, leave it."""
    # Two SKUs repriced at once: the second must read after the first is through.
    session.execute(select(Spu.id).where(Spu.id == spu_id).with_for_update(key_share=True))
    session.execute(RANGE, {"spu_id": spu_id})


def list_history(session: Session, *, sku_id: int, limit: int = 100) -> list[PriceHistory]:
    """The prices of a SKU, newest first."""
    newest = select(PriceHistory).where(PriceHistory.sku_id == sku_id)
    return list(session.scalars(newest.order_by(PriceHistory.id.desc()).limit(limit)))


def lowest_of_seven_days(session: Session, *, sku_id: int, now: datetime) -> int | None:
    """The lowest price in fen at any moment of the seven days before `now`; None if unknown."""
    since = now - COMPARED_WITHIN
    in_force_then = (
        select(PriceHistory.id)
        .where(PriceHistory.sku_id == sku_id, PriceHistory.effective_at <= since)
        .order_by(PriceHistory.effective_at.desc(), PriceHistory.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    return session.scalar(
        select(func.min(PriceHistory.price_fen)).where(
            PriceHistory.sku_id == sku_id,
            (PriceHistory.effective_at > since) | (PriceHistory.id == in_force_then),
            PriceHistory.effective_at <= now,
        )
    )


# The market price shown is that of the cheapest SKU, so that the pair is one a buyer can find.
RANGE = text("""
UPDATE spu SET
    min_price_fen = low.price_fen,
    max_price_fen = low.max_price_fen,
    crossed_out_fen = CASE WHEN low.market_price_fen > low.price_fen THEN low.market_price_fen END
FROM (
    SELECT price_fen, market_price_fen, max(price_fen) OVER () AS max_price_fen
    FROM sku WHERE spu_id = :spu_id AND is_active
    ORDER BY price_fen, id LIMIT 1
) AS low
WHERE spu.id = :spu_id
""")
