"""The statements of the comparison: set-based, for any number of lines."""

import re
from typing import Any

from sqlalchemy import Date, String, TextClause, bindparam, text
from sqlalchemy.types import TypeEngine

from app.core.db import UtcDateTime
from app.reconciliation.models import RESOLVERS

TYPES: dict[str, TypeEngine[Any]] = {
    "day": Date(),
    "lookback": Date(),
    "book": String(),
    "kind": String(),
    "resolver": String(),
    "since": UtcDateTime(),
    "until": UtcDateTime(),
    "now": UtcDateTime(),
}
"""PostgreSQL cannot guess all of them from where they stand."""


def typed(statement: str) -> TextClause:
    """The statement with the types of its parameters."""
    names = set(re.findall(r"(?<!:):(\w+)", statement)) & set(TYPES)
    return text(statement).bindparams(*(bindparam(name, type_=TYPES[name]) for name in names))


_WHO = [f"WHEN '{verdict}' THEN '{resolver}'" for verdict, resolver in RESOLVERS.items()]

NAMING = (
    # A line of the fund flow may name only WeChat's number: the trade bill knows ours.
    """
    UPDATE bill_line AS flow SET out_no = trade.out_no, kind = trade.kind
    FROM bill_line AS trade
    WHERE flow.bill_day = :day AND flow.bill IN ('basic', 'operation') AND flow.out_no = ''
        AND flow.kind IN ('payment', 'refund') AND flow.wechat_no <> ''
        AND trade.bill = 'trade' AND trade.wechat_no = flow.wechat_no
        AND trade.bill_day BETWEEN :lookback AND :day
    """,
    """
    UPDATE bill_line AS flow SET out_no = payment.out_trade_no
    FROM payment
    WHERE flow.bill_day = :day AND flow.bill IN ('basic', 'operation') AND flow.out_no = ''
        AND flow.kind = 'payment' AND payment.transaction_id = flow.wechat_no
    """,
    """
    UPDATE bill_line AS flow SET out_no = payout.out_bill_no
    FROM payout
    WHERE flow.bill_day = :day AND flow.bill IN ('basic', 'operation') AND flow.out_no = ''
        AND flow.kind = 'payout' AND payout.transfer_bill_no = flow.wechat_no
    """,
)

COMPARED = """
CREATE TEMPORARY TABLE compared ON COMMIT DROP AS
WITH there AS (
    SELECT coalesce(nullif(out_no, ''), wechat_no) AS out_no, sum(amount_fen)::bigint AS fen,
        min(wechat_no) AS wechat_no, min(state) AS state
    FROM bill_line WHERE bill_day = :day AND bill = ANY(:bills) AND kind = :kind
    GROUP BY 1 HAVING sum(amount_fen) <> 0),
ours AS NOT MATERIALIZED ({ours}),
pairs AS (
    SELECT there.out_no, there.wechat_no, there.fen AS bill_fen, there.state AS bill_state,
        ours.fen AS local_fen, ours.ledger_fen, ours.state AS local_state,
        ours.wechat_no AS local_wechat_no,
        coalesce(ours.at >= :since AND ours.at < :until, false) AS is_today,
        true AS is_elsewhere
    FROM there LEFT JOIN ours ON ours.out_no = there.out_no
    UNION ALL
    SELECT ours.out_no, ours.wechat_no, NULL, NULL, ours.fen, ours.ledger_fen, ours.state,
        ours.wechat_no, true, EXISTS (
            SELECT FROM bill_line WHERE bill_line.out_no = ours.out_no AND bill = ANY(:bills)
                AND bill_line.kind = :kind AND bill_day <> :day)
    FROM ours
    WHERE ours.at >= :since AND ours.at < :until
        AND NOT EXISTS (SELECT FROM there WHERE there.out_no = ours.out_no))
SELECT out_no, wechat_no, bill_fen, local_fen, ledger_fen, bill_state, local_state, is_today,
    coalesce(bill_fen, 0) - CASE WHEN is_today THEN local_fen ELSE 0 END AS difference_fen,
    CASE
        WHEN bill_fen IS NULL AND NOT is_elsewhere AND :is_last_word THEN 'missing_there'
        WHEN bill_fen IS NULL THEN 'timing'
        WHEN local_fen IS NULL THEN 'missing_here'
        WHEN bill_fen <> local_fen OR ledger_fen <> local_fen THEN 'amount_differs'
        WHEN {differing} THEN 'state_differs'
        WHEN NOT is_today THEN 'timing'
    END AS verdict,
    is_elsewhere
FROM pairs
"""
"""`is_elsewhere`: another bill has it. Of what this bill has, the other day is ours."""

