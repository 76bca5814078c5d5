"""
The balances of the shop's own accounts: a roll-up, plus the entries after it.

Postings neither lock nor update these accounts, so that they never queue for one row. A job rolls
them up now and then; the balances are exact at any time.
"""

from sqlalchemy import text
from sqlalchemy.orm import Session

from distribution.ledger import horizon
from distribution.ledger.states import SHOP_KINDS, AccountKind

_ROLL_UP = text(
    """
    UPDATE account
    SET debited_fen = debited_fen + tail.debited, credited_fen = credited_fen + tail.credited,
        version = version + tail.touches, rolled_to = :settled_to
    FROM (
        SELECT shop.id,
               coalesce(sum(amount_fen) FILTER (WHERE debit_account_id = shop.id), 0) AS debited,
               coalesce(sum(amount_fen) FILTER (WHERE credit_account_id = shop.id), 0) AS credited,
               count(entry.id) AS touches
        FROM account AS shop
        LEFT JOIN entry ON entry.id > shop.rolled_to AND entry.id <= :settled_to
                       AND shop.id IN (entry.debit_account_id, entry.credit_account_id)
        WHERE shop.member_id IS NULL
        GROUP BY shop.id
    ) AS tail
    WHERE account.id = tail.id AND :settled_to > rolled_to
    """
)
_HOLD = text("SELECT id FROM account WHERE member_id IS NULL ORDER BY id FOR NO KEY UPDATE")
"""One roll-up at a time; the foreign keys of new entries do not mind this lock."""
_BALANCES = text(
    """
    SELECT shop.kind, shop.balance_fen + coalesce(sum(
        CASE WHEN (shop.id = debit_account_id) = (shop.kind = 'expense')
             THEN amount_fen ELSE -amount_fen END), 0) AS fen
    FROM account AS shop
    LEFT JOIN entry ON entry.id > shop.rolled_to
                   AND shop.id IN (debit_account_id, credit_account_id)
    WHERE shop.member_id IS NULL
    GROUP BY shop.id
    """
)


def roll_up(session: Session) -> bool:
    """
    Bring the shop's accounts up to the last entry that is settled; nobody waits for it.

    False if somebody has been writing for too long to say which that is.
    """
    session.execute(_HOLD)
    settled_to = horizon.settled(session, "entry")
    if settled_to is None:
        return False
    session.execute(_ROLL_UP, {"settled_to": settled_to})
    return True


def balances(session: Session) -> dict[AccountKind, int]:
    """What each account of the shop holds, in fen; zeros before the first posting."""
    found = {AccountKind(row.kind): int(row.fen) for row in session.execute(_BALANCES)}
    return {kind: found.get(kind, 0) for kind in SHOP_KINDS}
