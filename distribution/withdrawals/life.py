"""
The life of a withdrawal after it was asked for: agreed to or not, paid or returned, once.

Each move is guarded in SQL, so of two at once one wins; the row is locked before the ledger is.
"""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import case, or_, select, update
from sqlalchemy.orm import Session

from distribution import ledger
from distribution.commissions import policy
from distribution.ledger.states import AccountKind, PostingKind
from distribution.withdrawals.models import Withdrawal
from distribution.withdrawals.states import UNDECIDED, WithdrawalState


class UnknownWithdrawal(Exception):
    """There is no withdrawal of that number."""


class IllegalMove(Exception):
    """The withdrawal's state, in `state`, does not allow the change."""

    def __init__(self, state: WithdrawalState) -> None:
        super().__init__(f"a withdrawal that is {state}")
        self.state = state


class SamePerson(Exception):
    """Who agreed first cannot be the second to agree."""


def get(session: Session, no: str) -> Withdrawal:
    """
    The withdrawal of that number.

    :raises UnknownWithdrawal: there is none.
    """
    found = session.scalar(
        select(Withdrawal).where(Withdrawal.no == no).execution_options(populate_existing=True)
    )
    if found is None:
        raise UnknownWithdrawal(no)
    return found


def locked(session: Session, no: str) -> Withdrawal:
    """
    The withdrawal of that number, locked.

    :raises UnknownWithdrawal: there is none.
    """
    found = session.scalar(
        select(Withdrawal)
        .where(Withdrawal.no == no)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise UnknownWithdrawal(no)
    return found


def approve(session: Session, *, no: str, by: str, now: datetime) -> Withdrawal:
    """
    Agree to a withdrawal; once as many agreed as it needs, it is `paying`.

    :raises UnknownWithdrawal: there is none.
    :raises SamePerson: `by` has agreed already.
    :raises IllegalMove: it does not wait for anybody to agree.
    """
    is_first = Withdrawal.state == WithdrawalState.REVIEWING
    is_enough = or_(~is_first, Withdrawal.reviews_needed < 2)
    moved = session.scalar(
        update(Withdrawal)
        .where(
            Withdrawal.no == no,
            Withdrawal.state.in_(UNDECIDED),
            or_(is_first, Withdrawal.first_by != by),
        )
        .values(
            state=case(
                (is_enough, WithdrawalState.PAYING),
                else_=WithdrawalState.APPROVING,
            ),
            first_by=case((is_first, by), else_=Withdrawal.first_by),
            second_by=case((is_first, None), else_=by),
            state_at=now,
        )
        .returning(Withdrawal.id)
        .execution_options(synchronize_session=False)
    )
    found = get(session, no)
    if moved is None:
        if found.state == WithdrawalState.APPROVING:
            raise SamePerson(by)
        raise IllegalMove(found.state)
    return found


def reject(session: Session, *, no: str, by: str, reason: str, now: datetime) -> Withdrawal:
    """
    Refuse a withdrawal nobody has begun to pay; the money is back.

    :raises UnknownWithdrawal: there is none.
    :raises IllegalMove: it is approved, or over.
    """
    return _return(session, no, UNDECIDED, by=by, reason=reason, now=now)


def cancel(session: Session, *, no: str, by: str, reason: str, now: datetime) -> Withdrawal:
    """
    Take a withdrawal back before it is approved; the money is back.

    :raises UnknownWithdrawal: there is none.
    :raises IllegalMove: it is approved, or over: ask its carrier first, then `give_back`.
    """
    return _return(session, no, UNDECIDED, by=by, reason=reason, now=now)


def give_back(session: Session, *, no: str, by: str, reason: str, now: datetime) -> Withdrawal:
    """
    Return the money of an approved withdrawal: its carrier is sure that it is not and never paid.

    :raises UnknownWithdrawal: there is none.
    :raises IllegalMove: it is not `paying`.
    """
    return _return(session, no, (WithdrawalState.PAYING,), by=by, reason=reason, now=now)


def pay_out(
    session: Session, *, no: str, by: str, receipt_no: str | None = None, now: datetime
) -> Withdrawal:
    """
    Record that the distributor has the money: its carrier is sure. Paid by hand, by what receipt.

    :raises UnknownWithdrawal: there is none.
    :raises IllegalMove: it is not `paying`.
    """
    paid = _end(
        session,
        no,
        (WithdrawalState.PAYING,),
        {"state": WithdrawalState.PAID, "receipt_no": receipt_no, "ended_by": by},
        now,
    )
    draft = _done(session, paid, PostingKind.PAY_OUT, now)
    draft.lock([paid.member_id], [AccountKind.WITHDRAWING])
    parts = {
        AccountKind.CASH: paid.net_fen,
        AccountKind.FEE: paid.fee_fen,
        AccountKind.TAX: paid.tax_fen,
    }
    for kind, fen in parts.items():
        draft.move(paid.member_id, AccountKind.WITHDRAWING, kind, fen)
    draft.write()
    return paid


def _return(
    session: Session,
    no: str,
    sources: Collection[WithdrawalState],
    *,
    by: str,
    reason: str,
    now: datetime,
) -> Withdrawal:
    """End it as returned: a debt is repaid first, the rest is available again."""
    values: dict[str, object] = {
        "state": WithdrawalState.RETURNED,
        "reason": reason,
        "ended_by": by,
    }
    returned = _end(session, no, sources, values, now)
    draft = _done(session, returned, PostingKind.GIVE_BACK, now)
    member_id = returned.member_id
    kinds = (AccountKind.AVAILABLE, AccountKind.WITHDRAWING, AccountKind.RECEIVABLE)
    draft.lock([member_id], kinds)
    owed_fen = draft.balance_fen(member_id, AccountKind.RECEIVABLE)
    repaid_fen, rest_fen = policy.split(returned.amount_fen, owed_fen)
    draft.move(member_id, AccountKind.WITHDRAWING, AccountKind.RECEIVABLE, repaid_fen)
    draft.move(member_id, AccountKind.WITHDRAWING, AccountKind.AVAILABLE, rest_fen)
    draft.write()
    return returned


def _end(
    session: Session,
    no: str,
    sources: Collection[WithdrawalState],
    values: dict[str, object],
    now: datetime,
) -> Withdrawal:
    """Move to an end from one of `sources`: of two at once, one wins."""
    moved = session.scalar(
        update(Withdrawal)
        .where(Withdrawal.no == no, Withdrawal.state.in_(sources))
        .values(**values, state_at=now, ended_at=now)
        .returning(Withdrawal.id)
        .execution_options(synchronize_session=False)
    )
    found = get(session, no)
    if moved is None:
        raise IllegalMove(found.state)
    return found


def _done(session: Session, ended: Withdrawal, kind: PostingKind, now: datetime) -> ledger.Draft:
    """The one posting that ends a withdrawal: its key is the same however it ends."""
    draft = ledger.reserve(
        session,
        idem_key=f"withdraw:{ended.no}:done",
        kind=kind,
        source=f"withdrawal:{ended.no}",
        payload={"member": ended.member_id, "fen": ended.amount_fen, "state": ended.state},
        now=now,
    )
    assert draft is not None, "an ended withdrawal does not end again"
    return draft
