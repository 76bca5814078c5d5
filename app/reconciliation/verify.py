"""Proof over the live database: each day's equation, and that nothing of it was changed since."""

from collections.abc import Iterator

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core.verify import Breach


def verify(session: Session) -> Iterator[Breach]:
    """Every promise about reconciliation that does not hold, one breach each."""
    for rule, query in RULES.items():
        for subject, found, expected in session.execute(text(query)):
            yield Breach(rule, subject, f"found {found}, should be {expected}")


RULES = {
    "reconciliation.bill_is_books_and_breaks": """
        SELECT format('%s %s %s', s.bill_day, s.book, s.kind), s.bill_fen,
            format('ours %s + differences %s', s.local_fen, coalesce(sum(b.difference_fen), 0))
        FROM reconciliation_sum AS s LEFT JOIN bill_break AS b
            ON (b.bill_day, b.book, b.kind) = (s.bill_day, s.book, s.kind)
        WHERE s.kind IN ('payment', 'refund', 'payout')
        GROUP BY s.bill_day, s.book, s.kind
        HAVING s.bill_fen <> s.local_fen + coalesce(sum(b.difference_fen), 0)
        ORDER BY s.bill_day, s.book, s.kind
    """,
    "reconciliation.sums_are_of_lines": """
        SELECT format('%s %s %s', s.bill_day, s.book, s.kind),
            s.lines || ' lines of ' || s.bill_fen,
            count(l.line_no) || ' lines of ' || coalesce(sum(l.amount_fen), 0)
        FROM reconciliation_sum AS s
        JOIN reconciliation_day AS d ON d.bill_day = s.bill_day AND d.matched_at IS NOT NULL
        LEFT JOIN bill_line AS l ON l.bill_day = s.bill_day AND l.kind = s.kind
            AND (l.bill = 'trade') = (s.book = 'trade')
        GROUP BY s.bill_day, s.book, s.kind
        HAVING s.lines <> count(l.line_no) OR s.bill_fen <> coalesce(sum(l.amount_fen), 0)
        ORDER BY s.bill_day, s.book, s.kind
    """,
    "reconciliation.bills_are_whole": """
        SELECT format('%s %s', d.bill_day, d.bill), count(l.line_no), d.lines
        FROM bill_download AS d LEFT JOIN bill_line AS l
            ON l.bill_day = d.bill_day AND l.bill = d.bill
        GROUP BY d.bill_day, d.bill HAVING count(l.line_no) <> d.lines
        ORDER BY d.bill_day, d.bill
    """,
    "reconciliation.what_agrees_is_counted": """
        SELECT format('%s %s %s', s.bill_day, s.book, s.kind), s.matched,
            'at most ' || least(s.lines, s.ours)
        FROM reconciliation_sum AS s WHERE s.matched > least(s.lines, s.ours)
        ORDER BY s.bill_day, s.book, s.kind
    """,
}
"""Each query answers (subject, found, expected) for what breaks its rule."""
