"""
One query per rule of the engine; each answers (subject, detail) for whatever breaks its rule.

What a CHECK or a foreign key already holds is not asked again: these are the rules between rows.
"""

from typing import NamedTuple


class Proof(NamedTuple):
    """A rule and the query that finds what breaks it."""

    rule: str
    query: str


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
                ('hold', 'available', 'withdrawing'))
        """,
    ),
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
        # L6. Earned less clawed back is what the distributor has less what they owe.
        "commission.earned_is_kept",
        """
        WITH earned AS (
            SELECT beneficiary_id AS member_id, sum(amount_fen - clawed_fen) AS fen
            FROM commission GROUP BY beneficiary_id),
        kept AS (
            SELECT member_id, sum(CASE kind WHEN 'receivable' THEN -balance_fen
                                            ELSE balance_fen END) AS fen
            FROM account WHERE member_id IS NOT NULL GROUP BY member_id)
        SELECT format('member %s', member_id),
               format('earned %s fen, has %s', earned.fen, kept.fen)
        FROM earned FULL JOIN kept USING (member_id)
        WHERE coalesce(earned.fen, 0) <> coalesce(kept.fen, 0)
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
        # L9. The base is what the accrual's own record says was paid, by whom, for what and when.
        "commission.base_is_what_was_paid",
        """
        WITH said AS MATERIALIZED (
            SELECT id, kind, source, effective_at, convert_from(payload, 'UTF8')::jsonb AS payload
            FROM posting),
        line AS (
            SELECT id, line_source, figures
            FROM said, jsonb_each(payload -> 'lines') AS each (line_source, figures))
        SELECT format('commission %s', commission.id),
               format('base %s fen, recorded %s', base_fen, coalesce(figures::text, 'nothing'))
        FROM commission JOIN said ON said.id = posting_id
        LEFT JOIN line ON line.id = posting_id AND line.line_source = commission.line_source
        WHERE kind <> 'accrue' OR source <> order_source OR payload ->> 'buyer' <> buyer_id::text
           OR figures IS DISTINCT FROM jsonb_build_array(sku_id, base_fen)
           OR accrued_at <> effective_at
        """,
    ),
    Proof(
        # The rate is the one of the rules of the moment of payment.
        "commission.rate_is_the_rules",
        """
        WITH rule AS (
            SELECT version, levels, level1_bp, level2_bp, cap_bp FROM commission_rules
            UNION ALL SELECT 0, :levels, :level1_bp, :level2_bp, :cap_bp),
        given AS (
            SELECT commission.id, level, rate_bp, commission.cap_bp AS stored_cap,
                   commission.sku_id, levels, rule.cap_bp, sku_rate.sku_id AS own_sku_id,
                   least(coalesce(sku_rate.level1_bp, rule.level1_bp), rule.cap_bp) AS first_bp,
                   coalesce(sku_rate.level2_bp, rule.level2_bp) AS second_bp
            FROM commission LEFT JOIN rule ON rule.version = rules_version
            LEFT JOIN sku_rate ON sku_rate.id = sku_rate_id)
        SELECT format('commission %s', id),
               format('level %s at %s of at most %s bp', level, rate_bp, stored_cap)
        FROM given
        WHERE cap_bp IS DISTINCT FROM stored_cap OR level > levels
           OR own_sku_id <> sku_id
           OR rate_bp <> CASE level WHEN 1 THEN first_bp
                                    ELSE least(second_bp, cap_bp - first_bp) END
        """,
    ),
    Proof(
        # Both levels of a line together stay within the cap.
        "commission.levels_within_cap",
        """
        SELECT line_source, format('%s fen on %s fen paid', sum(amount_fen), max(base_fen))
        FROM commission GROUP BY line_source
        HAVING sum(rate_bp) > min(cap_bp) OR sum(amount_fen) * 10000 > min(base_fen) * min(cap_bp)
        """,
    ),
    Proof(
        # L15. Level 1 was bound by the buyer, level 2 by level 1 of the same line.
        "commission.beneficiary_was_an_upline",
        """
        SELECT format('commission %s', paid.id),
               format('level %s to %s by binding %s', paid.level, paid.beneficiary_id, log.id)
        FROM commission AS paid
        JOIN binding_log AS log ON log.id = paid.binding_log_id
        LEFT JOIN commission AS near ON near.line_source = paid.line_source AND near.level = 1
        WHERE log.upline_member_id <> paid.beneficiary_id
           OR log.member_id IS DISTINCT FROM
              CASE paid.level WHEN 1 THEN paid.buyer_id ELSE near.beneficiary_id END
        """,
    ),
    Proof(
        # A binding is what the log last said, for everybody in the log.
        "team.binding_is_the_log",
        """
        WITH latest AS (
            SELECT DISTINCT ON (member_id) id, member_id, upline_member_id, bound_at
            FROM binding_log ORDER BY member_id, id DESC)
        SELECT format('member %s', member_id),
               format('bound to %s, log says %s', binding.upline_member_id, latest.upline_member_id)
        FROM binding FULL JOIN latest USING (member_id)
        WHERE (binding.log_id, binding.upline_member_id, binding.bound_at)
              IS DISTINCT FROM (latest.id, latest.upline_member_id, latest.bound_at)
        """,
    ),
    Proof(
        # L15. Going down from those without an upline meets everybody: there is no circle.
        "team.no_cycles",
        """
        WITH RECURSIVE reached AS (
            SELECT member_id FROM binding AS top
            WHERE NOT EXISTS (SELECT FROM binding WHERE member_id = top.upline_member_id)
            UNION ALL
            SELECT binding.member_id
            FROM binding JOIN reached ON binding.upline_member_id = reached.member_id)
        SELECT format('member %s', member_id), 'is above themselves, or below somebody who is'
        FROM binding WHERE member_id NOT IN (SELECT member_id FROM reached)
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
