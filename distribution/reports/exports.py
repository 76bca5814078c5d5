"""
Rows one by one, however many: commissions, statements, and the whole ledger with its chain.

Each walks a cursor of the server, so it takes the memory of a few hundred rows; the session must be
inside a transaction. The ledger is written so that whoever has the file needs nothing else to hash
its blocks again: each record carries the very lines that were hashed.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import groupby
from typing import Any, NamedTuple

from sqlalchemy import Row, Select, TextClause, select, text
from sqlalchemy.orm import Session, aliased

from distribution.commissions.models import Commission
from distribution.ledger import chain
from distribution.ledger.models import Account, Block, Entry, Posting
from distribution.ledger.states import AccountKind, PostingKind

BATCH = 500
"""How many rows travel at a time."""
FORMAT = 1

_LEDGER = text(
    f"""
    SELECT posting.id, idem_key, posting.kind, source, convert_from(payload, 'UTF8') AS payload,
           effective_at, recorded_at, {chain.POSTING_LINE} AS line,
           entry.id AS entry_id, entry.member_id, commission_id, amount_fen,
           debit_account_id, debit.kind AS debit, debit_balance_fen,
           credit_account_id, credit.kind AS credit, credit_balance_fen,
           {chain.ENTRY_LINE} AS entry_line
    FROM posting
    LEFT JOIN entry ON posting_id = posting.id
    LEFT JOIN account AS debit ON debit.id = debit_account_id
    LEFT JOIN account AS credit ON credit.id = credit_account_id
    ORDER BY posting.id, entry.id
    """  # noqa: S608  # Put together from constants.
)


class Moved(NamedTuple):
    """One entry of somebody's statement."""

    entry_id: int
    effective_at: datetime
    member_id: int
    kind: PostingKind
    source: str
    line_source: str | None
    level: int | None
    debit: AccountKind
    credit: AccountKind
    amount_fen: int
    debit_balance_fen: int | None
    """None on the shop's side."""
    credit_balance_fen: int | None


def commissions(session: Session, *, since: datetime, until: datetime) -> Iterator[Commission]:
    """Every commission accrued in `[since, until)`, those that earned nothing too, oldest first."""
    query = (
        select(Commission)
        .where(Commission.accrued_at >= since, Commission.accrued_at < until)
        .order_by(Commission.accrued_at, Commission.posting_id, Commission.id)
    )
    for row in _streamed(session, query):
        yield row[0]


def statements(session: Session, *, since: datetime, until: datetime) -> Iterator[Moved]:
    """Every entry effective in `[since, until)`, of everybody, in the order of the ledger."""
    debit, credit = aliased(Account), aliased(Account)
    query = (
        select(
            Entry.id, Posting.effective_at, Entry.member_id, Posting.kind, Posting.source,
            Commission.line_source, Commission.level, debit.kind, credit.kind, Entry.amount_fen,
            Entry.debit_balance_fen, Entry.credit_balance_fen,
        )
        .join(Posting, Posting.id == Entry.posting_id)
        .join(debit, debit.id == Entry.debit_account_id)
        .join(credit, credit.id == Entry.credit_account_id)
        .outerjoin(Commission, Commission.id == Entry.commission_id)
        .where(Posting.effective_at >= since, Posting.effective_at < until)
        .order_by(Entry.id)
    )  # fmt: skip
    for row in _streamed(session, query):
        yield Moved(*row)


def ledger(session: Session, *, now: datetime) -> Iterator[str]:
    """
    The whole ledger as lines of JSON: a head, each posting with its entries, each block, an end.

    A block comes after the last posting it covers; the end counts what went before, so that a file
    that was cut off shows. To hash a block again: SHA-256 over the hash before (32 zero bytes at
    first), then the `hashed` lines of its postings in order, each followed by a line feed.
    """
    head = chain.head(session)
    yield _line({"ledger": FORMAT, "exported_at": now.isoformat(), "head": _block(head)})
    blocks = _streamed(session, select(*Block.__table__.columns).order_by(Block.number))
    waiting = next(blocks, None)
    counts = {"postings": 0, "entries": 0, "amount_fen": 0, "blocks": 0}
    for posting_id, group in groupby(_streamed(session, _LEDGER), key=lambda row: row.id):
        while waiting is not None and waiting.last_posting_id < posting_id:
            yield _line({"block": _block(waiting)})
            counts["blocks"] += 1
            waiting = next(blocks, None)
        yield _line(_posting(list(group), counts))
    while waiting is not None:
        yield _line({"block": _block(waiting)})
        counts["blocks"] += 1
        waiting = next(blocks, None)
    yield _line({"end": counts})


def _posting(rows: list[Row[*tuple[Any, ...]]], counts: dict[str, int]) -> Mapping[str, Any]:
    first, entries = rows[0], [row for row in rows if row.entry_id is not None]
    counts["postings"] += 1
    counts["entries"] += len(entries)
    counts["amount_fen"] += sum(row.amount_fen for row in entries)
    return {
        "posting": first.id,
        "key": first.idem_key,
        "kind": first.kind,
        "source": first.source,
        "payload": json.loads(first.payload),
        "effective_at": first.effective_at.isoformat(),
        "recorded_at": first.recorded_at.isoformat(),
        "entries": [_entry(row) for row in entries],
        "hashed": [first.line, *(row.entry_line for row in entries)],
    }


def _entry(row: Row[*tuple[Any, ...]]) -> dict[str, Any]:
    return {
        "entry": row.entry_id,
        "member": row.member_id,
        "commission": row.commission_id,
        "amount_fen": row.amount_fen,
        "debit": {"account": row.debit_account_id, "kind": row.debit},
        "credit": {"account": row.credit_account_id, "kind": row.credit},
        "debit_balance_fen": row.debit_balance_fen,
        "credit_balance_fen": row.credit_balance_fen,
    }


def _block(block: Block | Row[*tuple[Any, ...]] | None) -> dict[str, Any] | None:
    if block is None:
        return None
    return {
        "number": block.number,
        "first_posting": block.first_posting_id,
        "last_posting": block.last_posting_id,
        "postings": block.postings,
        "sha256": block.sha256.hex(),
        "made_at": block.made_at.isoformat(),
    }


def _line(document: Mapping[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")) + "\n"


def _streamed(
    session: Session, query: Select[*tuple[Any, ...]] | TextClause
) -> Iterator[Row[*tuple[Any, ...]]]:
    """The rows of a cursor of the server, a batch at a time."""
    options = {"stream_results": True, "yield_per": BATCH}
    return iter(session.execute(query, execution_options=options))
