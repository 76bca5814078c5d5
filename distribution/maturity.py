"""Maturing: commissions become certain some days after the goods were received."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, any_, select, update
from sqlalchemy.orm import Session

from distribution import ledger, policy
from distribution.base import bigints
from distribution.models import Commission
from distribution.states import AccountKind, CommissionState, PostingKind

BATCH = 10_000
"""How many commissions mature in one transaction."""


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
    Mature up to `limit` commissions that are due; returns how many, 0 when none is left.

    What a distributor owes is repaid first, the rest becomes available. One set-based batch: rows
    another transaction holds are left to it, so it may run twice at once, and a crash undoes the
    states together with the money.
    """
    due = session.execute(
        select(
            Commission.id, Commission.beneficiary_id, Commission.amount_fen, Commission.clawed_fen
        )
        .where(Commission.state == CommissionState.FROZEN, Commission.mature_at <= now)
        .order_by(Commission.mature_at, Commission.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    if not due:
        return 0
    ids = sorted(row.id for row in due)
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
    _release(draft, due)
    session.execute(
        update(Commission)
        .where(Commission.id == any_(bigints(ids)))
        .values(state=CommissionState.MATURED, matured_posting_id=draft.posting_id),
        execution_options={"synchronize_session": False},
    )
    return len(ids)


def _release(draft: ledger.Draft, due: Sequence[Row[*tuple[Any, ...]]]) -> None:
    """Take what matures out of the frozen money: debts first, the rest is available."""
    fen_of: dict[int, int] = defaultdict(int)
    for row in due:
        fen_of[row.beneficiary_id] += row.amount_fen - row.clawed_fen
    kinds = (AccountKind.FROZEN, AccountKind.AVAILABLE, AccountKind.RECEIVABLE)
    draft.lock(fen_of, kinds)
    for member_id, amount_fen in sorted(fen_of.items()):
        owed_fen = draft.balance_fen(member_id, AccountKind.RECEIVABLE)
        repaid_fen, rest_fen = policy.split(amount_fen, owed_fen)
        draft.move(member_id, AccountKind.FROZEN, AccountKind.RECEIVABLE, repaid_fen)
        draft.move(member_id, AccountKind.FROZEN, AccountKind.AVAILABLE, rest_fen)
    draft.write()
