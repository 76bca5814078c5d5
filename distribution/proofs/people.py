"""The people: standing and grade are what their logs say, and sums are what was bought."""

from distribution.proofs.proof import Proof

PROOFS = (
    Proof(
        # A distributor's status is what the log last said, and each entry follows the one before.
        "team.status_is_the_log",
        """
        WITH told AS (
            SELECT member_id, id, status, changed_at, from_status,
                   lag(status) OVER (PARTITION BY member_id ORDER BY id) AS before,
                   max(id) OVER (PARTITION BY member_id) AS latest
            FROM distributor_status_log)
        SELECT format('distributor %s', member_id),
               format('is %s, log says %s', distributor.status, told.status)
        FROM distributor FULL JOIN told USING (member_id)
        WHERE told.from_status IS DISTINCT FROM before
           OR (id IS NOT DISTINCT FROM latest AND (distributor.status, status_at)
               IS DISTINCT FROM (told.status, changed_at))
        """,
    ),
    Proof(
        # A distributor's grade is what the log last said, and each entry follows the one before.
        "team.grade_is_the_log",
        """
        WITH told AS (
            SELECT member_id, id, grade_id, is_locked, from_grade_id, changed_at,
                   lag(grade_id) OVER (PARTITION BY member_id ORDER BY id) AS before,
                   max(id) OVER (PARTITION BY member_id) AS latest
            FROM distributor_grade_log)
        SELECT format('distributor %s', member_id),
               format('has grade %s, log says %s', distributor.grade_id, told.grade_id)
        FROM distributor FULL JOIN told USING (member_id)
        WHERE told.from_grade_id IS DISTINCT FROM before
           OR (id IS NULL AND distributor.grade_id IS NOT NULL)
           OR (id = latest AND (distributor.grade_id, is_grade_locked, graded_at)
               IS DISTINCT FROM (told.grade_id, told.is_locked, changed_at))
        """,
    ),
    Proof(
        # Nobody has a grade that is out of use.
        "team.grade_is_in_use",
        """
        SELECT format('distributor %s', member_id), format('has archived grade %s', grade_id)
        FROM distributor JOIN distributor_grade ON distributor_grade.id = grade_id
        WHERE archived_at IS NOT NULL
        """,
    ),
    Proof(
        # What each buyer bought below each upline is the sum of the orders that count.
        "team.customers_are_the_purchases",
        """
        WITH counted AS (
            SELECT upline_member_id, buyer_id, count(*) AS orders, sum(kept_fen) AS fen
            FROM purchase
            WHERE completed_at IS NOT NULL AND kept_fen > 0 AND upline_member_id IS NOT NULL
            GROUP BY upline_member_id, buyer_id)
        SELECT format('buyer %s below %s', buyer_id, upline_member_id),
               format('row has %s orders of %s fen, orders say %s of %s',
                      pair.orders, pair.kept_fen, counted.orders, counted.fen)
        FROM direct_customer AS pair FULL JOIN counted USING (upline_member_id, buyer_id)
        WHERE (coalesce(pair.orders, 0), coalesce(pair.kept_fen, 0))
           <> (coalesce(counted.orders, 0), coalesce(counted.fen, 0))
        """,
    ),
    Proof(
        # What counts for a member is the sum of the orders that count.
        "team.facts_are_the_purchases",
        """
        WITH side AS (
            SELECT buyer_id AS member_id, count(*) AS own_orders, sum(kept_fen) AS own_fen,
                   0 AS orders, 0 AS fen, 0 AS people
            FROM purchase WHERE completed_at IS NOT NULL AND kept_fen > 0 GROUP BY buyer_id
            UNION ALL
            SELECT upline_member_id, 0, 0, count(*), sum(kept_fen), count(DISTINCT buyer_id)
            FROM purchase WHERE completed_at IS NOT NULL AND kept_fen > 0
                            AND upline_member_id IS NOT NULL
            GROUP BY upline_member_id),
        counted AS (
            SELECT member_id, sum(own_orders) AS own_orders, sum(own_fen) AS own_fen,
                   sum(orders) AS orders, sum(fen) AS fen, sum(people) AS people
            FROM side GROUP BY member_id)
        SELECT format('member %s', member_id),
               format('row has %s, orders say %s',
                      (own_orders_row, own_fen_row, orders_row, fen_row, people_row),
                      (own_orders, own_fen, orders, fen, people))
        FROM (SELECT member_id, own_orders AS own_orders_row, own_spend_fen AS own_fen_row,
                     level1_orders AS orders_row, level1_fen AS fen_row,
                     direct_customers AS people_row FROM member_facts) AS stored
        FULL JOIN counted USING (member_id)
        WHERE (coalesce(own_orders_row, 0), coalesce(own_fen_row, 0), coalesce(orders_row, 0),
               coalesce(fen_row, 0), coalesce(people_row, 0))
           <> (coalesce(own_orders, 0), coalesce(own_fen, 0), coalesce(orders, 0),
               coalesce(fen, 0), coalesce(people, 0))
        """,
    ),
)
