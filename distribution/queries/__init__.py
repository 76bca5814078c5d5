"""What a distributor sees of the ledger and the team, and why a line earned what it did."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    SQLColumnExpression,
    any_,
    case,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy.orm import Session

from distribution.base import bigints
from distribution.commissions.models import Commission
from distribution.commissions.states import BaseKind, CommissionState, RuleName, Unearned
from distribution.ledger import MEMBER_KINDS
from distribution.ledger.models import Account, Entry
from distribution.ledger.states import AccountKind
from distribution.queries.orders import LineState, Maturing, Promoted, maturing, promoted
from distribution.queries.statements import Move, StatementLine, statement
from distribution.queries.teams import team_page
from distribution.team.grade_models import DistributorGrade
from distribution.team.models import BindingLog
from distribution.team.people import TeamWanted

__all__ = [
    "Explanation",
    "LineState",
    "Maturing",
    "Move",
    "Promoted",
    "StatementLine",
    "Summary",
    "TeamWanted",
    "earned_by",
    "explain",
    "explain_one",
    "maturing",
    "promoted",
    "statement",
    "summaries",
    "summary",
    "team_page",
]


@dataclass(frozen=True, slots=True)
class Summary:
    """What a distributor has, owes and ever earned, in fen."""

    frozen_fen: int
    available_fen: int
    withdrawing_fen: int
    receivable_fen: int
    earned_fen: int
    """All that was ever accrued."""
    clawed_fen: int
    """What refunds took back of it."""
    withdrawn_fen: int
    """What withdrawals took, with what was kept of them as fee and tax."""
    adjusted_fen: int
    """What was given by hand less what was taken by hand."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """
    Why a line earned somebody what it did: base, rule, grade, cap and binding, or why nothing.

    All of it is as it was when the order was paid.
    """

    commission_id: int
    order_source: str
    line_source: str
    sku_id: int
    spu_id: int
    buyer_id: int
    level: int
    beneficiary_id: int
    quantity: int
    paid_fen: int
    base_kind: BaseKind
    base_fen: int
    grade_id: int | None
    grade_name: str | None
    rule: RuleName
    rate_id: int | None
    rate_bp: int | None
    piece_fen: int | None
    cap_bp: int
    amount_fen: int
    clawed_fen: int
    state: CommissionState
    claims: int
    """How many after-sales of the line are open: it does not mature meanwhile."""
    reason: Unearned | None
    rules_version: int
    is_self_purchase: bool
    accrued_at: datetime
    mature_at: datetime | None
    bound_at: datetime | None
    """NULL with `origin`: nobody brought the buyer, it is their own order."""
    origin: str | None


PAID_OUT = (AccountKind.CASH, AccountKind.FEE, AccountKind.TAX)
"""Where a withdrawal goes when it arrives."""

_EXPLAINED = (
    Commission.id.label("commission_id"),
    Commission.order_source,
    Commission.line_source,
    Commission.sku_id,
    Commission.spu_id,
    Commission.buyer_id,
    Commission.level,
    Commission.beneficiary_id,
    Commission.quantity,
    Commission.paid_fen,
    Commission.base_kind,
    Commission.base_fen,
    Commission.grade_id,
    DistributorGrade.name.label("grade_name"),
    Commission.rule,
    Commission.rate_id,
    Commission.rate_bp,
    Commission.piece_fen,
    Commission.cap_bp,
    Commission.amount_fen,
    Commission.clawed_fen,
    Commission.state,
    Commission.claims,
    Commission.reason,
    Commission.rules_version,
    Commission.is_self_purchase,
    Commission.accrued_at,
    Commission.mature_at,
    BindingLog.bound_at,
    BindingLog.origin,
)


def summary(session: Session, member_id: int) -> Summary:
    """What a distributor has and owes; zeros for whoever has no accounts."""
    return summaries(session, [member_id])[member_id]


def summaries(session: Session, member_ids: Sequence[int]) -> dict[int, Summary]:
    """
    What each of these members has and owes. One query.

    What is frozen was all credited by accruals, and what is not here any more was withdrawn, taken
    by hand or clawed back. So four rows, and the few entries of withdrawals and adjustments, tell
    all of a member, however many orders there were.
    """
    own = select(Account.member_id, Account.kind, Account.balance_fen, Account.credited_fen).where(
        Account.member_id == any_(bigints(member_ids))
    )
    rows = session.execute(own.union_all(_with_the_shop(member_ids)))
    held: dict[int, dict[AccountKind, int]] = {member_id: {} for member_id in member_ids}
    earned = dict.fromkeys(member_ids, 0)
    for row in rows:
        held[row.member_id][row.kind] = int(row.balance_fen)  # A sum of BIGINT is NUMERIC.
        if row.kind == AccountKind.FROZEN:
            earned[row.member_id] = row.credited_fen
    return {member_id: _summary(held[member_id], earned[member_id]) for member_id in member_ids}


def explain(session: Session, order_source: str) -> Sequence[Explanation]:
    """Why each line of an order earned each upline what it did; empty if the buyer had none."""
    of_order = Commission.order_source == order_source
    return _explanations(
        session, of_order, order=(Commission.line_source, Commission.level), limit=None
    )


def explain_one(session: Session, commission_id: int, *, member_id: int) -> Explanation | None:
    """Why one commission of a distributor is what it is; None if they have none of this id."""
    own = (Commission.id == commission_id) & (Commission.beneficiary_id == member_id)
    found = _explanations(session, own, order=(Commission.id,), limit=1)
    return found[0] if found else None


def earned_by(
    session: Session, member_id: int, order_sources: Sequence[str]
) -> Sequence[Explanation]:
    """Why each line of these orders earned one distributor what it did, by order and line."""
    own = (Commission.beneficiary_id == member_id) & Commission.order_source.in_(order_sources)
    return _explanations(session, own, order=(Commission.order_source, Commission.id), limit=None)


def _with_the_shop(member_ids: Sequence[int]) -> Select[int, AccountKind, int, int]:
    """What these members' withdrawals and adjustments brought to each account of the shop."""
    is_debit = Entry.debit_balance_fen.is_(None)
    fen = func.sum(case((is_debit, -Entry.amount_fen), else_=Entry.amount_fen))
    return (
        select(Entry.member_id, Account.kind, fen, literal(0))
        .join(
            Account,
            Account.id == case((is_debit, Entry.debit_account_id), else_=Entry.credit_account_id),
        )
        .where(
            Entry.member_id == any_(bigints(member_ids)),
            Entry.commission_id.is_(None),
            or_(is_debit, Entry.credit_balance_fen.is_(None)),
        )
        .group_by(Entry.member_id, Account.kind)
    )


