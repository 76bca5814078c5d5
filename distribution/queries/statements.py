"""
A distributor's statement: every entry with the balances it led to, by kind, account, day and order.

A page costs the same however long the history is, with every filter: which accounts money went
between says which event it was, so a kind of event is a few ranges of one index; days are ranges
of ids, which the figures keep. Ranges are compared as rows, lest the database walk the whole
ledger backwards in the hope of meeting what is asked for.

The page nearly everybody opens, without a filter, is one statement written once. Its values are
wrapped in sub-selects and its length is written out, so that the database plans it once for each
connection and not for each person: of an unknown length it expects a tenth of the ledger.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, ColumnElement, Select, bindparam, or_, select, tuple_, union_all
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from distribution.commissions.models import Commission
from distribution.figures import days, periods
from distribution.ledger.models import Account, Entry, Posting
from distribution.ledger.states import AccountKind as Kind
from distribution.ledger.states import PostingKind

Way = tuple[Kind, Kind]
WAYS: Mapping[PostingKind, frozenset[Way]] = {
    PostingKind.ACCRUE: frozenset({(Kind.EXPENSE, Kind.FROZEN)}),
    PostingKind.CLAW_BACK: frozenset(
        (kind, Kind.EXPENSE) for kind in (Kind.FROZEN, Kind.AVAILABLE, Kind.RECEIVABLE)
    ),
    PostingKind.MATURE: frozenset(
        (Kind.FROZEN, kind) for kind in (Kind.AVAILABLE, Kind.RECEIVABLE)
    ),
    PostingKind.HOLD: frozenset({(Kind.AVAILABLE, Kind.WITHDRAWING)}),
    PostingKind.PAY_OUT: frozenset(
        (Kind.WITHDRAWING, kind) for kind in (Kind.CASH, Kind.FEE, Kind.TAX)
    ),
    PostingKind.GIVE_BACK: frozenset(
        (Kind.WITHDRAWING, kind) for kind in (Kind.AVAILABLE, Kind.RECEIVABLE)
    ),
    PostingKind.ADJUST: frozenset(
        way
        for kind in (Kind.AVAILABLE, Kind.RECEIVABLE)
        for way in ((Kind.ADJUSTMENT, kind), (kind, Kind.ADJUSTMENT))
    ),
}
"""From which kind of account into which each kind of event takes money; no two share a way."""
_LAST = 2**63 - 1


class Move(NamedTuple):
    """What one entry did to one account of the distributor."""

    account: Kind
    change_fen: int
    balance_fen: int
    """The account's balance after the entry."""


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One entry of a distributor's statement."""

    entry_id: int
    kind: PostingKind
    source: str
    """The order, refund or batch the entry comes from."""
    line_source: str | None
    level: int | None
    effective_at: datetime
    moves: tuple[Move, ...]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries of a statement; all by default. Days are days of China, both included."""

    kind: PostingKind | None = None
    account: Kind | None = None
    first_day: date | None = None
    last_day: date | None = None
    order_source: str | None = None

    @property
    def ways(self) -> frozenset[Way] | None:
        """The ways of the entries wanted; None if all."""
        if self.kind is None and self.account is None:
            return None
        ways = frozenset().union(*WAYS.values()) if self.kind is None else WAYS[self.kind]
        return frozenset(way for way in ways if self.account is None or self.account in way)


ALL = Wanted()


def statement(
    session: Session,
    member_id: int,
    *,
    wanted: Wanted = ALL,
    before: int | None = None,
    limit: int = 20,
) -> Sequence[StatementLine]:
    """
    A distributor's entries, newest first, each with the balances it led to.

    `before` is the id of the last entry seen. A page costs the same however long the history is.
    """
    low, high = 1, _LAST if before is None else before - 1
    if wanted == ALL:
        values = {"member_id": member_id, "low": low, "high": high, "page": limit}
        return [_line(row) for row in session.execute(_EVERYTHING, values)]
    if wanted.first_day is not None or wanted.last_day is not None:
        first, last = wanted.first_day or date.min, wanted.last_day or date.max
        found = periods.entry_range(session, member_id, first, last)
        if found is None:
            return []
        low, high = max(low, found[0]), min(high, found[1])
    pages = _pages(session, member_id, wanted, low, high, limit)
    return [_line(row) for row in session.execute(_details(pages, limit))] if pages else []


def _pages(
    session: Session, member_id: int, wanted: Wanted, low: int, high: int, limit: int
) -> list[Select[int]]:
    """The first ids of each range in which entries wanted lie."""
    days_wanted = list(_in_days(wanted))
    if wanted.order_source is not None:
        ids = _of_order(member_id, wanted).where(*days_wanted, Entry.id.between(low, high))
        return [ids.order_by(Entry.id.desc()).limit(limit)]
    if wanted.ways is None:
        ranges = [_range((Entry.member_id,), (member_id,), low, high)]
    else:
        columns = (Entry.debit_account_id, Entry.credit_account_id)
        ways = _way_ids(session, member_id, wanted.ways)
        ranges = [_range(columns, way, low, high) for way in ways]
    return [each.where(*days_wanted).limit(limit) for each in ranges]


def _range(
    columns: tuple[InstrumentedAttribute[int], ...],
    values: tuple[Any, ...],
    low: Any,
    high: Any,
) -> Select[int]:
    """The ids from `low` to `high` of entries with these values, highest first, along one index."""
    key = (*columns, Entry.id)
    return (
        select(Entry.id)
        .join(Posting, Posting.id == Entry.posting_id)
        .where(tuple_(*key) >= tuple_(*values, low), tuple_(*key) <= tuple_(*values, high))
        .order_by(*(column.desc() for column in key))
    )


def _of_order(member_id: int, wanted: Wanted) -> Select[int]:
    """The entries about the commissions of one order."""
    own = select(Commission.id).where(
        Commission.order_source == wanted.order_source, Commission.beneficiary_id == member_id
    )
    debit, credit = aliased(Account), aliased(Account)
    query = (
        select(Entry.id)
        .join(Posting, Posting.id == Entry.posting_id)
        .join(debit, debit.id == Entry.debit_account_id)
        .join(credit, credit.id == Entry.credit_account_id)
        .where(Entry.commission_id.in_(own))
    )
    if wanted.kind is not None:
        query = query.where(Posting.kind == wanted.kind)
    if wanted.account is not None:
        query = query.where(or_(debit.kind == wanted.account, credit.kind == wanted.account))
    return query


def _in_days(wanted: Wanted) -> Iterable[ColumnElement[bool]]:
    if wanted.first_day is not None:
        yield Posting.effective_at >= days.starts_at(wanted.first_day)
    if wanted.last_day is not None:
        yield Posting.effective_at < days.ends_at(wanted.last_day)


def _way_ids(session: Session, member_id: int, ways: Iterable[Way]) -> list[tuple[int, int]]:
    """The ways between accounts that exist, as ids."""
    rows = session.execute(
        select(Account.kind, Account.id).where(
            or_(Account.member_id == member_id, Account.member_id.is_(None))
        )
    )
    ids = {row.kind: row.id for row in rows}
    return sorted((ids[way[0]], ids[way[1]]) for way in ways if ids.keys() >= set(way))


def _details(pages: Sequence[Select[int]], limit: Any) -> Select[*tuple[Any, ...]]:
    """All that is shown of the entries with the highest ids among these."""
    debit, credit = aliased(Account), aliased(Account)
    parts = [page.subquery() for page in pages]
    ids = union_all(*(select(part.c.id) for part in parts))
    return (
        select(
            Entry.id, Entry.amount_fen, Entry.debit_balance_fen, Entry.credit_balance_fen,
            debit.kind.label("debit"), credit.kind.label("credit"),
            Posting.kind, Posting.source, Posting.effective_at,
            Commission.line_source, Commission.level,
        )
        .join(Posting, Posting.id == Entry.posting_id)
        .join(debit, debit.id == Entry.debit_account_id)
        .join(credit, credit.id == Entry.credit_account_id)
        .outerjoin(Commission, Commission.id == Entry.commission_id)
        .where(Entry.id.in_(ids))
        .order_by(Entry.id.desc())
        .limit(limit)
    )  # fmt: skip


def _everything() -> Select[*tuple[Any, ...]]:
    """The page without a filter; its parameters are `member_id`, `low`, `high` and `page`."""
    member_id, low, high = (
        select(bindparam(name, type_=BigInteger)).scalar_subquery()
        for name in ("member_id", "low", "high")
    )
    page = bindparam("page", type_=BigInteger, literal_execute=True)
    return _details([_range((Entry.member_id,), (member_id,), low, high).limit(page)], page)


_EVERYTHING = _everything()


def _line(row: Any) -> StatementLine:
    return StatementLine(
        entry_id=row.id,
        kind=row.kind,
        source=row.source,
        line_source=row.line_source,
        level=row.level,
        effective_at=row.effective_at,
        moves=(
            *_move(row.debit, row.amount_fen, row.debit_balance_fen, is_debit=True),
            *_move(row.credit, row.amount_fen, row.credit_balance_fen, is_debit=False),
        ),
    )


def _move(
    account: Kind, amount_fen: int, balance_fen: int | None, *, is_debit: bool
) -> tuple[Move, ...]:
    """The change of one side of an entry; nothing for the shop's side."""
    if balance_fen is None:
        return ()
    grows = is_debit == (account == Kind.RECEIVABLE)
    return (Move(account, amount_fen if grows else -amount_fen, balance_fen),)
