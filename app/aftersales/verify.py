"""Proof of the promises of after-sales over the live database."""

from collections.abc import Iterator

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core.verify import Breach


def verify(session: Session) -> Iterator[Breach]:
    """Every case whose refund is not what the case says, one breach each."""
    for rule, query in RULES.items():
        for subject, found, expected in session.execute(text(query)):
            yield Breach(rule, subject, f"found {found}, should be {expected}")


RULES = {
    "aftersales.money_moves_only_when_approved": """
        SELECT 'after-sale ' || a.after_sale_no, 'a refund', 'none: it is ' || a.status
        FROM after_sale AS a JOIN refund AS r ON r.source = 'after_sale:' || a.after_sale_no
        WHERE a.status NOT IN ('refunding', 'refunded') ORDER BY a.id
    """,
    "aftersales.an_approved_case_has_its_refund": """
        SELECT 'after-sale ' || a.after_sale_no,
            coalesce('a refund of ' || r.amount_fen || ' for order ' || r.order_id, 'no refund'),
            'a refund of ' || a.amount_fen || ' for order ' || a.order_id
        FROM after_sale AS a LEFT JOIN refund AS r ON r.source = 'after_sale:' || a.after_sale_no
        WHERE a.status IN ('refunding', 'refunded')
            AND (r.amount_fen, r.order_id) IS DISTINCT FROM (a.amount_fen, a.order_id)
        ORDER BY a.id
    """,
    # The other way round there is a moment: the job that tells the case is on its way.
    "aftersales.refunded_means_the_money_is_back": """
        SELECT 'after-sale ' || a.after_sale_no, 'a refund that is ' || r.status, 'success'
        FROM after_sale AS a JOIN refund AS r ON r.source = 'after_sale:' || a.after_sale_no
        WHERE a.status = 'refunded' AND r.status <> 'success' ORDER BY a.id
    """,
    "aftersales.the_parts_make_the_amount": """
        SELECT 'after-sale ' || a.after_sale_no, coalesce(sum((line->>'amount_fen')::bigint), 0)
            + (breakdown->>'freight_fen')::bigint, a.amount_fen
        FROM after_sale AS a
        LEFT JOIN LATERAL jsonb_array_elements(breakdown->'lines') AS line ON true
        WHERE breakdown IS NOT NULL
        GROUP BY a.id HAVING coalesce(sum((line->>'amount_fen')::bigint), 0)
            + (breakdown->>'freight_fen')::bigint <> a.amount_fen ORDER BY a.id
    """,
    # While a case is open, the commissions of its lines do not mature; afterwards they do.
    "aftersales.open_cases_hold_commissions_back": """
        WITH asked AS (
            SELECT 'after_sale:' || after_sale_no
                || CASE WHEN appealed_at IS NULL THEN '' ELSE '/2' END AS source,
                'order:' || order_no || ':' || seq AS line_source
            FROM after_sale JOIN order_line USING (order_id)
            WHERE order_line.kind = 'goods' AND status IN
                ('applied', 'appealed', 'sending', 'sent', 'exchanging', 'refunding')
                AND (breakdown IS NULL OR order_line.id IN (
                    SELECT CAST(line->>'line_id' AS bigint)
                    FROM jsonb_array_elements(breakdown->'lines') AS line))),
        claimed AS (
            SELECT source, line_source, settled_at FROM commission_claim
            WHERE settled_at IS NULL AND source LIKE 'after_sale:%')
        SELECT source || ', ' || line_source,
            CASE WHEN claimed.source IS NULL THEN 'no claim' ELSE 'an open claim' END,
            CASE WHEN asked.source IS NULL THEN 'none' ELSE 'an open claim' END
        FROM asked FULL JOIN claimed USING (source, line_source)
        WHERE asked.source IS NULL OR claimed.source IS NULL ORDER BY 1
    """,
    "aftersales.open_cases_are_counted": """
        SELECT 'order ' || o.order_no, o.open_cases, count(a.id)
        FROM shop_order AS o LEFT JOIN after_sale AS a ON a.order_id = o.id
            AND a.status IN ('applied', 'appealed', 'sending', 'sent', 'exchanging', 'refunding')
        GROUP BY o.id HAVING o.open_cases <> count(a.id) ORDER BY o.id
    """,
    # Two open cases never ask for the same piece, nor for one that is on its way back.
    "aftersales.pieces_are_asked_for_once": """
        SELECT 'order ' || o.order_no || ', line ' || l.seq, asked.pieces,
            'at most ' || l.quantity - l.refunding_quantity - l.refunded_quantity
        FROM order_line AS l JOIN shop_order AS o ON o.id = l.order_id
        CROSS JOIN LATERAL (
            SELECT coalesce(sum((line->>'quantity')::bigint), 0) AS pieces
            FROM after_sale AS a
            CROSS JOIN LATERAL jsonb_array_elements(a.breakdown->'lines') AS line
            WHERE a.order_id = o.id AND (line->>'line_id')::bigint = l.id
                AND a.status IN ('applied', 'appealed', 'sending', 'sent', 'exchanging')
        ) AS asked
        WHERE asked.pieces > l.quantity - l.refunding_quantity - l.refunded_quantity
            AND o.status <> 'refunded' ORDER BY l.id
    """,
    "aftersales.exchanges_hold_their_stock": """
        SELECT 'after-sale ' || a.after_sale_no, coalesce(h.status, 'no hold'), wanted.status
        FROM after_sale AS a
        CROSS JOIN LATERAL (SELECT CASE WHEN a.status IN ('sending', 'sent', 'exchanging')
            THEN 'held' WHEN a.status = 'exchanged' THEN 'confirmed' END AS status) AS wanted
        LEFT JOIN LATERAL (
            SELECT min(status) AS status FROM stock_hold
            WHERE source = 'after_sale:' || a.after_sale_no AND status <> 'released'
        ) AS h ON true
        WHERE a.kind = 'exchange' AND h.status IS DISTINCT FROM wanted.status ORDER BY a.id
    """,
    # The whole story of an order's money: what WeChat took is what is kept and what went back.
    "aftersales.paid_is_kept_and_refunded": """
        SELECT 'order ' || o.order_no, paid.fen, kept.fen || ' kept + ' || back.fen || ' back'
        FROM shop_order AS o
        CROSS JOIN LATERAL (
            SELECT coalesce(sum(amount_fen), 0) AS fen FROM payment
            WHERE order_id = o.id AND status = 'paid'
        ) AS paid
        CROSS JOIN LATERAL (
            SELECT coalesce(sum(payable_fen - refunding_fen - refunded_fen), 0)
                + o.freight_fen - o.freight_refunding_fen - o.freight_refunded_fen AS fen
            FROM order_line WHERE order_id = o.id
        ) AS kept
        CROSS JOIN LATERAL (
            SELECT coalesce(sum(amount_fen), 0) AS fen FROM refund
            WHERE order_id = o.id AND line_amounts IS NOT NULL AND status <> 'replaced'
        ) AS back
        WHERE o.paid_at IS NOT NULL AND paid.fen <> kept.fen + back.fen ORDER BY o.id
    """,
    "aftersales.a_line_that_is_gone_kept_nothing_but_what_is_retained": """
        SELECT 'order ' || o.order_no || ', line ' || l.seq,
            l.payable_fen - l.refunding_fen - l.refunded_fen, l.retained_fen
        FROM order_line AS l JOIN shop_order AS o ON o.id = l.order_id
        WHERE l.refunding_quantity + l.refunded_quantity = l.quantity
            AND l.payable_fen <> l.refunding_fen + l.refunded_fen + l.retained_fen ORDER BY l.id
    """,
    "aftersales.retained_is_on_record": """
        SELECT 'order ' || o.order_no || ', line ' || l.seq, l.retained_fen, r.fen
        FROM order_line AS l JOIN shop_order AS o ON o.id = l.order_id
        CROSS JOIN LATERAL (
            SELECT coalesce(sum((retained->>l.id::text)::bigint), 0) AS fen
            FROM order_refund WHERE order_id = o.id AND status <> 'abandoned'
        ) AS r
        WHERE l.retained_fen < r.fen ORDER BY l.id
    """,
    # Of what a line earned, as large a share is taken back as went back of what was paid for it.
    "aftersales.claw_back_is_the_refunded_share": """
        SELECT 'commission ' || c.id || ' of ' || c.line_source, c.clawed_fen,
            c.amount_fen * l.refunded_fen / l.payable_fen
        FROM order_line AS l JOIN shop_order AS o ON o.id = l.order_id
        JOIN commission AS c ON c.line_source = 'order:' || o.order_no || ':' || l.seq
        WHERE c.state <> 'unearned' AND l.payable_fen > 0
            AND c.clawed_fen <> c.amount_fen * l.refunded_fen / l.payable_fen ORDER BY c.id
    """,
    "aftersales.a_refund_has_its_case": """
        SELECT 'refund ' || r.out_refund_no, r.source, 'the source of a case'
        FROM refund AS r
        WHERE r.source LIKE 'after_sale:%' AND NOT EXISTS (
            SELECT FROM after_sale AS a WHERE 'after_sale:' || a.after_sale_no = r.source
        ) ORDER BY r.id
    """,
}
"""Each query answers (subject, found, expected) for what breaks its rule."""
