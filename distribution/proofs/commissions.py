"""Commissions: the ledger holds what they are worth, and open claims keep them from maturing."""

from distribution.proofs.proof import Proof

PROOFS = (
    Proof(
        # L3. Frozen money is exactly what has not matured yet.
        "commission.frozen_is_what_is_not_mature",
        """
        WITH due AS (
            SELECT beneficiary_id AS member_id, sum(amount_fen - clawed_fen) AS fen
            FROM commission WHERE state = 'frozen' GROUP BY beneficiary_id),
        held AS (SELECT member_id, balance_fen FROM account WHERE kind = 'frozen')
        SELECT format('member %s', member_id),
               format('account has %s fen, commissions have %s', balance_fen, fen)
        FROM held FULL JOIN due USING (member_id)
        WHERE coalesce(balance_fen, 0) <> coalesce(fen, 0)
        """,
    ),
    Proof(
        # L5. What entries say a commission brought and gave back is what its row says.
        "commission.row_is_its_entries",
        """
        WITH moved AS (
            SELECT commission_id, min(entry.member_id) AS low, max(entry.member_id) AS high,
                   coalesce(sum(amount_fen) FILTER (WHERE kind = 'accrue'), 0) AS accrued,
                   coalesce(sum(amount_fen) FILTER (WHERE kind = 'claw_back'), 0) AS clawed
            FROM entry JOIN posting ON posting.id = posting_id
            WHERE commission_id IS NOT NULL GROUP BY commission_id)
        SELECT format('commission %s', id),
               format('row has %s earned, %s clawed; entries have %s, %s',
                      amount_fen, clawed_fen, accrued, moved.clawed)
        FROM commission LEFT JOIN moved ON moved.commission_id = commission.id
        WHERE (amount_fen, clawed_fen) <> (coalesce(accrued, 0), coalesce(moved.clawed, 0))
           OR low <> beneficiary_id OR high <> beneficiary_id
        """,
    ),
    Proof(
        # L5. A batch released what its commissions were worth when it ran, and not before time.
        "commission.matured_is_what_was_released",
        """
        WITH early AS (
            SELECT commission_id, sum(amount_fen) AS fen
            FROM entry JOIN account ON account.id = debit_account_id
            WHERE kind = 'frozen' AND commission_id IS NOT NULL GROUP BY commission_id),
        worth AS (
            SELECT matured_posting_id AS posting_id, beneficiary_id AS member_id,
                   sum(amount_fen - coalesce(early.fen, 0)) AS fen, max(mature_at) AS mature_at
            FROM commission LEFT JOIN early ON early.commission_id = commission.id
            WHERE state = 'matured' GROUP BY 1, 2),
        released AS (
            SELECT posting_id, member_id, sum(amount_fen) AS fen, min(effective_at) AS at
            FROM entry JOIN posting ON posting.id = posting_id
            WHERE kind = 'mature' GROUP BY 1, 2)
        SELECT format('posting %s, member %s', posting_id, member_id),
               format('released %s fen, commissions were worth %s', released.fen, worth.fen)
        FROM worth FULL JOIN released USING (posting_id, member_id)
        WHERE worth.fen IS DISTINCT FROM released.fen OR mature_at > at
        """,
    ),
    Proof(
        # L6. Earned less clawed back, and what was given by hand less what was taken by hand, is
        # what the distributor has, less what they owe, and what withdrawals took.
        "commission.earned_is_kept",
        """
        WITH earned AS (
            SELECT beneficiary_id AS member_id, sum(amount_fen - clawed_fen) AS fen
            FROM commission GROUP BY beneficiary_id),
        share AS (
            SELECT member_id, kind, CASE kind WHEN 'receivable' THEN -balance_fen
                                              ELSE balance_fen END AS fen
            FROM account WHERE member_id IS NOT NULL
            UNION ALL
            SELECT entry.member_id, kind, CASE WHEN debit_balance_fen IS NULL THEN -amount_fen
                                               ELSE amount_fen END
            FROM entry JOIN account
              ON account.id = CASE WHEN debit_balance_fen IS NULL THEN debit_account_id
                                   ELSE credit_account_id END
            WHERE kind IN ('cash', 'fee', 'tax', 'adjustment')),
        kept AS (SELECT member_id, sum(fen) AS fen FROM share GROUP BY member_id)
        SELECT format('member %s', member_id),
               format('earned %s fen, has and had %s', earned.fen, kept.fen)
        FROM earned FULL JOIN kept USING (member_id)
        WHERE coalesce(earned.fen, 0) <> coalesce(kept.fen, 0)
        """,
    ),
    Proof(
        # What is claimed does not mature: a commission counts the open claims on its line.
        "commission.claims_are_counted",
        """
        WITH open AS (
            SELECT line_source, count(*) AS claims
            FROM commission_claim WHERE settled_at IS NULL GROUP BY line_source)
        SELECT format('commission %s', id),
               format('counts %s claims, has %s', commission.claims, coalesce(open.claims, 0))
        FROM commission LEFT JOIN open USING (line_source)
        WHERE commission.claims <> coalesce(open.claims, 0)
        """,
    ),
)
