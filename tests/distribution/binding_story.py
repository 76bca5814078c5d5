"""What the tests of binding ask: whose a member is, and what the log says of them."""

from distribution.team import rebinding
from tests.builders.distribution import uplines_of


def upline_of(session, member_id, now=None):
    found = uplines_of(session, member_id, now=now)
    return found[0].member_id if found else None


def log_of(session, member_id):
    rows = rebinding.history(session, member_id)
    return [(str(row.kind), row.previous_upline_id, row.upline_member_id) for row in rows[::-1]]
