"""
Our side of the comparison, as SQL: which rows a group is compared with, and when they differ.

Each query gives `out_no, wechat_no, fen, state, at, ledger_fen`; `at` is the moment that decides on
which day the row belongs, by WeChat's word where there is one. A payout is compared with the ledger
as well: the entry that took its money out of the shop. A refund that staff gave back by hand never
moved at WeChat, which closed it or never took it. Money that fitted nothing and that a person sent
back is no payment of ours, but it came in: WeChat said when, and how much, as the person was asked.
"""

from app.reconciliation.models import Book, LineKind

PAYMENTS = """
    SELECT out_trade_no AS out_no, transaction_id AS wechat_no, amount_fen AS fen, status AS state,
        paid_at AS at, amount_fen AS ledger_fen
    FROM payment WHERE paid_at IS NOT NULL
    UNION ALL
    SELECT money.out_trade_no, money.transaction_id, money.amount_fen, 'returned',
        coalesce((
            SELECT min(CAST(said.fact->>'success_time' AS timestamptz)) FROM pay_inbox AS said
            WHERE said.out_no = money.out_trade_no AND said.event_type = 'ANSWER'
                AND said.reason IS DISTINCT FROM 'malformed'
                AND said.fact->>'transaction_id' = money.transaction_id
        ), money.decided_at), money.amount_fen
    FROM quarantine_decision AS money WHERE money.decision = 'refund'
"""
ACCEPTED_REFUNDS = """
    SELECT out_refund_no AS out_no, refund_id AS wechat_no, amount_fen AS fen,
        CASE WHEN receipt_no IS NULL AND status <> 'replaced' THEN status ELSE 'closed' END
            AS state,
        submitted_at AS at, amount_fen AS ledger_fen
    FROM refund
    WHERE submitted_at IS NOT NULL AND status <> 'pending' AND refund_id IS NOT NULL
"""
REFUNDS = """
    SELECT out_refund_no AS out_no, refund_id AS wechat_no, amount_fen AS fen, status AS state,
        settled_at AS at, amount_fen AS ledger_fen
    FROM refund WHERE settled_at IS NOT NULL AND amount_fen > 0 AND receipt_no IS NULL
"""
PAYOUTS = """
    SELECT payout.out_bill_no AS out_no, payout.transfer_bill_no AS wechat_no,
        withdrawal.net_fen AS fen, payout.status AS state, payout.settled_at AS at,
        coalesce((SELECT sum(entry.amount_fen)::bigint
            FROM posting JOIN entry ON entry.posting_id = posting.id
            JOIN account ON account.id = entry.credit_account_id AND account.kind = 'cash'
            WHERE posting.idem_key = format('withdraw:%s:done', withdrawal.no)), 0) AS ledger_fen
    FROM payout JOIN withdrawal ON withdrawal.no = payout.out_bill_no
    WHERE payout.status = 'success'
"""

OURS = {
    (Book.TRADE, LineKind.PAYMENT): PAYMENTS,
    (Book.TRADE, LineKind.REFUND): ACCEPTED_REFUNDS,
    (Book.FUNDS, LineKind.PAYMENT): PAYMENTS,
    (Book.FUNDS, LineKind.REFUND): REFUNDS,
    (Book.FUNDS, LineKind.PAYOUT): PAYOUTS,
}

_OTHER_NUMBER = "local_wechat_no <> wechat_no AND wechat_no <> ''"
DIFFERING = {
    (Book.TRADE, LineKind.PAYMENT): _OTHER_NUMBER,
    # The bill is never made anew: PROCESSING and CHANGE may have become anything since.
    (Book.TRADE, LineKind.REFUND): (
        "bill_state = 'SUCCESS' AND local_state <> 'success'"
        " OR bill_state = 'FAIL' AND local_state NOT IN ('closed', 'abnormal', 'replaced')"
        f" OR {_OTHER_NUMBER}"
    ),
    (Book.FUNDS, LineKind.PAYMENT): _OTHER_NUMBER,
    (Book.FUNDS, LineKind.REFUND): _OTHER_NUMBER,
    (Book.FUNDS, LineKind.PAYOUT): _OTHER_NUMBER,
}
"""When the same money is told of differently."""
