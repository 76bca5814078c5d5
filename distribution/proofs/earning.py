"""What commissions follow from: the payment, the rules and rates of its moment, and the cap."""

from distribution.proofs.proof import Proof

PROOFS = (
    Proof(
        # L9. The base is what the accrual's own record says was paid, by whom, for what and when.
        "commission.base_is_what_was_paid",
        """
        WITH said AS MATERIALIZED (
            SELECT id, kind, source, effective_at, convert_from(payload, 'UTF8')::jsonb AS payload
            FROM posting),
        line AS (
            SELECT id, line_source, figures, (figures ->> 3)::bigint AS cost_fen,
                   (figures ->> 4)::boolean AS is_commissioned
            FROM said, jsonb_each(payload -> 'lines') AS each (line_source, figures)
            WHERE kind = 'accrue')
        SELECT format('commission %s', commission.id),
               format('paid %s fen for %s pieces, base %s, recorded %s', paid_fen, quantity,
                      base_fen, coalesce(figures::text, 'nothing'))
        FROM commission JOIN said ON said.id = posting_id
        LEFT JOIN line ON line.id = posting_id AND line.line_source = commission.line_source
        WHERE kind <> 'accrue' OR source <> order_source OR payload ->> 'buyer' <> buyer_id::text
           OR jsonb_build_array(figures -> 0, figures -> 1, figures -> 2)
              <> jsonb_build_array(sku_id, paid_fen, quantity)
           OR base_fen <> CASE base_kind WHEN 'paid' THEN paid_fen
                                         ELSE greatest(paid_fen - coalesce(cost_fen, paid_fen), 0)
                          END
           OR (is_commissioned AND reason = 'campaign_off')
           OR (NOT is_commissioned AND reason IS NULL)
           OR (reason = 'no_cost') > (base_kind = 'profit' AND cost_fen IS NULL)
           OR accrued_at <> effective_at
        """,
    ),
    Proof(
        # The rate is the one of the rules, or of a stored rate for these goods and this grade.
        "commission.rate_is_the_rules",
        """
        WITH rule AS (
            SELECT version, levels, level1_bp, level2_bp, cap_bp, base_kind, pays_self_purchase
            FROM commission_rules
            UNION ALL SELECT 0, :levels, :level1_bp, :level2_bp, :cap_bp, :base_kind,
                             :pays_self_purchase),
        said AS MATERIALIZED (
            SELECT id, convert_from(payload, 'UTF8')::jsonb -> 'lines' AS lines
            FROM posting WHERE kind = 'accrue'),
        given AS (
            SELECT paid.*, rule.version, levels, rule.cap_bp AS rule_cap_bp,
                   rule.base_kind AS rule_base_kind, pays_self_purchase,
                   scope, target_id, rate.grade_id AS rate_grade_id,
                   lines -> paid.line_source -> 5 AS path,
                   CASE WHEN paid.rate_id IS NOT NULL
                        THEN CASE level WHEN 1 THEN rate.level1_bp ELSE rate.level2_bp END
                        ELSE CASE level WHEN 1 THEN rule.level1_bp ELSE rule.level2_bp END
                   END AS given_bp,
                   CASE level WHEN 1 THEN rate.level1_fen ELSE rate.level2_fen END AS given_fen
            FROM commission AS paid
            LEFT JOIN rule ON rule.version = rules_version
            LEFT JOIN commission_rate AS rate ON rate.id = rate_id
            LEFT JOIN said ON said.id = posting_id)
        SELECT format('commission %s', id),
               format('level %s by %s %s at %s bp or %s fen', level, rule, rate_id, rate_bp,
                      piece_fen)
        FROM given
        WHERE version IS NULL OR cap_bp <> rule_cap_bp OR base_kind <> rule_base_kind
           OR level > levels OR is_self_purchase > pays_self_purchase
           OR (rate_bp, piece_fen) IS DISTINCT FROM (given_bp, given_fen)
           OR rule <> CASE WHEN rate_id IS NULL THEN 'shop'
                           WHEN scope = 'shop' THEN 'grade'
                           WHEN rate_grade_id IS NULL THEN scope
                           ELSE scope || '_grade' END
           OR rate_grade_id <> coalesce(grade_id, 0)
           OR NOT CASE scope WHEN 'sku' THEN target_id = sku_id
                             WHEN 'spu' THEN target_id = spu_id
                             WHEN 'category' THEN coalesce(path @> to_jsonb(target_id), false)
                             ELSE true END
        """,
    ),
    Proof(
        # The amount is what rate, pieces, base and cap make it, level 1 served first.
        "commission.amount_is_what_the_rule_says",
        """
        WITH wanted AS (
            SELECT id, line_source, level, amount_fen, reason,
                   base_fen * cap_bp / 10000 AS cap_fen,
                   coalesce(piece_fen * quantity, base_fen * rate_bp / 10000) AS fen
            FROM commission),
        due AS (
            SELECT own.id, own.amount_fen,
                   CASE WHEN own.reason LIKE 'upline_%'
                          OR own.reason IN ('product_off', 'campaign_off', 'no_cost') THEN 0
                        ELSE least(own.fen, own.cap_fen - least(coalesce(near.fen, 0), own.cap_fen))
                   END AS fen
            FROM wanted AS own
            LEFT JOIN wanted AS near ON near.line_source = own.line_source
                 AND near.level < own.level)
        SELECT format('commission %s', id), format('%s fen, should be %s', amount_fen, fen)
        FROM due WHERE amount_fen <> fen
        """,
    ),
    Proof(
        # Both levels of a line together stay within the cap of the base, and within what was paid.
        "commission.levels_within_cap",
        """
        SELECT line_source, format('%s fen of %s fen paid', sum(amount_fen), max(paid_fen))
        FROM commission GROUP BY line_source
        HAVING sum(amount_fen) > min(base_fen * cap_bp / 10000)
            OR sum(amount_fen) > min(paid_fen)
        """,
    ),
    Proof(
        # L15. Level 1 was bound by the buyer, or is the buyer; level 2 by level 1 of the same line;
        # the binding was protected when the order was paid, and had not been replaced before. A
        # minute is for what was under way at the same time.
        "commission.beneficiary_was_an_upline",
        """
        WITH log AS (
            SELECT *, lead(logged_at) OVER (PARTITION BY member_id ORDER BY id) AS replaced_at,
                   lead(upline_member_id) OVER (PARTITION BY member_id ORDER BY id) AS next_id
            FROM binding_log)
        SELECT format('commission %s', paid.id),
               format('level %s to %s by binding %s', paid.level, paid.beneficiary_id, log.id)
        FROM commission AS paid
        LEFT JOIN log ON log.id = paid.binding_log_id
        LEFT JOIN commission AS near ON near.line_source = paid.line_source AND near.level = 1
        WHERE NOT paid.is_self_purchase
          AND (log.upline_member_id IS DISTINCT FROM paid.beneficiary_id
               OR log.member_id IS DISTINCT FROM
                  CASE paid.level WHEN 1 THEN paid.buyer_id ELSE near.beneficiary_id END
               OR log.protection_ends_at <= paid.accrued_at
               OR (next_id IS DISTINCT FROM log.upline_member_id
                   AND replaced_at + interval '1 minute' < paid.accrued_at))
        """,
    ),
)