def _summary(held: dict[AccountKind, int], earned_fen: int) -> Summary:
    frozen_fen, available_fen, withdrawing_fen, receivable_fen = (
        held.get(kind, 0) for kind in MEMBER_KINDS
    )
    kept_fen = frozen_fen + available_fen + withdrawing_fen - receivable_fen
    withdrawn_fen = sum(held.get(kind, 0) for kind in PAID_OUT)
    adjusted_fen = -held.get(AccountKind.ADJUSTMENT, 0)
    return Summary(
        frozen_fen=frozen_fen,
        available_fen=available_fen,
        withdrawing_fen=withdrawing_fen,
        receivable_fen=receivable_fen,
        earned_fen=earned_fen,
        clawed_fen=earned_fen + adjusted_fen - withdrawn_fen - kept_fen,
        withdrawn_fen=withdrawn_fen,
        adjusted_fen=adjusted_fen,
    )


def _explanations(
    session: Session,
    which: ColumnElement[bool],
    *,
    order: Sequence[SQLColumnExpression[Any]],
    limit: int | None,
) -> Sequence[Explanation]:
    query = (
        select(*_EXPLAINED)
        .outerjoin(BindingLog, BindingLog.id == Commission.binding_log_id)
        .outerjoin(DistributorGrade, DistributorGrade.id == Commission.grade_id)
        .where(which)
        .order_by(*order)
        .limit(limit)
    )
    return [Explanation(**row._asdict()) for row in session.execute(query)]
