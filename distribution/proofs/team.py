"""The team: bindings are what their log says, and nobody is above themselves."""

from distribution.proofs.proof import Proof

PROOFS = (
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
)
