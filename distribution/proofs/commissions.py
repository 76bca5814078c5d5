"""Commissions: what each follows from, and that the ledger holds what they are worth."""

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
        # L15. Level 1 was bound by the buyer, level 2 by level 1 of the same line; the binding was
        # protected when the order was paid, and had not been replaced before. A minute is for
        # what was under way at the same time.
        "commission.beneficiary_was_an_upline",
        """
        WITH log AS (
            SELECT *, lead(logged_at) OVER (PARTITION BY member_id ORDER BY id) AS replaced_at,
                   lead(upline_member_id) OVER (PARTITION BY member_id ORDER BY id) AS next_id
            FROM binding_log)
        SELECT format('commission %s', paid.id),
               format('level %s to %s by binding %s', paid.level, paid.beneficiary_id, log.id)
        FROM commission AS paid
        JOIN log ON log.id = paid.binding_log_id
        LEFT JOIN commission AS near ON near.line_source = paid.line_source AND near.level = 1
        WHERE log.upline_member_id IS DISTINCT FROM paid.beneficiary_id
           OR log.member_id IS DISTINCT FROM
              CASE paid.level WHEN 1 THEN paid.buyer_id ELSE near.beneficiary_id END
           OR log.protected_until <= paid.accrued_at
           OR (next_id IS DISTINCT FROM log.upline_member_id
               AND replaced_at + interval '1 minute' < paid.accrued_at)
        """,
    ),
)
