"""
The ledger: accounts, postings and entries. Nothing else moves money, but `freezing`, its short cut.

An entry takes an amount from one account to another, so every posting sums to zero by construction.
One business event is one posting under one `idem_key`, in this order:

1. reserve the key; a key that is taken either is the same event again (do nothing) or a mistake;
2. lock the members' accounts in the order of their ids, before any row refers to them: the foreign
   keys of entries lock them too, and upgrading such a lock is how deadlocks are made;
3. write the entries and the new balances in two statements, however many there are.

The shop's own accounts take no lock and no update here: everybody would queue for them. Their
balances are a roll-up plus the entries after it.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import any_, or_, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from distribution.base import bigints
from distribution.ledger.models import Account, Posting
from distribution.ledger.states import (
    DEBIT_NORMAL,
    MEMBER_KINDS,
    SHOP_KINDS,
    AccountKind,
    PostingKind,
)

AccountIds = dict[tuple[int | None, AccountKind], int]
"""Ids of accounts by owner and kind; the shop's own by None."""

_WRITE_ENTRIES = text(
    """
    INSERT INTO entry (posting_id, member_id, commission_id, debit_account_id, credit_account_id,
                       amount_fen, debit_balance_fen, credit_balance_fen)
    SELECT :posting_id, t.* FROM unnest(
        CAST(:members AS bigint[]), CAST(:commissions AS bigint[]),
        CAST(:debits AS bigint[]), CAST(:credits AS bigint[]), CAST(:amounts AS bigint[]),
        CAST(:debit_balances AS bigint[]), CAST(:credit_balances AS bigint[]))
        AS t (member_id, commission_id, debit, credit, amount, debit_balance, credit_balance)
    """
)
_WRITE_BALANCES = text(
    """
    UPDATE account SET debited_fen = t.debited, credited_fen = t.credited, version = t.version
    FROM unnest(CAST(:ids AS bigint[]), CAST(:debited AS bigint[]), CAST(:credited AS bigint[]),
                CAST(:versions AS bigint[])) AS t (id, debited, credited, version)
    WHERE account.id = t.id
    """
)


class KeyReused(Exception):
    """The same `idem_key` came with another payload: two different events cannot be one."""


class Overdrawn(Exception):
    """An entry would take an account below zero; nothing of the posting may be committed."""


@dataclass(slots=True)
class _Locked:
    """A member's account while its row is locked."""

    id: int
    kind: AccountKind
    debited_fen: int
    credited_fen: int
    version: int

    @property
    def balance_fen(self) -> int:
        net = self.credited_fen - self.debited_fen
        return -net if self.kind in DEBIT_NORMAL else net


@dataclass(slots=True)
class Draft:
    """A posting whose key is reserved: lock accounts, move money, write."""

    session: Session
    posting_id: int
    _shop: dict[AccountKind, int] = field(default_factory=dict)
    _accounts: dict[tuple[int, AccountKind], _Locked] = field(default_factory=dict)
    _moves: list[tuple[int | None, ...]] = field(default_factory=list)

    def lock(self, member_ids: Iterable[int], kinds: Iterable[AccountKind]) -> None:
        """
        Lock these accounts of these members in id order, once, before the first move.

        The shop's own accounts are known afterwards, all of them; they take no lock.
        """
        wanted = {(member_id, kind) for member_id in member_ids for kind in kinds}
        ids = _find_or_open(self.session, wanted)
        self._shop = {kind: ids.pop((None, kind)) for kind in SHOP_KINDS}
        rows = self.session.execute(
            select(
                Account.id, Account.member_id, Account.kind,
                Account.debited_fen, Account.credited_fen, Account.version,
            )
            .where(Account.id == any_(bigints(ids.values())))
            .order_by(Account.id)
            .with_for_update(key_share=True)
        )  # fmt: skip
        for row in rows:
            self._accounts[row.member_id, row.kind] = _Locked(
                row.id, row.kind, row.debited_fen, row.credited_fen, row.version
            )

    def balance_fen(self, member_id: int, kind: AccountKind) -> int:
        """What a locked account holds after the moves made so far."""
        return self._accounts[member_id, kind].balance_fen

    def move(
        self,
        member_id: int,
        debit: AccountKind,
        credit: AccountKind,
        amount_fen: int,
        *,
        commission_id: int | None = None,
    ) -> None:
        """
        Move `amount_fen` out of one account into another; nothing moves if it is 0.

        :raises Overdrawn: an account of the member would fall below zero.
        """
        if amount_fen == 0:
            return
        debit_id, debit_balance = self._touch(member_id, debit, debited_fen=amount_fen)
        credit_id, credit_balance = self._touch(member_id, credit, credited_fen=amount_fen)
        self._moves.append(
            (
                member_id, commission_id, debit_id, credit_id,
                amount_fen, debit_balance, credit_balance,
            )
        )  # fmt: skip

    def write(self) -> None:
        """Write the entries and the balances they lead to."""
        if not self._moves:
            return
        names = (
            "members", "commissions", "debits", "credits",
            "amounts", "debit_balances", "credit_balances",
        )  # fmt: skip
        columns = [list(column) for column in zip(*self._moves, strict=True)]
        entries = dict(zip(names, columns, strict=True))
        self.session.execute(_WRITE_ENTRIES, {"posting_id": self.posting_id, **entries})
        accounts = list(self._accounts.values())
        self.session.execute(
            _WRITE_BALANCES,
            {
                "ids": [account.id for account in accounts],
                "debited": [account.debited_fen for account in accounts],
                "credited": [account.credited_fen for account in accounts],
                "versions": [account.version for account in accounts],
            },
        )

    def _touch(
        self, member_id: int, kind: AccountKind, *, debited_fen: int = 0, credited_fen: int = 0
    ) -> tuple[int, int | None]:
        if kind in self._shop:
            return self._shop[kind], None
        account = self._accounts[member_id, kind]
        account.debited_fen += debited_fen
        account.credited_fen += credited_fen
        account.version += 1
        if account.balance_fen < 0:
            raise Overdrawn(f"{kind} of member {member_id} would be {account.balance_fen} fen")
        return account.id, account.balance_fen


