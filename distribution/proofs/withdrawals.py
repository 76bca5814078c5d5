"""Withdrawals: what is set aside, what was paid and what came back, each once."""

from distribution.proofs.proof import Proof

PROOFS = (
    Proof(
        # L4. Money set aside is exactly what open withdrawals ask for.
        "withdrawal.withdrawing_is_what_is_open",
        """
        WITH asked AS (
            SELECT member_id, sum(amount_fen) AS fen FROM withdrawal
            WHERE state NOT IN ('paid', 'returned') GROUP BY member_id),
        held AS (SELECT member_id, balance_fen FROM account WHERE kind = 'withdrawing')
        SELECT format('member %s', member_id),
               format('account has %s fen, open withdrawals %s', balance_fen, fen)
        FROM held FULL JOIN asked USING (member_id)
        WHERE coalesce(balance_fen, 0) <> coalesce(fen, 0)
        """,
    ),
    Proof(
        # L10. A withdrawal is held once and ends at most once, as its row says, to the last fen.
        "withdrawal.postings_are_its_row",
        """
        WITH said AS (
            SELECT format('withdraw:%s:hold', no) AS idem_key, 'hold' AS kind, member_id,
                   amount_fen AS fen, 0 AS net, 0 AS fee, 0 AS tax
            FROM withdrawal
            UNION ALL
            SELECT format('withdraw:%s:done', no), 'pay_out', member_id, amount_fen,
                   net_fen, fee_fen, tax_fen
            FROM withdrawal WHERE state = 'paid'
            UNION ALL
            SELECT format('withdraw:%s:done', no), 'give_back', member_id, amount_fen, 0, 0, 0
            FROM withdrawal WHERE state = 'returned'),
        moved AS (
            SELECT idem_key, posting.kind, max(entry.member_id) AS member_id,
                   coalesce(sum(amount_fen), 0) AS fen,
                   coalesce(sum(amount_fen) FILTER (WHERE credit.kind = 'cash'), 0) AS net,
                   coalesce(sum(amount_fen) FILTER (WHERE credit.kind = 'fee'), 0) AS fee,
                   coalesce(sum(amount_fen) FILTER (WHERE credit.kind = 'tax'), 0) AS tax
            FROM posting LEFT JOIN entry ON entry.posting_id = posting.id
            LEFT JOIN account AS credit ON credit.id = credit_account_id
            WHERE posting.kind IN ('hold', 'pay_out', 'give_back')
            GROUP BY idem_key, posting.kind)
        SELECT coalesce(said.idem_key, moved.idem_key),
               format('posted %s of %s, row says %s of %s',
                      moved.kind, moved.fen, said.kind, said.fen)
        FROM said FULL JOIN moved USING (idem_key)
        WHERE (said.kind, said.member_id, said.fen, said.net, said.fee, said.tax)
              IS DISTINCT FROM
              (moved.kind, moved.member_id, moved.fen, moved.net, moved.fee, moved.tax)
        """,
    ),
)
