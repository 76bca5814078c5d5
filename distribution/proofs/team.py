"""The team: bindings are what their log says, and nobody is above themselves."""

from distribution.proofs.proof import Proof

PROOFS = (
    Proof(
        # A binding is what the log last said, for everybody in the log.
        "team.binding_is_the_log",
        """
        WITH latest AS (
            SELECT DISTINCT ON (member_id) id, kind, member_id, upline_member_id, bound_at,
                   protection_ends_at
            FROM binding_log ORDER BY member_id, id DESC)
        SELECT format('member %s', member_id),
               format('bound to %s, log says %s', binding.upline_member_id, latest.upline_member_id)
        FROM binding FULL JOIN latest USING (member_id)
        WHERE (binding.log_id, binding.upline_member_id,
               binding.bound_at, binding.protection_ends_at)
              IS DISTINCT FROM
              (latest.id, latest.upline_member_id, latest.bound_at, latest.protection_ends_at)
          AND NOT (binding.log_id IS NULL AND latest.kind = 'unbind')
        """,
    ),
    Proof(
        # Each row of the log goes on where the one before ended: nobody was replaced unnamed.
        "team.log_has_no_gaps",
        """
        WITH log AS (
            SELECT *, lag(upline_member_id) OVER (PARTITION BY member_id ORDER BY id) AS before_id
            FROM binding_log)
        SELECT format('row %s of member %s', id, member_id),
               format('%s instead of %s, it was %s', kind, previous_upline_id, before_id)
        FROM log WHERE previous_upline_id IS DISTINCT FROM before_id
            OR (kind = 'extend' AND upline_member_id <> before_id)
        """,
    ),
    Proof(
        # A click that bound somebody was on what the upline had shared.
        "team.click_led_to_the_upline",
        """
        SELECT format('row %s of the log', log.id),
               format('bound to %s by a click on a link of %s', log.upline_member_id,
                      click.upline_member_id)
        FROM binding_log AS log JOIN share_click AS click ON click.id = log.click_id
        WHERE log.upline_member_id IS DISTINCT FROM click.upline_member_id
           OR click.member_id <> log.member_id OR click.clicked_at > log.logged_at
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
