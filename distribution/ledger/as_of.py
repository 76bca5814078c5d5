"""
Balances at any past moment, as of two times: when things happened, and when we had recorded them.

History is never edited, so what was known at a moment is the sum of the entries recorded until
then. Both times matter: an event of Monday may be recorded on Tuesday.
"""

from collections import defaultdict
from datetime import datetime

from sqlalchemy import bindparam, text
from sqlalchemy.orm import Session

from distribution.base import Moment
from distribution.ledger.states import AccountKind

_BALANCES = text(
    """
    SELECT account.member_id, account.kind, sum(
        CASE WHEN (account.id = debit_account_id) = grows_by_debit THEN amount_fen
             ELSE -amount_fen END) AS fen
    FROM posting
    JOIN entry ON entry.posting_id = posting.id
    JOIN (SELECT *, kind IN ('receivable', 'expense') AS grows_by_debit FROM account) AS account
      ON account.id IN (debit_account_id, credit_account_id)
    WHERE effective_at <= :effective AND recorded_at <= :recorded
      AND (CAST(:member_id AS bigint) IS NULL
           OR (entry.member_id = :member_id AND account.member_id = :member_id))
    GROUP BY account.member_id, account.kind
    """
).bindparams(bindparam("effective", type_=Moment), bindparam("recorded", type_=Moment))

Balances = dict[AccountKind, int]
"""What is in the accounts of one owner, in fen, by kind."""


def balances(
    session: Session, *, effective: datetime, recorded: datetime, member_id: int | None = None
) -> dict[int | None, Balances]:
    """
    What everybody had at `effective`, as far as it was recorded at `recorded`; None is the shop.

    Of one member only if `member_id` is given. An account without an entry until then is left out.
    """
    asked = {"effective": effective, "recorded": recorded, "member_id": member_id}
    found: dict[int | None, Balances] = defaultdict(dict)
    for row in session.execute(_BALANCES, asked):
        found[row.member_id][AccountKind(row.kind)] = int(row.fen)
    return dict(found)
