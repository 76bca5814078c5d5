"""Claw-back: a refund takes back exactly the share of a commission that its money had earned."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, case, select, update
from sqlalchemy.orm import Session

from distribution import ledger
from distribution.commissions import policy
from distribution.commissions.models import Commission
from distribution.commissions.states import CommissionState
from distribution.ledger.states import AccountKind, PostingKind


class RefundExceedsPayment(Exception):
    """More is said to be refunded of a line than was paid for it."""


@dataclass(frozen=True, slots=True)
class RefundedLine:
    """One line of a refund. `refunded_fen_total` is all that was ever refunded of it, with this."""

    line_source: str
    refunded_fen_total: int


def claw_back(
    session: Session, *, refund_source: str, lines: Sequence[RefundedLine], now: datetime
) -> None:
    """
    Take back, per line and level, the share of the commission that the refunded share of it earned.

    What must be back after all refunds depends on their total alone, so refunds may arrive in any
    order. Before maturing it leaves the frozen money; after it the available money as far as that
    goes, and the rest becomes a debt. The refund's second claw-back changes nothing.

    :raises RefundExceedsPayment: a line's total is more than was paid for it.
    :raises ledger.KeyReused: the refund was clawed back before with other figures.
    """
    totals = {line.line_source: line.refunded_fen_total for line in lines}
    if not _earning(session, totals):
        return
    draft = ledger.reserve(
        session,
        idem_key=f"claw:{refund_source}",
        kind=PostingKind.CLAW_BACK,
        source=refund_source,
        payload={"lines": totals},
        now=now,
    )
    if draft is None:
        return
    due = [
        (row, missing)
        for row in _earning(session, totals, lock=True)
        if (missing := _still_to_claw(row, totals[row.line_source])) > 0
    ]
    kinds = (AccountKind.FROZEN, AccountKind.AVAILABLE, AccountKind.RECEIVABLE)
    draft.lock({row.beneficiary_id for row, _ in due}, kinds)
    for row, missing in due:
        _claw(draft, row, missing)
    draft.write()
    _mark_clawed(session, {row.id: missing for row, missing in due})


def _earning(
    session: Session, totals: dict[str, int], *, lock: bool = False
) -> Sequence[Row[*tuple[Any, ...]]]:
    """The commissions of these lines that earned something, in id order."""
    statement = (
        select(
            Commission.id, Commission.line_source, Commission.beneficiary_id, Commission.state,
            Commission.paid_fen, Commission.amount_fen, Commission.clawed_fen,
        )
        .where(
            Commission.line_source.in_(sorted(totals)),
            Commission.state != CommissionState.UNEARNED,
        )
        .order_by(Commission.id)
    )  # fmt: skip
    return session.execute(statement.with_for_update() if lock else statement).all()


def _still_to_claw(row: Row[*tuple[Any, ...]], refunded_fen: int) -> int:
    try:
        target_fen = policy.clawed_target_fen(
            row.amount_fen, refunded_fen=refunded_fen, paid_fen=row.paid_fen
        )
    except ValueError as error:
        raise RefundExceedsPayment(f"{row.line_source}: {error}") from error
    clawed_fen: int = row.clawed_fen
    return target_fen - clawed_fen


def _claw(draft: ledger.Draft, row: Row[*tuple[Any, ...]], missing_fen: int) -> None:
    """Move what is missing back: out of the frozen money, or the available and then a debt."""
    member_id = row.beneficiary_id
    if row.state == CommissionState.FROZEN:
        moves = {AccountKind.FROZEN: missing_fen}
    else:
        available_fen = draft.balance_fen(member_id, AccountKind.AVAILABLE)
        covered_fen, owed_fen = policy.split(missing_fen, available_fen)
        moves = {AccountKind.AVAILABLE: covered_fen, AccountKind.RECEIVABLE: owed_fen}
    for debit, amount_fen in moves.items():
        draft.move(member_id, debit, AccountKind.EXPENSE, amount_fen, commission_id=row.id)


def _mark_clawed(session: Session, missing: dict[int, int]) -> None:
    """Raise what is clawed; a frozen commission that is clawed in full never matures."""
    if not missing:
        return
    clawed_fen = Commission.clawed_fen + case(missing, value=Commission.id)
    is_all_frozen = (Commission.state == CommissionState.FROZEN) & (
        clawed_fen == Commission.amount_fen
    )
    session.execute(
        update(Commission)
        .where(Commission.id.in_(missing))
        .values(
            clawed_fen=clawed_fen,
            state=case((is_all_frozen, CommissionState.CLAWED), else_=Commission.state),
        ),
        execution_options={"synchronize_session": False},
    )
