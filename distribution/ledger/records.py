"""
Records: a chain of blocks over each other table that is only added to, as `chain` is for postings.

Logs, versions of rules, closed days and the ledger's own blocks: a change of any stored byte of
them shows. A block hashes the one before it, what it says of itself, and every column of its rows,
in the order of their keys. A column that is NULL is left out: one added later changes no old hash.
"""

import hashlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Date,
    Select,
    Table,
    Text,
    cast,
    extract,
    func,
    insert,
    select,
)
from sqlalchemy.orm import Session

from distribution import locks
from distribution.base import Base, Moment
from distribution.ledger import horizon
from distribution.ledger.chain import MOST, START, Broken
from distribution.ledger.models import RecordBlock

DAY_SECONDS = 86_400


def extend(session: Session, name: str, *, now: datetime) -> int:
    """
    Chain the settled rows of the table `name`, one block at most; how many it covers.

    0 if there is none, or somebody has been writing for too long to say.
    """
    locks.hold_chain(session)
    table = Base.metadata.tables[name]
    last = head(session, name)
    after = last.last_id if last else 0
    settled_to = _settled(session, table)
    if settled_to is None or settled_to <= after:
        return 0
    new = select(_key(table).label("id")).where(_key(table).between(after + 1, settled_to))
    last_id = session.scalar(select(func.max(new.order_by("id").limit(MOST).subquery().c.id)))
    if last_id is None:
        return 0
    block = {
        "name": name,
        "number": last.number + 1 if last else 1,
        "first_id": after + 1,
        "last_id": last_id,
        "made_at": now,
    }
    previous = last.sha256 if last else START
    records, digest = _hashed(session, table, RecordBlock(**block), previous)
    session.execute(insert(RecordBlock).values(**block, records=records, sha256=digest))
    return records


def verify(session: Session, name: str) -> Iterator[Broken]:
    """Every block of the table `name` that does not follow from its rows and the block before."""
    table = Base.metadata.tables[name]
    previous, after = START, 0
    blocks = select(RecordBlock).where(RecordBlock.name == name).order_by(RecordBlock.number)
    for number, block in enumerate(session.scalars(blocks), 1):
        records, digest = _hashed(session, table, block, previous)
        if block.number != number or block.first_id != after + 1:
            yield Broken(block.number, f"does not follow block {number - 1}")
        elif (records, digest) != (block.records, block.sha256):
            yield Broken(
                block.number,
                f"rows {block.first_id} to {block.last_id}: {records} of {block.records},"
                f" hash {digest.hex()[:12]} instead of {block.sha256.hex()[:12]}",
            )
        previous, after = block.sha256, block.last_id


def verify_all(session: Session, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """What is wrong with the chains of these tables, and chains of others, which there are none."""
    for name in names:
        for block in verify(session, name):
            yield f"block {block.number} of {name}", block.detail
    others = select(RecordBlock.name).where(RecordBlock.name.not_in(names)).distinct()
    for name in session.scalars(others):
        yield f"blocks of {name}", "no such table is chained"


def head(session: Session, name: str) -> RecordBlock | None:
    """The last block of the table `name`."""
    blocks = select(RecordBlock).where(RecordBlock.name == name)
    return session.scalar(blocks.order_by(RecordBlock.number.desc()).limit(1))


def _hashed(
    session: Session, table: Table, block: RecordBlock, previous: bytes
) -> tuple[int, bytes]:
    """How many rows lie within a block, and the hash of all they and the block itself say."""
    ids = f"{block.first_id}|{block.last_id}"
    about = f"{block.name}|{block.number}|{ids}|{block.made_at.astimezone(UTC).isoformat()}\n"
    digest, records = hashlib.sha256(previous + about.encode()), 0
    within = _key(table).between(block.first_id, block.last_id)
    for line in session.scalars(_content(table).where(within).order_by(*table.primary_key.columns)):
        records += 1
        digest.update(f"{line}\n".encode())
    return records, digest.digest()


def _content(table: Table) -> Select[str]:
    """All columns of a row that are not NULL, by name, written so that no setting changes it."""
    pairs = (part for column in table.columns for part in (column.name, _said(column)))
    return select(cast(func.jsonb_strip_nulls(func.jsonb_build_object(*pairs)), Text))


def _said(column: Column[Any]) -> ColumnElement[str]:
    if isinstance(column.type, Moment):
        return cast(extract("epoch", column), Text)
    return cast(column, Text)


def _settled(session: Session, table: Table) -> int | None:
    """The last key that can be chained; None if somebody has been writing for too long to say."""
    given = table.autoincrement_column
    if given is not None:
        return horizon.settled(session, table.name, key=given.name)
    # Without a sequence rows are added one after the other, under a lock.
    return session.scalar(select(func.coalesce(func.max(_key(table)), 0)))


def _key(table: Table) -> ColumnElement[int]:
    """The number by which a table is in order: its key, or the days since 1970."""
    first = next(iter(table.primary_key.columns))
    if isinstance(first.type, Date):
        return cast(extract("epoch", first) / DAY_SECONDS, BigInteger)
    return first
