"""Proof of the catalogue's promises over the live database."""

from collections.abc import Iterator

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core.verify import Breach


def verify(session: Session) -> Iterator[Breach]:
    """Every promise of stock, prices and categories that does not hold, one breach each."""
    for rule, query in RULES.items():
        for subject, found, expected in session.execute(text(query)):
            yield Breach(rule, subject, f"found {found}, should be {expected}")


RULES = {
    "stock.held_is_sum_of_holds_and_carves": """
        SELECT 'sku ' || sku.id, held, holds + carves FROM sku, LATERAL (
            SELECT coalesce(sum(quantity), 0) AS holds FROM stock_hold
            WHERE sku_id = sku.id AND status = 'held' AND drawn_from IS NULL
        ) AS h, LATERAL (
            SELECT coalesce(sum(quantity), 0) AS carves FROM stock_carve WHERE sku_id = sku.id
        ) AS c WHERE held <> holds + carves ORDER BY sku.id
    """,
    "stock.carve_covers_what_is_drawn_from_it": """
        SELECT c.source || ' sku ' || c.sku_id, c.quantity, coalesce(sum(h.quantity), 0)
        FROM stock_carve AS c LEFT JOIN stock_hold AS h
            ON h.drawn_from = c.source AND h.sku_id = c.sku_id AND h.status = 'held'
        GROUP BY c.source, c.sku_id
        HAVING c.quantity < coalesce(sum(h.quantity), 0)
            OR c.closed_at IS NOT NULL AND c.quantity <> coalesce(sum(h.quantity), 0)
        ORDER BY c.source, c.sku_id
    """,
    "stock.sold_is_sum_of_confirmed": """
        SELECT 'sku ' || sku.id, sold, coalesce(sum(h.quantity - h.restocked), 0)
        FROM sku LEFT JOIN stock_hold AS h ON h.sku_id = sku.id AND h.status = 'confirmed'
        GROUP BY sku.id HAVING sold <> coalesce(sum(h.quantity - h.restocked), 0) ORDER BY sku.id
    """,
    "stock.total_is_sum_of_adjustments": """
        SELECT 'sku ' || sku.id, available + held + sold, coalesce(sum(a.delta), 0)
        FROM sku LEFT JOIN stock_adjustment AS a ON a.sku_id = sku.id
        GROUP BY sku.id HAVING available + held + sold <> coalesce(sum(a.delta), 0)
        ORDER BY sku.id
    """,
    "price.history_ends_with_the_price": """
        SELECT 'sku ' || sku.id, sku.price_fen, last.price_fen
        FROM sku LEFT JOIN LATERAL (
            SELECT price_fen, market_price_fen FROM price_history
            WHERE sku_id = sku.id ORDER BY id DESC LIMIT 1
        ) AS last ON true
        WHERE (sku.price_fen, sku.market_price_fen)
            IS DISTINCT FROM (last.price_fen, last.market_price_fen)
        ORDER BY sku.id
    """,
    "price.range_is_that_of_active_skus": """
        SELECT 'spu ' || spu.id, min_price_fen || '–' || max_price_fen, low || '–' || high
        FROM spu JOIN (
            SELECT spu_id, min(price_fen) AS low, max(price_fen) AS high
            FROM sku WHERE is_active GROUP BY spu_id
        ) AS range ON range.spu_id = spu.id
        WHERE (min_price_fen, max_price_fen) <> (low, high) ORDER BY spu.id
    """,
    "category.path_extends_the_parents": """
        SELECT 'category ' || c.id, c.path::text, (parent.path || c.id)::text
        FROM category AS c JOIN category AS parent ON parent.id = c.parent_id
        WHERE c.path <> parent.path || c.id ORDER BY c.id
    """,
}
"""Each query answers (subject, found, expected) for what breaks its rule."""
