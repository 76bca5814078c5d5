"""The figures: the roll-up is the history until then; who stands where is the bindings."""

from distribution.proofs.proof import Proof

PROOFS = (
    Proof(
        # Period by period, added up anew from the entries that are rolled up.
        "figures.periods_are_the_history",
        """
        WITH fact AS (
            SELECT entry.id, posting_id, entry.member_id, amount_fen AS fen,
                   debit.kind AS debit, credit.kind AS credit,
                   CAST(effective_at AT TIME ZONE 'Asia/Shanghai' AS date) AS day
            FROM entry
            JOIN posting ON posting.id = posting_id
            JOIN account AS debit ON debit.id = debit_account_id
            JOIN account AS credit ON credit.id = credit_account_id
            WHERE posting_id <= (SELECT posting_id FROM period_rollup)),
        counted AS (
            SELECT member_id, unit, CAST(starts_on AS date) AS starts_on,
                   count(DISTINCT posting_id) FILTER (WHERE debit = 'expense') AS orders,
                   ARRAY [
                       sum(fen * (debit = 'expense')::int),
                       sum(fen * (credit = 'expense')::int),
                       sum(fen * (debit = 'frozen' AND credit IN ('available', 'receivable'))::int),
                       sum(fen * (credit IN ('cash', 'fee', 'tax'))::int),
                       sum(fen * (credit = 'fee')::int),
                       sum(fen * (credit = 'tax')::int),
                       sum(fen * ((debit = 'adjustment')::int - (credit = 'adjustment')::int)),
                       sum(fen * ((credit = 'frozen')::int - (debit = 'frozen')::int)),
                       sum(fen * ((credit = 'available')::int - (debit = 'available')::int)),
                       sum(fen * ((credit = 'withdrawing')::int - (debit = 'withdrawing')::int)),
                       sum(fen * ((debit = 'receivable')::int - (credit = 'receivable')::int))
                   ] AS amounts,
                   min(id) AS first_entry_id, max(id) AS last_entry_id
            FROM fact, LATERAL (VALUES
                ('day', day), ('week', day - CAST(extract(isodow FROM day) AS int) + 1),
                ('month', day - CAST(extract(day FROM day) AS int) + 1),
                ('total', DATE '1970-01-01')) AS span (unit, starts_on)
            GROUP BY member_id, unit, starts_on)
        SELECT format('member %s, %s from %s', member_id, unit, starts_on),
               format('has %s orders and %s, entries say %s and %s',
                      kept.orders, kept.earned_fen, counted.orders, counted.amounts[1])
        FROM counted FULL JOIN distributor_period AS kept USING (member_id, unit, starts_on)
        WHERE (counted.orders, counted.amounts, counted.first_entry_id, counted.last_entry_id)
              IS DISTINCT FROM (
                  kept.orders,
                  ARRAY [kept.earned_fen, kept.clawed_fen, kept.matured_fen, kept.withdrawn_fen,
                         kept.fee_fen, kept.tax_fen, kept.adjusted_fen, kept.frozen_fen,
                         kept.available_fen, kept.withdrawing_fen, kept.receivable_fen]::numeric[],
                  kept.first_entry_id, kept.last_entry_id)
        """,
    ),
    Proof(
        # What each buyer brought each upline, added up anew from the entries that are rolled up.
        "figures.people_are_the_history",
        """
        WITH counted AS (
            SELECT member_id AS upline_id, buyer_id AS member_id,
                   count(DISTINCT entry.posting_id) FILTER (WHERE debit_balance_fen IS NULL)
                       AS orders,
                   sum(entry.amount_fen) FILTER (WHERE debit_balance_fen IS NULL) AS earned_fen,
                   coalesce(sum(entry.amount_fen) FILTER (WHERE credit_balance_fen IS NULL), 0)
                       AS clawed_fen
            FROM entry JOIN commission ON commission.id = commission_id
            WHERE entry.posting_id <= (SELECT posting_id FROM period_rollup)
            GROUP BY member_id, buyer_id)
        SELECT format('member %s below %s', member_id, upline_id),
               format('brought %s fen, entries say %s', kept.earned_fen, counted.earned_fen)
        FROM counted FULL JOIN team_place AS kept USING (upline_id, member_id)
        WHERE (coalesce(counted.orders, 0), coalesce(counted.earned_fen, 0),
               coalesce(counted.clawed_fen, 0))
              IS DISTINCT FROM (kept.orders, kept.earned_fen, kept.clawed_fen)
        """,
    ),
    Proof(
        # Whoever looks for what is not rolled up yet begins early enough.
        "figures.tail_is_after_the_roll_up",
        """
        SELECT format('entry %s', entry.id), format('is not above %s', rolled.entry_id)
        FROM period_rollup AS rolled
        JOIN entry ON entry.posting_id > rolled.posting_id AND entry.id <= rolled.entry_id
        """,
    ),
    Proof(
        # Everybody stands where the bindings put them, and nowhere else.
        "team.places_are_the_bindings",
        """
        WITH bound AS (
            SELECT upline_member_id AS upline_id, member_id, 1 AS level, bound_at FROM binding
            UNION ALL
            SELECT far.upline_member_id, near.member_id, 2, near.bound_at
            FROM binding AS near JOIN binding AS far ON far.member_id = near.upline_member_id)
        SELECT format('member %s below %s', member_id, upline_id),
               format('stands on level %s, bindings say %s', place.level, bound.level)
        FROM bound
        FULL JOIN (SELECT * FROM team_place WHERE level IS NOT NULL) AS place
             USING (upline_id, member_id)
        WHERE (bound.level, bound.bound_at) IS DISTINCT FROM (place.level, place.bound_at)
        """,
    ),
    Proof(
        # As many people as stand somewhere are counted there.
        "team.sizes_are_the_places",
        """
        WITH counted AS (
            SELECT upline_id AS member_id, count(*) FILTER (WHERE level = 1) AS near,
                   count(*) FILTER (WHERE level = 2) AS far
            FROM team_place GROUP BY upline_id)
        SELECT format('member %s', member_id),
               format('counts %s and %s, there are %s and %s',
                      level1_count, level2_count, near, far)
        FROM counted FULL JOIN team_size USING (member_id)
        WHERE coalesce(near, 0) <> coalesce(level1_count, 0)
           OR coalesce(far, 0) <> coalesce(level2_count, 0)
        """,
    ),
)