def reserve(
    session: Session,
    *,
    idem_key: str,
    kind: PostingKind,
    source: str,
    payload: Mapping[str, Any],
    now: datetime,
) -> Draft | None:
    """
    Take `idem_key` for one business event; None if this very event is recorded already.

    Of two transactions with the same key the second waits for the first to end.

    :raises KeyReused: the key is taken by an event with another payload.
    """
    stored = canonical(payload)
    digest = hashlib.sha256(stored).digest()
    statement = (
        insert(Posting)
        .values(
            idem_key=idem_key, kind=kind, source=source, payload=stored, payload_sha256=digest,
            effective_at=now, recorded_at=now,
        )
        .on_conflict_do_nothing(index_elements=[Posting.idem_key])
        .returning(Posting.id)
    )  # fmt: skip
    posting_id = session.scalar(statement)
    if posting_id is not None:
        return Draft(session, posting_id)
    refuse_other(session, idem_key, digest)
    return None


def refuse_other(session: Session, idem_key: str, digest: bytes) -> None:
    """
    Make sure that a key which is taken records this very event.

    :raises KeyReused: it records an event with another payload.
    """
    taken = session.scalar(select(Posting.payload_sha256).where(Posting.idem_key == idem_key))
    if taken != digest:
        raise KeyReused(f"{idem_key!r} already records another event")


def canonical(payload: Mapping[str, Any]) -> bytes:
    """The one way to write a payload down: sorted keys, no spaces, UTF-8."""
    document = json.dumps(payload, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return document.encode()


def open_accounts(
    session: Session, member_ids: Iterable[int], kinds: Iterable[AccountKind] = MEMBER_KINDS
) -> AccountIds:
    """Give each member an account of these kinds, where missing; their ids, and the shop's."""
    return _find_or_open(session, {(each, kind) for each in member_ids for kind in kinds})


def _find_or_open(session: Session, wanted: set[tuple[int, AccountKind]]) -> AccountIds:
    """The ids of the accounts wanted and of the shop's; missing ones are inserted first."""
    everyone: set[tuple[int | None, AccountKind]] = {
        *wanted,
        *((None, kind) for kind in SHOP_KINDS),
    }
    found = _find(session, wanted)
    missing = everyone - found.keys()
    if missing:
        # Sorted, so that two transactions which open the same accounts cannot wait in a circle.
        rows = sorted(missing, key=lambda account: (account[0] or 0, account[1]))
        session.execute(
            insert(Account)
            .values([{"member_id": member_id, "kind": kind} for member_id, kind in rows])
            .on_conflict_do_nothing()
        )
        found = _find(session, wanted)
    return {account: found[account] for account in everyone}


def _find(session: Session, wanted: set[tuple[int, AccountKind]]) -> AccountIds:
    members = {member_id for member_id, _ in wanted}
    kinds = sorted({kind for _, kind in wanted})
    rows = session.execute(
        select(Account.member_id, Account.kind, Account.id).where(
            or_(
                (Account.member_id == any_(bigints(members))) & Account.kind.in_(kinds),
                Account.member_id.is_(None),
            )
        )
    )
    return {(row.member_id, row.kind): row.id for row in rows}
