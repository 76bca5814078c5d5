"""The people: a distributor's standing is what its log says."""

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
)
