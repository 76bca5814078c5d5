"""
What is counted of entries, and the entries themselves with all that decides it.

Between which accounts money went says what happened: from the shop's expense is earning, to it is
clawing back, and so on. The roll-up, the tail after it and the proof all count by these.
"""

from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Date,
    DateTime,
    Select,
    Subquery,
    bindparam,
    case,
    cast,
    column,
    func,
    select,
    values,
)
from sqlalchemy.orm import Session, aliased

from distribution.base import words
from distribution.figures.days import CHINA, EVER, Unit
from distribution.figures.models import RolledTo
from distribution.ledger import MEMBER_KINDS
from distribution.ledger.models import Account, Entry, Posting
from distribution.ledger.states import AccountKind

GROUPED = ("member_id", "unit", "starts_on")
SUMMED = (
    "orders", "earned_fen", "clawed_fen", "matured_fen", "withdrawn_fen", "fee_fen", "tax_fen",
    "adjusted_fen", "frozen_fen", "available_fen", "withdrawing_fen", "receivable_fen",
)  # fmt: skip
"""The columns of `Period` that add up."""
LEFT_THE_SHOP = (AccountKind.CASH, AccountKind.FEE, AccountKind.TAX)
"""Where a withdrawal goes when it arrives."""


class RolledUp(NamedTuple):
    """How far the figures are rolled up: zeros before the first time."""

    posting_id: int
    entry_id: int


def rolled_up(session: Session) -> RolledUp:
    """How far the figures are rolled up at this moment; it only ever grows."""
    row = session.execute(select(RolledTo.posting_id, RolledTo.entry_id)).one_or_none()
    return RolledUp(*row) if row else RolledUp(0, 0)


def facts(*conditions: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    """The entries that fulfil the conditions, each with its two kinds of account and its day."""
    debit, credit = aliased(Account), aliased(Account)
    return (
        select(
            Entry.id, Entry.posting_id, Entry.member_id, Entry.commission_id, Entry.amount_fen,
            debit.kind.label("debit"), credit.kind.label("credit"),
            cast(func.timezone(CHINA.key, Posting.effective_at), Date).label("day"),
        )
        .join(Posting, Posting.id == Entry.posting_id)
        .join(debit, debit.id == Entry.debit_account_id)
        .join(credit, credit.id == Entry.credit_account_id)
        .where(*conditions)
    )  # fmt: skip


def tail() -> Subquery:
    """
    The entries of one distributor that the figures do not include yet, as `facts`.

    To be executed with `of_member`. Where it begins to look may be old by then; what is left out
    is decided by the roll-up as the reading statement itself sees it, so nothing is counted twice
    or not at all.
    """
    included = func.coalesce(select(RolledTo.posting_id).scalar_subquery(), 0)
    return facts(
        Entry.member_id == bindparam("member_id", type_=BigInteger),
        Entry.id > bindparam("after_entry_id", type_=BigInteger),
        Entry.posting_id > included,
    ).subquery()


def of_member(session: Session, member_id: int) -> dict[str, int]:
    """Whose `tail`, and where to look for it."""
    return {"member_id": member_id, "after_entry_id": rolled_up(session).entry_id}


def by_period(fact: Subquery) -> Subquery:
    """What these entries bring, by distributor and period of each unit."""
    daily = (
        select(fact.c.member_id, fact.c.day, *_measured(fact), *_spanned(fact))
        .group_by(fact.c.member_id, fact.c.day)
        .subquery()
    )
    span = _spans(daily.c.day)
    return (
        select(
            daily.c.member_id, span.c.unit, span.c.starts_on,
            *(_whole(func.sum(daily.c[name])).label(name) for name in SUMMED),
            func.min(daily.c.first_entry_id).label("first_entry_id"),
            func.max(daily.c.last_entry_id).label("last_entry_id"),
        )
        .select_from(daily)
        .join(span, span.c.unit.is_not(None))
        .group_by(daily.c.member_id, span.c.unit, span.c.starts_on)
        .subquery()
    )  # fmt: skip


def earned_fen(fact: Subquery) -> ColumnElement[int]:
    """What accruals among these entries brought."""
    return _sum(fact, fact.c.debit == AccountKind.EXPENSE)


def clawed_fen(fact: Subquery) -> ColumnElement[int]:
    """What refunds among these entries took back."""
    return _sum(fact, fact.c.credit == AccountKind.EXPENSE)


def orders(fact: Subquery) -> ColumnElement[int]:
    """How many orders accrued among these entries: one posting each."""
    accrued = fact.c.debit == AccountKind.EXPENSE
    return func.count(fact.c.posting_id.distinct()).filter(accrued)


def _measured(fact: Subquery) -> list[ColumnElement[Any]]:
    """The sums over these entries, named and in the order of `SUMMED`."""
    debit, credit = fact.c.debit, fact.c.credit
    is_matured = (debit == AccountKind.FROZEN) & credit.in_(
        (AccountKind.AVAILABLE, AccountKind.RECEIVABLE)
    )
    by_hand = case(
        (debit == AccountKind.ADJUSTMENT, fact.c.amount_fen),
        (credit == AccountKind.ADJUSTMENT, -fact.c.amount_fen),
        else_=0,
    )
    sums = (
        orders(fact),
        earned_fen(fact),
        clawed_fen(fact),
        _sum(fact, is_matured),
        _sum(fact, credit.in_(LEFT_THE_SHOP)),
        _sum(fact, credit == AccountKind.FEE),
        _sum(fact, credit == AccountKind.TAX),
        _whole(func.sum(by_hand)),
        *(_grown(fact, kind) for kind in MEMBER_KINDS),
    )
    return [each.label(name) for name, each in zip(SUMMED, sums, strict=True)]


def _grown(fact: Subquery, kind: AccountKind) -> ColumnElement[int]:
    """By how much an account of this kind grew."""
    credited, debited = _sum(fact, fact.c.credit == kind), _sum(fact, fact.c.debit == kind)
    return debited - credited if kind == AccountKind.RECEIVABLE else credited - debited


def _spanned(fact: Subquery) -> list[ColumnElement[Any]]:
    """Between which ids these entries lie."""
    first, last = func.min(fact.c.id), func.max(fact.c.id)
    return [first.label("first_entry_id"), last.label("last_entry_id")]


def _spans(day: ColumnElement[date]) -> Any:
    """The periods a day belongs to, one of each unit, as rows beside it."""
    rows = [
        (Unit.DAY, day),
        (Unit.WEEK, _truncated("week", day)),
        (Unit.MONTH, _truncated("month", day)),
        (Unit.TOTAL, EVER),
    ]
    unit, starts_on = column("unit", words(Unit, "unit")), column("starts_on", Date)
    return values(unit, starts_on, name="span").data(rows).lateral("span")


def _truncated(unit: str, day: ColumnElement[date]) -> ColumnElement[date]:
    return cast(func.date_trunc(unit, cast(day, DateTime)), Date)


def _sum(fact: Subquery, condition: ColumnElement[bool]) -> ColumnElement[int]:
    return _whole(func.coalesce(func.sum(fact.c.amount_fen).filter(condition), 0))


def _whole(amount: ColumnElement[Any]) -> ColumnElement[int]:
    """A sum of BIGINT is NUMERIC in PostgreSQL; ours fit a BIGINT."""
    return cast(amount, BigInteger)
