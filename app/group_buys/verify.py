"""Proof of what orders, seats and refunds of group buys promise each other."""

from collections.abc import Iterator

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core.verify import Breach


def verify(session: Session) -> Iterator[Breach]:
    """Every seat that is not what its order is, and every refund too many, one breach each."""
    for rule, query in RULES.items():
        for subject, found, expected in session.execute(text(query)):
            yield Breach(rule, subject, f"found {found}, should be {expected}")


RULES = {
    "group_buys.an_order_has_its_seat": """
        SELECT coalesce('order ' || o.order_no, s.source),
            CASE WHEN s.id IS NULL THEN 'no seat' ELSE 'a seat' END,
            CASE WHEN s.id IS NULL THEN 'one' ELSE 'an order of a group buy' END
        FROM (SELECT * FROM shop_order WHERE origin = 'group_buy') AS o
        FULL JOIN team_seat AS s ON s.source = 'order:' || o.order_no
        WHERE o.id IS NULL OR s.id IS NULL ORDER BY 1
    """,
    "group_buys.a_seat_follows_its_order": """
        SELECT 'order ' || o.order_no || ', ' || o.status, s.status,
            CASE WHEN o.status IN ('unpaid', 'closing') THEN 'held'
                WHEN o.status = 'closed' THEN 'released' ELSE 'paid' END
        FROM team_seat AS s JOIN shop_order AS o ON s.source = 'order:' || o.order_no
        WHERE CASE WHEN o.status IN ('unpaid', 'closing') THEN s.status <> 'held'
            WHEN o.status = 'closed' THEN s.status <> 'released'
            ELSE s.status IN ('held', 'released') END
        ORDER BY s.id
    """,
    "group_buys.nothing_left_before_its_team_was_complete": """
        SELECT 'order ' || o.order_no, 'shipped, its team ' || t.status, 'complete'
        FROM team_seat AS s JOIN shop_order AS o ON s.source = 'order:' || o.order_no
        JOIN buying_team AS t ON t.id = s.team_id
        WHERE o.shipped_at IS NOT NULL AND (t.status <> 'complete' OR s.status <> 'taken')
        ORDER BY s.id
    """,
    "group_buys.back_means_all_the_money_is_back": """
        SELECT 'order ' || o.order_no, o.refunded_fen || ' fen back, ' || o.status,
            o.paid_fen || ' fen back, refunded'
        FROM team_seat AS s JOIN shop_order AS o ON s.source = 'order:' || o.order_no
        JOIN buying_team AS t ON t.id = s.team_id
        WHERE (s.status = 'refunded') <> (o.status = 'refunded')
            AND NOT (o.status = 'refunded' AND s.status = 'taken' AND t.status = 'complete')
        ORDER BY s.id
    """,
    "group_buys.only_seats_without_a_team_are_refunded": """
        SELECT 'refund ' || r.out_refund_no, coalesce('a seat ' || s.status, 'no seat'),
            'a seat that goes back'
        FROM refund AS r LEFT JOIN team_seat AS s
            ON s.source = replace(r.source, 'group_buy:', 'order:')
        WHERE r.source LIKE 'group_buy:%'
            AND coalesce(s.status, '') NOT IN ('refunding', 'refunded')
        ORDER BY r.id
    """,
}
"""Each query answers (subject, found, expected) for what breaks its rule."""
