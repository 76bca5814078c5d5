"""
Maturing: commissions become certain some days after the goods were received.

Not while the line has an open claim: `claims` keeps count of those.
"""

from datetime import datetime

from sqlalchemy import ARRAY, BigInteger, bindparam, select, text, update
from sqlalchemy.orm import Session

from distribution import ledger
from distribution.base import Moment
from distribution.commissions import policy
from distribution.commissions.models import Commission
from distribution.commissions.states import CommissionState
from distribution.ledger.states import AccountKind, PostingKind

BATCH = 10_000
"""How many commissions mature in one transaction."""

_DUE = text(
    """
    WITH due AS (
        SELECT id, beneficiary_id, amount_fen - clawed_fen AS fen FROM commission
        WHERE state = 'frozen' AND claims = 0 AND mature_at <= :now
        ORDER BY mature_at, id LIMIT :limit
        FOR UPDATE SKIP LOCKED)
    SELECT beneficiary_id, sum(fen) AS fen, array_agg(id) AS ids FROM due GROUP BY beneficiary_id
    """
).bindparams(bindparam("now", type_=Moment))
_MARK = text(
    """
    UPDATE commission SET state = 'matured', matured_posting_id = :posting_id
    FROM unnest(:ids) AS due (id) WHERE commission.id = due.id
    """
).bindparams(bindparam("ids", type_=ARRAY(BigInteger)))


def schedule_maturity(session: Session, *, order_source: str, mature_at: datetime) -> int:
    """
    Let an order's frozen commissions mature at `mature_at`: the goods have been received.

    The first moment set stands. Returns how many commissions were scheduled.
    """
    waiting = (
        select(Commission.id)
        .where(
            Commission.order_source == order_source,
            Commission.state == CommissionState.FROZEN,
            Commission.mature_at.is_(None),
        )
        .order_by(Commission.id)
        .with_for_update()
    )
    ids = session.scalars(waiting).all()
    session.execute(
        update(Commission).where(Commission.id.in_(ids)).values(mature_at=mature_at),
        execution_options={"synchronize_session": False},
    )
    return len(ids)


def mature_due(session: Session, *, now: datetime, limit: int = BATCH) -> int:
    """
    Mature up to `limit` commissions that are due and unclaimed; how many, 0 when none is left.

    What a distributor owes is repaid first, the rest becomes available. One set-based batch: rows
    another transaction holds are left to it, so it may run twice at once, and a crash undoes the
    states together with the money.
    """
    due = session.execute(_DUE, {"now": now, "limit": limit}).all()
    if not due:
        return 0
    ids = sorted(commission_id for row in due for commission_id in row.ids)
    # A commission matures once, so the first one's id names the batch for ever.
    draft = ledger.reserve(
        session,
        idem_key=f"mature:{ids[0]}",
        kind=PostingKind.MATURE,
        source=f"batch:{ids[0]}",
        payload={"commissions": len(ids), "first": ids[0], "last": ids[-1]},
        now=now,
    )
    assert draft is not None, "a frozen commission has no maturing on record"
    _release(draft, {row.beneficiary_id: int(row.fen) for row in due})
    session.execute(_MARK, {"ids": ids, "posting_id": draft.posting_id})
    return len(ids)


def _release(draft: ledger.Draft, fen_of: dict[int, int]) -> None:
    """Take what matures out of the frozen money: debts first, the rest is available."""
    kinds = (AccountKind.FROZEN, AccountKind.AVAILABLE, AccountKind.RECEIVABLE)
    draft.lock(fen_of, kinds)
    for member_id, amount_fen in sorted(fen_of.items()):
        owed_fen = draft.balance_fen(member_id, AccountKind.RECEIVABLE)
        repaid_fen, rest_fen = policy.split(amount_fen, owed_fen)
        draft.move(member_id, AccountKind.FROZEN, AccountKind.RECEIVABLE, repaid_fen)
        draft.move(member_id, AccountKind.FROZEN, AccountKind.AVAILABLE, rest_fen)
    draft.write()
