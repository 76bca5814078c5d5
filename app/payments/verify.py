"""Proof of the promises of payments over the live database."""

from collections.abc import Iterator

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core.verify import Breach


def verify(session: Session) -> Iterator[Breach]:
    """Every promise about facts, payments and refunds that does not hold, one breach each."""
    for rule, query in RULES.items():
        for subject, found, expected in session.execute(text(query)):
            yield Breach(rule, subject, f"found {found}, should be {expected}")


RULES = {
    # A fact nobody has acted upon for ten minutes is stuck.
    "payments.every_fact_ends": """
        SELECT 'event ' || event_id, 'received ' || received_at, 'applied or quarantined'
        FROM pay_inbox WHERE status = 'received' AND received_at < now() - interval '10 minutes'
        ORDER BY id
    """,
    "payments.every_success_is_money_or_quarantined": """
        SELECT 'event ' || i.event_id, i.status || ' with payment ' || coalesce(p.status, 'none'),
            'the transaction ' || (i.fact ->> 'transaction_id')
        FROM pay_inbox AS i LEFT JOIN payment AS p ON p.out_trade_no = i.out_no
        WHERE i.kind = 'trade' AND i.fact ->> 'trade_state' IN ('SUCCESS', 'REFUND')
            AND (i.status = 'ignored' OR (i.status = 'applied'
                AND p.transaction_id IS DISTINCT FROM i.fact ->> 'transaction_id'))
        ORDER BY i.id
    """,
    "payments.paid_is_sum_of_payments": """
        SELECT 'order ' || o.order_no, o.paid_fen, coalesce(sum(p.amount_fen), 0)
        FROM shop_order AS o LEFT JOIN payment AS p ON p.order_id = o.id AND p.status = 'paid'
        GROUP BY o.id HAVING o.paid_fen <> coalesce(sum(p.amount_fen), 0) ORDER BY o.id
    """,
    "payments.unwanted_money_goes_back": """
        SELECT 'payment ' || p.out_trade_no, coalesce(sum(r.amount_fen), 0), p.amount_fen
        FROM payment AS p LEFT JOIN refund AS r ON r.payment_id = p.id
            AND r.source = replace(p.status, 'paid_', '') || ':' || p.out_trade_no
        WHERE p.status IN ('paid_late', 'paid_duplicate')
        GROUP BY p.id HAVING p.amount_fen <> coalesce(sum(r.amount_fen), 0) ORDER BY p.id
    """,
    "payments.refunds_are_within_their_payment": """
        SELECT 'payment ' || p.out_trade_no, p.refund_fen,
            coalesce(sum(r.amount_fen), 0) || ', at most ' || p.amount_fen
        FROM payment AS p LEFT JOIN refund AS r ON r.payment_id = p.id AND r.status <> 'replaced'
        GROUP BY p.id
        HAVING p.refund_fen <> coalesce(sum(r.amount_fen), 0) OR p.refund_fen > p.amount_fen
        ORDER BY p.id
    """,
    "payments.refunded_is_sum_of_refunds": """
        SELECT 'order ' || o.order_no, o.refunded_fen, coalesce(sum(r.amount_fen), 0)
        FROM shop_order AS o LEFT JOIN refund AS r ON r.order_id = o.id
            AND r.line_amounts IS NOT NULL AND r.status = 'success'
        GROUP BY o.id HAVING o.refunded_fen <> coalesce(sum(r.amount_fen), 0) ORDER BY o.id
    """,
    "payments.refunding_is_sum_of_open_refunds": """
        SELECT 'order ' || o.order_no, o.refunding_fen, coalesce(sum(r.amount_fen), 0)
        FROM shop_order AS o LEFT JOIN refund AS r ON r.order_id = o.id
            AND r.line_amounts IS NOT NULL AND r.status NOT IN ('success', 'replaced')
        GROUP BY o.id HAVING o.refunding_fen <> coalesce(sum(r.amount_fen), 0) ORDER BY o.id
    """,
    "payments.closed_orders_take_no_money": """
        SELECT 'payment ' || p.out_trade_no, p.status, 'closed like ' || o.order_no
        FROM payment AS p JOIN shop_order AS o ON o.id = p.order_id
        WHERE p.status IN ('created', 'open') AND o.status = 'closed' ORDER BY p.id
    """,
    # What a person decided to give back is on its way, under one live number.
    "payments.decided_money_goes_back": """
        SELECT 'decision ' || d.id, count(r.id) || ' refunds of ' || coalesce(sum(r.amount_fen), 0),
            '1 of ' || d.amount_fen
        FROM quarantine_decision AS d
        LEFT JOIN refund AS r ON r.decision_id = d.id AND r.status <> 'replaced'
        WHERE d.decision = 'refund'
        GROUP BY d.id HAVING count(r.id) <> 1 OR sum(r.amount_fen) <> d.amount_fen ORDER BY d.id
    """,
    "payments.decided_facts_have_a_decision": """
        SELECT 'event ' || i.event_id, i.status, 'decided by somebody'
        FROM pay_inbox AS i
        WHERE i.status IN ('returned', 'dismissed') AND NOT EXISTS (
            SELECT FROM quarantine_decision AS d WHERE d.inbox_id = i.id
                OR d.transaction_id = i.fact ->> 'transaction_id')
        ORDER BY i.id
    """,
    "payments.refunds_come_in_fifty_parts": """
        SELECT 'payment ' || p.out_trade_no, count(*), 'at most 50'
        FROM payment AS p JOIN refund AS r ON r.payment_id = p.id
        GROUP BY p.id HAVING count(*) > 50 ORDER BY p.id
    """,
}
"""Each query answers (subject, found, expected) for what breaks its rule."""
