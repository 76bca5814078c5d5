"""The ledger: what accounts, postings and entries must say of each other."""

from distribution.proofs.proof import Proof

PROOFS = (
    Proof(
        # L1. Zero-sum: what distributors have is what commissions cost the shop.
        "ledger.accounts_sum_to_zero",
        """
        WITH stored AS (SELECT sum(credited_fen - debited_fen) AS fen FROM account),
        tail AS (
            SELECT sum(CASE shop.id WHEN credit_account_id THEN amount_fen
                                    ELSE -amount_fen END) AS fen
            FROM account AS shop
            JOIN entry ON entry.id > shop.rolled_to
                      AND shop.id IN (debit_account_id, credit_account_id)
            WHERE shop.member_id IS NULL)
        SELECT 'all accounts', format('sum is %s fen', stored.fen + coalesce(tail.fen, 0))
        FROM stored, tail WHERE stored.fen + coalesce(tail.fen, 0) <> 0
        """,
    ),
    Proof(
        # L2. An account's row is the sum of its entries (the shop's: up to its roll-up).
        "ledger.balance_is_sum_of_entries",
        """
        WITH side AS (
            SELECT id, debit_account_id AS account_id, amount_fen AS debit, 0 AS credit FROM entry
            UNION ALL SELECT id, credit_account_id, 0, amount_fen FROM entry),
        total AS (
            SELECT account.id, coalesce(sum(debit), 0) AS debited,
                   coalesce(sum(credit), 0) AS credited, count(side.id) AS touches
            FROM account LEFT JOIN side ON side.account_id = account.id
                 AND (account.member_id IS NOT NULL OR side.id <= account.rolled_to)
            GROUP BY account.id)
        SELECT format('account %s (%s of %s)', account.id, kind, coalesce(member_id::text, 'shop')),
               format('row has %s/%s in %s entries, entries have %s/%s in %s',
                      debited_fen, credited_fen, version, debited, credited, touches)
        FROM account JOIN total USING (id)
        WHERE (debited_fen, credited_fen, version) <> (debited, credited, touches)
        """,
    ),
    Proof(
        # L2, entry by entry: the balances a statement shows are those the entries lead to.
        "ledger.running_balance",
        """
        WITH side AS (
            SELECT id, debit_account_id AS account_id, debit_balance_fen AS stored,
                   amount_fen AS net FROM entry
            UNION ALL
            SELECT id, credit_account_id, credit_balance_fen, -amount_fen FROM entry),
        running AS (
            SELECT side.id, account.member_id, stored,
                   sum(CASE kind WHEN 'receivable' THEN net ELSE -net END)
                       OVER (PARTITION BY account_id ORDER BY side.id) AS fen
            FROM side JOIN account ON account.id = side.account_id)
        SELECT format('entry %s', id), format('shows %s, leads to %s', stored, fen)
        FROM running
        WHERE stored IS DISTINCT FROM CASE WHEN member_id IS NOT NULL THEN fen END
        """,
    ),
    Proof(
        # L1. Entries take the ways their event allows, between accounts of one distributor.
        "ledger.entry_fits_posting",
        """
        SELECT format('entry %s', entry.id),
               format('%s moves %s to %s', posting.kind, debit.kind, credit.kind)
        FROM entry
        JOIN posting ON posting.id = posting_id
        JOIN account AS debit ON debit.id = debit_account_id
        JOIN account AS credit ON credit.id = credit_account_id
        WHERE coalesce(debit.member_id, entry.member_id) <> entry.member_id
           OR coalesce(credit.member_id, entry.member_id) <> entry.member_id
           OR (posting.kind, debit.kind, credit.kind) NOT IN (
                ('accrue', 'expense', 'frozen'), ('claw_back', 'frozen', 'expense'),
                ('claw_back', 'available', 'expense'), ('claw_back', 'receivable', 'expense'),
                ('mature', 'frozen', 'receivable'), ('mature', 'frozen', 'available'),
                ('hold', 'available', 'withdrawing'),
                ('pay_out', 'withdrawing', 'cash'), ('pay_out', 'withdrawing', 'fee'),
                ('pay_out', 'withdrawing', 'tax'), ('give_back', 'withdrawing', 'receivable'),
                ('give_back', 'withdrawing', 'available'), ('adjust', 'adjustment', 'receivable'),
                ('adjust', 'adjustment', 'available'), ('adjust', 'available', 'adjustment'),
                ('adjust', 'receivable', 'adjustment'))
        """,
    ),
    Proof(
        # L7. Nobody has money to withdraw while owing some.
        "ledger.debts_are_repaid_first",
        """
        SELECT format('member %s', owed.member_id),
               format('owes %s fen with %s available', owed.balance_fen, free.balance_fen)
        FROM account AS owed JOIN account AS free USING (member_id)
        WHERE owed.kind = 'receivable' AND owed.balance_fen > 0
          AND free.kind = 'available' AND free.balance_fen > 0
        """,
    ),
    Proof(
        # What two people agreed to, and nothing else, is what was moved by hand.
        "ledger.adjustments_are_agreed",
        """
        WITH moved AS (
            SELECT posting_id, sum(CASE WHEN debit_balance_fen IS NULL THEN amount_fen
                                        ELSE -amount_fen END) AS fen
            FROM entry JOIN posting ON posting.id = posting_id
            WHERE kind = 'adjust' GROUP BY posting_id),
        said AS (
            SELECT source, effective_at, moved.fen, CASE kind WHEN 'adjust'
                   THEN convert_from(payload, 'UTF8')::jsonb END AS payload
            FROM posting LEFT JOIN moved ON moved.posting_id = posting.id
            WHERE kind = 'adjust'),
        agreed AS (
            SELECT 'adjustment:' || no AS source, decided_at,
                   CASE kind WHEN 'take' THEN -amount_fen ELSE amount_fen END AS fen,
                   jsonb_build_object(
                       'member', member_id, 'kind', kind, 'fen', amount_fen, 'reason', reason,
                       'requested_by', requested_by, 'approved_by', decided_by) AS payload
            FROM ledger_adjustment WHERE state = 'approved')
        SELECT source, format('agreed %s, moved %s fen for %s', agreed.payload, said.fen,
                              said.payload)
        FROM agreed FULL JOIN said USING (source)
        WHERE (agreed.payload, agreed.fen, decided_at)
              IS DISTINCT FROM (said.payload, said.fen, effective_at)
        """,
    ),
    Proof(
        # L11. History cannot be changed: the triggers are there and on.
        "ledger.history_is_guarded",
        """
        SELECT format('table %s', name), 'may be updated, deleted from or truncated'
        FROM unnest(CAST(:append_only AS text[])) AS name
        WHERE NOT EXISTS (
            SELECT FROM pg_trigger
            WHERE tgrelid = to_regclass(name) AND tgname = 'append_only'
              AND tgenabled IN ('O', 'A') AND tgtype & 58 = 58)
        """,
    ),
)
