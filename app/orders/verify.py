"""Proof of the promises of orders over the live database."""

from collections.abc import Iterator

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core.verify import Breach


def verify(session: Session) -> Iterator[Breach]:
    """Every promise of amounts, quotes, refunds and holds that does not hold, one breach each."""
    for rule, query in RULES.items():
        for subject, found, expected in session.execute(text(query)):
            yield Breach(rule, subject, f"found {found}, should be {expected}")


SUMS = """
    SELECT 'order ' || o.order_no, {column}, coalesce(sum(l.{line_column}), 0) + {freight}
    FROM shop_order AS o LEFT JOIN order_line AS l ON l.order_id = o.id
    GROUP BY o.id HAVING {column} <> coalesce(sum(l.{line_column}), 0) + {freight} ORDER BY o.id
"""


def _sum(column: str, line_column: str, freight: str = "0") -> str:
    return SUMS.format(column=column, line_column=line_column, freight=freight)


RULES = {
    "orders.parcels_are_what_left": """
        SELECT 'order ' || o.order_no || ', line ' || l.seq, l.shipped_quantity,
            coalesce(sum(p.quantity), 0)
        FROM order_line AS l JOIN shop_order AS o ON o.id = l.order_id
        LEFT JOIN shipment_line AS p ON p.order_line_id = l.id
        GROUP BY o.id, l.id HAVING l.shipped_quantity <> coalesce(sum(p.quantity), 0) ORDER BY l.id
    """,
    "orders.parcels_are_of_their_order": """
        SELECT 'parcel ' || s.id, s.order_id, l.order_id
        FROM shipment AS s JOIN shipment_line AS p ON p.shipment_id = s.id
        JOIN order_line AS l ON l.id = p.order_line_id
        WHERE s.order_id <> l.order_id ORDER BY s.id
    """,
    "orders.shipped_means_nothing_waits": """
        SELECT 'order ' || o.order_no || ', line ' || l.seq,
            l.quantity - l.shipped_quantity - l.withheld_quantity, 0
        FROM order_line AS l JOIN shop_order AS o ON o.id = l.order_id
        WHERE o.status IN ('shipped', 'received', 'completed')
            AND l.quantity > l.shipped_quantity + l.withheld_quantity ORDER BY l.id
    """,
    "orders.withheld_is_on_record": """
        SELECT 'order ' || o.order_no || ', line ' || l.seq, l.withheld_quantity, r.unshipped
        FROM order_line AS l JOIN shop_order AS o ON o.id = l.order_id
        CROSS JOIN LATERAL (
            SELECT coalesce(sum((unshipped->>l.id::text)::bigint), 0) AS unshipped
            FROM order_refund WHERE order_id = o.id AND status <> 'abandoned'
        ) AS r
        WHERE l.withheld_quantity <> r.unshipped AND NOT (
            l.withheld_quantity = l.quantity - l.shipped_quantity
            AND (o.status = 'refunded' OR l.payable_fen = l.refunded_fen AND l.payable_fen > 0)
        ) ORDER BY l.id
    """,
    "orders.items_are_the_sum_of_lines": _sum("items_fen", "amount_fen"),
    "orders.discount_is_the_sum_of_lines": _sum("o.discount_fen", "discount_fen"),
    "orders.member_saves_are_the_sum_of_lines": _sum("o.member_saves_fen", "member_saves_fen"),
    "orders.tender_is_the_sum_of_lines": _sum("o.tender_fen", "tender_fen"),
    "orders.payable_is_lines_and_freight": _sum("o.payable_fen", "payable_fen", "o.freight_fen"),
    "orders.refunding_is_lines_and_freight": _sum(
        "o.refunding_fen", "refunding_fen", "o.freight_refunding_fen"
    ),
    "orders.refunded_is_lines_and_freight": _sum(
        "o.refunded_fen", "refunded_fen", "o.freight_refunded_fen"
    ),
    "orders.refunds_are_on_record": """
        SELECT 'order ' || o.order_no, o.refunding_fen || ' + ' || o.refunded_fen,
            coalesce(r.refunding, 0) || ' + ' || coalesce(r.refunded, 0)
        FROM shop_order AS o LEFT JOIN (
            SELECT order_id, sum(amount_fen) FILTER (WHERE status = 'refunding') AS refunding,
                sum(amount_fen) FILTER (WHERE status = 'refunded') AS refunded
            FROM order_refund GROUP BY order_id
        ) AS r ON r.order_id = o.id
        WHERE (o.refunding_fen, o.refunded_fen)
            <> (coalesce(r.refunding, 0), coalesce(r.refunded, 0)) ORDER BY o.id
    """,
    "orders.returned_pieces_are_on_record": """
        SELECT 'order ' || o.order_no || ', line ' || l.seq,
            l.refunding_quantity || ' + ' || l.refunded_quantity,
            r.refunding || ' + ' || r.refunded
        FROM order_line AS l JOIN shop_order AS o ON o.id = l.order_id
        CROSS JOIN LATERAL (
            SELECT coalesce(sum((quantities->>l.id::text)::bigint)
                    FILTER (WHERE status = 'refunding'), 0) AS refunding,
                coalesce(sum((quantities->>l.id::text)::bigint)
                    FILTER (WHERE status = 'refunded'), 0) AS refunded
            FROM order_refund WHERE order_id = o.id
        ) AS r
        WHERE (l.refunding_quantity, l.refunded_quantity) <> (r.refunding, r.refunded)
        ORDER BY l.id
    """,
    "orders.quote_is_what_was_agreed": """
        SELECT 'order ' || o.order_no, encode(sha256(o.quote), 'hex'), o.quote_digest
        FROM shop_order AS o WHERE encode(sha256(o.quote), 'hex') <> o.quote_digest ORDER BY o.id
    """,
    "orders.amounts_are_the_quotes": """
        SELECT 'order ' || order_no,
            concat_ws(' ', items_fen, member_saves_fen, discount_fen, freight_fen, tender_fen,
                payable_fen, snapshot_version),
            concat_ws(' ', q->>'items_fen', coalesce(q->>'member_saves_fen', '0'),
                q->>'discount_fen', q->>'freight_fen', coalesce(q->>'tender_fen', '0'),
                q->>'payable_fen', q->>'snapshot_version')
        FROM (SELECT *, convert_from(quote, 'UTF8')::jsonb AS q FROM shop_order) AS o
        WHERE (items_fen, member_saves_fen, discount_fen, freight_fen, tender_fen, payable_fen,
                snapshot_version)
            IS DISTINCT FROM ((q->>'items_fen')::bigint,
                coalesce((q->>'member_saves_fen')::bigint, 0), (q->>'discount_fen')::bigint,
                (q->>'freight_fen')::bigint, coalesce((q->>'tender_fen')::bigint, 0),
                (q->>'payable_fen')::bigint, (q->>'snapshot_version')::bigint)
        ORDER BY id
    """,
    "orders.input_is_what_was_priced": """
        SELECT 'order ' || order_no, encode(sha256(quote_input), 'hex'),
            convert_from(quote, 'UTF8')::jsonb->>'input_digest'
        FROM shop_order WHERE encode(sha256(quote_input), 'hex')
            <> convert_from(quote, 'UTF8')::jsonb->>'input_digest' ORDER BY id
    """,
    "orders.lines_are_the_quotes": """
        SELECT 'order ' || order_no, ours::text, theirs::text
        FROM shop_order AS o
        CROSS JOIN LATERAL (
            SELECT jsonb_agg(jsonb_build_array(seq, sku_id, quantity, unit_price_fen, discount_fen,
                tender_fen, payable_fen) ORDER BY seq) AS ours
            FROM order_line WHERE order_id = o.id AND kind = 'goods'
        ) AS l
        CROSS JOIN LATERAL (
            SELECT jsonb_agg(jsonb_build_array(each->'line_id', each->'sku_id', each->'quantity',
                each->'unit_price_fen', each->'discount_fen', coalesce(each->'tender_fen', '0'),
                (each->>'payable_fen')::bigint - coalesce((each->>'tender_fen')::bigint, 0))
                ORDER BY (each->>'line_id')::bigint) AS theirs
            FROM jsonb_array_elements(convert_from(o.quote, 'UTF8')::jsonb->'lines') AS each
        ) AS q
        WHERE ours IS DISTINCT FROM theirs ORDER BY o.id
    """,
    "orders.gifts_are_the_quotes": """
        SELECT 'order ' || o.order_no, ours::text, theirs::text
        FROM shop_order AS o
        CROSS JOIN LATERAL (
            SELECT jsonb_agg(jsonb_build_array(promotion_id, sku_id, quantity, value_fen)
                ORDER BY promotion_id, sku_id) AS ours
            FROM order_line WHERE order_id = o.id AND kind = 'gift'
        ) AS l
        CROSS JOIN LATERAL (
            SELECT jsonb_agg(jsonb_build_array(each->'promotion_id', each->'sku_id',
                each->'quantity', each->'value_fen')
                ORDER BY (each->>'promotion_id')::bigint, (each->>'sku_id')::bigint) AS theirs
            FROM jsonb_array_elements(convert_from(o.quote, 'UTF8')::jsonb->'gifts') AS each
        ) AS q
        WHERE ours IS DISTINCT FROM theirs ORDER BY o.id
    """,
    "orders.stock_follows_the_status": """
        SELECT 'order ' || o.order_no || ', sku ' || l.sku_id,
            coalesce(h.status || ' ' || h.quantity - h.restocked, 'no hold'),
            o.status || ' ' || l.quantity - l.restocked
        FROM shop_order AS o
        JOIN (
            SELECT order_id, sku_id, sum(quantity) AS quantity, sum(restocked_quantity) AS restocked
            FROM order_line GROUP BY order_id, sku_id
        ) AS l ON l.order_id = o.id
        LEFT JOIN stock_hold AS h ON h.source = 'order:' || o.order_no AND h.sku_id = l.sku_id
        WHERE (coalesce(h.quantity, 0), coalesce(h.restocked, 0)) <> (l.quantity, l.restocked)
            OR h.status <> CASE
                WHEN o.status IN ('unpaid', 'closing') THEN 'held'
                WHEN o.status = 'closed' OR l.restocked = l.quantity THEN 'released'
                ELSE 'confirmed' END
        ORDER BY o.id, l.sku_id
    """,
    "orders.holds_have_an_order": """
        SELECT h.source || ', sku ' || h.sku_id, h.status || ' ' || h.quantity, 'no hold'
        FROM stock_hold AS h
        WHERE h.source LIKE 'order:%' AND h.status <> 'released' AND NOT EXISTS (
            SELECT FROM shop_order AS o JOIN order_line AS l ON l.order_id = o.id
            WHERE 'order:' || o.order_no = h.source AND l.sku_id = h.sku_id
        ) ORDER BY h.id
    """,
    "orders.coupons_follow_the_status": """
        SELECT 'coupon ' || c.id || ', ' || c.held_by, c.status, coalesce(o.status, 'no order')
        FROM coupon AS c LEFT JOIN shop_order AS o ON 'order:' || o.order_no = c.held_by
        WHERE c.held_by LIKE 'order:%' AND c.status IS DISTINCT FROM CASE
            WHEN o.status IN ('unpaid', 'closing') THEN 'held'
            WHEN o.status IN ('paid', 'shipped', 'received', 'completed') THEN 'used' END
        ORDER BY c.id
    """,
    "orders.coupons_are_the_quotes": """
        SELECT 'order ' || o.order_no, coalesce(string_agg(c.id::text, ' ' ORDER BY c.id), 'none'),
            q.coupons
        FROM shop_order AS o
        CROSS JOIN LATERAL (
            SELECT string_agg(each->>'coupon_id', ' ' ORDER BY (each->>'coupon_id')::bigint)
                AS coupons
            FROM jsonb_array_elements(convert_from(o.quote, 'UTF8')::jsonb->'adjustments') AS each
            WHERE each->>'coupon_id' IS NOT NULL
        ) AS q
        LEFT JOIN coupon AS c ON c.held_by = 'order:' || o.order_no
        WHERE o.status NOT IN ('closed', 'refunded') AND q.coupons IS NOT NULL
        GROUP BY o.id, q.coupons
        HAVING string_agg(c.id::text, ' ' ORDER BY c.id) IS DISTINCT FROM q.coupons ORDER BY o.id
    """,
    "orders.promotions_follow_the_status": """
        SELECT r.source || ', promotion ' || r.promotion_id, r.status,
            coalesce(o.status, 'no order')
        FROM promotion_reservation AS r
        LEFT JOIN shop_order AS o ON 'order:' || o.order_no = r.source
        WHERE r.source LIKE 'order:%' AND r.status IS DISTINCT FROM CASE
            WHEN o.status IN ('unpaid', 'closing') THEN 'reserved'
            WHEN o.status = 'closed' THEN 'released'
            WHEN o.status IS NOT NULL THEN 'confirmed' END
        ORDER BY r.source, r.promotion_id
    """,
}
"""Each query answers (subject, found, expected) for what breaks its rule."""
