"""Proof over the live database: what WeChat said of each payout is what became of the money."""

from collections.abc import Iterator

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core.verify import Breach


def verify(session: Session) -> Iterator[Breach]:
    """Every promise about payouts that does not hold, one breach each."""
    for rule, query in RULES.items():
        for subject, found, expected in session.execute(text(query)):
            yield Breach(rule, subject, f"found {found}, should be {expected}")


RULES = {
    "withdrawals.each_has_its_payout": """
        SELECT 'withdrawal ' || coalesce(w.no, p.out_bill_no),
            coalesce(p.out_bill_no, 'no payout') || ' of ' || coalesce(w.no, 'no withdrawal'),
            'one of each, of the same member'
        FROM withdrawal AS w FULL JOIN payout AS p ON p.out_bill_no = w.no
        WHERE w.member_id IS DISTINCT FROM p.member_id ORDER BY 1
    """,
    "withdrawals.money_follows_the_payout": """
        SELECT 'withdrawal ' || w.no, w.state || ' with a payout ' || p.status,
            'what the payout ended as'
        FROM withdrawal AS w JOIN payout AS p ON p.out_bill_no = w.no
        WHERE w.channel = 'wechat' AND (
            (w.state = 'paid') <> (p.status = 'success')
            OR (p.status IN ('failed', 'cancelled') AND w.state <> 'returned')
            OR (w.state = 'paying') <> (p.status IN ('pending', 'accepted', 'processing',
                'confirming', 'transferring', 'cancelling'))
            OR (w.state = 'returned' AND p.status NOT IN ('new', 'failed', 'cancelled')))
        ORDER BY w.id
    """,
    "withdrawals.nothing_goes_by_wechat_that_is_paid_by_hand": """
        SELECT 'withdrawal ' || w.no, p.status, 'new'
        FROM withdrawal AS w JOIN payout AS p ON p.out_bill_no = w.no
        WHERE w.channel = 'manual' AND p.status <> 'new' ORDER BY w.id
    """,
    "withdrawals.what_is_sent_is_what_is_owed": """
        SELECT 'payout ' || p.out_bill_no,
            (p.body ->> 'out_bill_no') || ' of ' || (p.body ->> 'transfer_amount'),
            w.no || ' of ' || w.net_fen
        FROM (SELECT out_bill_no, convert_from(request_body, 'UTF8')::jsonb AS body
              FROM payout WHERE request_body IS NOT NULL) AS p
        JOIN withdrawal AS w ON w.no = p.out_bill_no
        WHERE p.body ->> 'out_bill_no' <> w.no
            OR (p.body ->> 'transfer_amount')::bigint <> w.net_fen
        ORDER BY w.id
    """,
    "withdrawals.every_success_is_paid": """
        SELECT 'event ' || i.event_id, coalesce(w.state, 'no withdrawal'), 'paid'
        FROM pay_inbox AS i LEFT JOIN withdrawal AS w ON w.no = i.out_no
        WHERE i.kind = 'payout' AND i.fact ->> 'state' = 'SUCCESS'
            AND i.status IN ('applied', 'ignored') AND w.state IS DISTINCT FROM 'paid'
        ORDER BY i.id
    """,
    "withdrawals.large_ones_are_named": """
        SELECT 'withdrawal ' || w.no, w.net_fen || ' without a name', 'a payee'
        FROM withdrawal AS w JOIN payout AS p ON p.out_bill_no = w.no
        WHERE w.net_fen >= 200000 AND p.payee_id IS NULL ORDER BY w.id
    """,
}
"""Each query answers (subject, found, expected) for what breaks its rule."""
