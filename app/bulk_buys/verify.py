"""
The promises of bulk buys over the live database: the engine's, and those that money keeps.
"""

from collections.abc import Iterator

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core.verify import Breach
from promotions.bulk_buys import verify as engine


def verify(session: Session) -> Iterator[Breach]:
    """Yield every breach the engine finds, and every order whose money is not what it is due."""
    for breach in engine.verify(session):
        yield Breach(*breach)
    for rule, query in RULES.items():
        for subject, found, expected in session.execute(text(query)):
            yield Breach(rule, subject, f"found {found}, should be {expected}")


RULES = {
    "bulk_buys.each_paid_order_has_its_share": """
        SELECT coalesce('order:' || o.order_no, s.source), coalesce(s.paid_fen::text, 'no share'),
            coalesce(o.goods_fen::text, 'no paid order')
        FROM (
            SELECT order_no, sum(l.payable_fen) AS goods_fen
            FROM shop_order JOIN order_line AS l ON l.order_id = shop_order.id
            WHERE origin = 'bulk_buy' AND paid_at IS NOT NULL GROUP BY order_no
        ) AS o FULL JOIN bulk_share AS s ON s.source = 'order:' || o.order_no
        WHERE o.goods_fen IS DISTINCT FROM s.paid_fen ORDER BY 1
    """,
    "bulk_buys.what_is_due_is_asked_back_once": """
        SELECT coalesce(s.source, r.source), coalesce(r.amount_fen::text, 'no refund'),
            coalesce(s.due_back_fen::text, 'none')
        FROM (SELECT * FROM bulk_share WHERE state IN ('lowered', 'failed')) AS s
        FULL JOIN (SELECT * FROM refund WHERE source LIKE 'bulk_buy:%') AS r
            ON 'order:' || substr(r.source, 10) = s.source
        WHERE r.amount_fen IS DISTINCT FROM s.due_back_fen ORDER BY 1
    """,
    "bulk_buys.lines_cost_what_was_reached": """
        SELECT 'order ' || o.order_no || ', line ' || l.seq, coalesce(l.final_fen::text, 'as paid'),
            coalesce(s.state, 'no share')
        FROM order_line AS l JOIN shop_order AS o ON o.id = l.order_id
        LEFT JOIN bulk_share AS s ON s.source = 'order:' || o.order_no
        WHERE (o.origin = 'bulk_buy' OR l.final_fen IS NOT NULL) AND l.kind = 'goods'
            AND (l.final_fen IS NOT NULL) <> (coalesce(s.state, '') = 'lowered')
        ORDER BY l.id
    """,
    "bulk_buys.kept_pieces_cost_their_final_price": """
        SELECT 'order ' || o.order_no || ', line ' || l.seq,
            l.payable_fen - l.refunding_fen - l.refunded_fen,
            l.final_fen - l.final_fen * (l.refunding_quantity + l.refunded_quantity) / l.quantity
        FROM order_line AS l JOIN shop_order AS o ON o.id = l.order_id
        WHERE l.final_fen IS NOT NULL
            AND l.payable_fen - l.refunding_fen - l.refunded_fen <> l.final_fen
                - l.final_fen * (l.refunding_quantity + l.refunded_quantity) / l.quantity
        ORDER BY l.id
    """,
}
"""Each query answers (subject, found, expected) for what breaks its rule."""
