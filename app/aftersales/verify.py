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
        WHERE a.status IN ('applied', 'rejected', 'cancelled') ORDER BY a.id
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
            SELECT 'after_sale:' || after_sale_no AS source,
                'order:' || order_no || ':' || seq AS line_source
            FROM after_sale JOIN order_line USING (order_id)
            WHERE status IN ('applied', 'refunding') AND order_line.kind = 'goods'
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
    "aftersales.a_refund_has_its_case": """
        SELECT 'refund ' || r.out_refund_no, r.source, 'the source of a case'
        FROM refund AS r
        WHERE r.source LIKE 'after_sale:%' AND NOT EXISTS (
            SELECT FROM after_sale AS a WHERE 'after_sale:' || a.after_sale_no = r.source
        ) ORDER BY r.id
    """,
}
"""Each query answers (subject, found, expected) for what breaks its rule."""