SUM = """
INSERT INTO reconciliation_sum AS kept
    (bill_day, book, kind, lines, ours, matched, bill_fen, local_fen)
SELECT :day, :book, :kind,
    (SELECT count(*) FROM bill_line
        WHERE bill_day = :day AND bill = ANY(:bills) AND kind = :kind),
    count(*) FILTER (WHERE is_today), count(*) FILTER (WHERE verdict IS NULL),
    coalesce(sum(bill_fen), 0), coalesce(sum(local_fen) FILTER (WHERE is_today), 0)
FROM compared
ON CONFLICT (bill_day, book, kind) DO UPDATE SET lines = excluded.lines, ours = excluded.ours,
    matched = excluded.matched, bill_fen = excluded.bill_fen, local_fen = excluded.local_fen
"""

SUM_OTHER = """
INSERT INTO reconciliation_sum AS kept
    (bill_day, book, kind, lines, ours, matched, bill_fen, local_fen)
SELECT :day, :book, :kind, count(*), 0, 0, coalesce(sum(amount_fen), 0), 0
FROM bill_line WHERE bill_day = :day AND bill = ANY(:bills) AND kind = :kind
ON CONFLICT (bill_day, book, kind) DO UPDATE SET lines = excluded.lines,
    bill_fen = excluded.bill_fen
"""

_BREAKS = """
INSERT INTO bill_break AS kept (bill_day, book, kind, out_no, wechat_no, verdict, status, resolver,
    bill_fen, local_fen, ledger_fen, difference_fen, bill_state, local_state, how, found_at,
    resolved_at)
SELECT :day, :book, :kind, out_no, wechat_no, verdict,
    CASE WHEN is_settled THEN 'resolved' ELSE 'open' END, {resolver},
    bill_fen, local_fen, ledger_fen, difference_fen, bill_state, local_state,
    CASE WHEN is_settled THEN 'other_day' END, :now,
    CASE WHEN is_settled THEN :now END
FROM (SELECT compared.*, verdict = 'timing' AND is_elsewhere AS is_settled FROM compared) AS found
WHERE verdict IS NOT NULL
ORDER BY out_no
ON CONFLICT (bill_day, book, kind, out_no) DO UPDATE SET
    wechat_no = excluded.wechat_no, verdict = excluded.verdict, resolver = excluded.resolver,
    bill_fen = excluded.bill_fen, local_fen = excluded.local_fen,
    ledger_fen = excluded.ledger_fen, difference_fen = excluded.difference_fen,
    bill_state = excluded.bill_state, local_state = excluded.local_state,
    asked_at = CASE WHEN kept.verdict = excluded.verdict THEN kept.asked_at END,
    answer = CASE WHEN kept.verdict = excluded.verdict THEN kept.answer END,
    status = CASE WHEN {stays} THEN kept.status ELSE excluded.status END,
    how = CASE WHEN {stays} THEN kept.how ELSE excluded.how END,
    resolved_at = CASE WHEN {stays} THEN kept.resolved_at ELSE excluded.resolved_at END,
    resolved_by = CASE WHEN {stays} THEN kept.resolved_by END,
    reason = CASE WHEN {stays} THEN kept.reason END
RETURNING verdict, status, xmax = 0
"""
BREAKS = _BREAKS.format(
    resolver=f"CASE verdict {' '.join(_WHO)} END",
    stays="(kept.verdict = excluded.verdict AND kept.status = 'resolved'"
    " AND (kept.resolved_by IS NOT NULL OR kept.how IN ('newer_word', 'other_day')))",
)
"""What staff resolved stays so while the verdict does; so does what WeChat's word resolved."""

GONE = """
UPDATE bill_break AS kept SET difference_fen = 0, status = 'resolved',
    how = coalesce(how, CASE WHEN asked_at IS NULL THEN 'matched' ELSE 'repaired' END),
    resolved_at = coalesce(resolved_at, :now)
WHERE bill_day = :day AND book = :book AND kind = :kind
    AND (status = 'open' OR difference_fen <> 0)
    AND NOT EXISTS (SELECT FROM compared
        WHERE compared.out_no = kept.out_no AND compared.verdict IS NOT NULL)
"""

LATER_BILL = """
UPDATE bill_break AS kept SET verdict = 'timing', resolver = :resolver, status = 'resolved',
    how = 'other_day', resolved_at = :now
FROM compared
WHERE compared.verdict = 'timing' AND compared.bill_fen IS NOT NULL
    AND kept.out_no = compared.out_no AND kept.book = :book AND kept.kind = :kind
    AND kept.bill_day <> :day AND kept.status = 'open'
    AND kept.verdict IN ('missing_there', 'timing')
"""
"""What one day's bill lacked stands in this one: of the next day, or of many days later."""

NEWER_WORD = """
UPDATE bill_break SET status = 'resolved', how = 'newer_word', resolved_at = :now
WHERE bill_day = :day AND status = 'open' AND answer IS NOT NULL AND (
    (kind = 'refund' AND verdict = 'state_differs' AND lower(answer) = local_state)
    OR (kind = 'payout' AND verdict = 'missing_here' AND answer NOT IN ('SUCCESS', 'NOT_FOUND')))
"""
