"""
The chain: blocks of hashes over the settled postings, so that a change of any stored byte shows.

A block's hash covers the hash before it and every column of its postings and entries, in the order
of their ids. Blocks are made beside the postings, never inside them: some time after, and only up
to where history is settled (`horizon`), so an id that is missing then is missing for good. Whoever
keeps one hash elsewhere can prove that everything before it is what it was.
"""

import hashlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import bindparam, insert, select, text
from sqlalchemy.orm import Session

from distribution import locks
from distribution.base import Moment
from distribution.ledger import horizon
from distribution.ledger.models import Block

DELAY = timedelta(seconds=5)
"""How old a posting is before it is chained."""
MOST = 5_000
"""How many postings one block covers at most."""
START = bytes(32)
"""What the first block follows."""

_SETTLED = text(
    """
    SELECT max(id) AS id FROM (
        SELECT id FROM posting
        WHERE id > :after AND id <= :settled_to AND recorded_at <= :until
        ORDER BY id LIMIT :most) AS next
    """
).bindparams(bindparam("until", type_=Moment))
POSTING_LINE = """
    'posting|' || CAST(ROW(
        posting.id, idem_key, posting.kind, source,
        encode(payload, 'hex'), encode(payload_sha256, 'hex'),
        extract(epoch FROM effective_at), extract(epoch FROM recorded_at)) AS text)
"""
ENTRY_LINE = """
    'entry|' || CAST(ROW(
        entry.id, posting_id, entry.member_id, commission_id, debit_account_id, credit_account_id,
        amount_fen, debit_balance_fen, credit_balance_fen) AS text)
"""
"""A posting and an entry as they are hashed: one line each, by id, ended by a line feed."""
_CONTENT = text(
    f"""
    SELECT id AS posting_id, 0 AS entry_id, {POSTING_LINE} AS line
    FROM posting WHERE id > :after AND id <= :last
    UNION ALL
    SELECT posting_id, id, {ENTRY_LINE}
    FROM entry WHERE posting_id > :after AND posting_id <= :last
    ORDER BY posting_id, entry_id
    """  # noqa: S608  # Put together from the constants above.
)


class Broken(NamedTuple):
    """A block whose postings are no longer what they were."""

    number: int
    detail: str


def extend(session: Session, *, now: datetime) -> int:
    """
    Chain the settled postings that are old enough, one block at most; how many it covers.

    0 if there is none, or somebody has been writing for too long to say.
    """
    locks.hold_chain(session)
    last = head(session)
    after = last.last_posting_id if last else 0
    settled_to = horizon.settled(session, "posting")
    if settled_to is None:
        return 0
    limits = {"after": after, "settled_to": settled_to, "until": now - DELAY, "most": MOST}
    last_id = session.scalar(_SETTLED, limits)
    if last_id is None:
        return 0
    postings, digest = _hashed(session, last.sha256 if last else START, after, last_id)
    session.execute(
        insert(Block).values(
            number=last.number + 1 if last else 1,
            first_posting_id=after + 1,
            last_posting_id=last_id,
            postings=postings,
            sha256=digest,
            made_at=now,
        )
    )
    return postings


def verify(session: Session) -> Iterator[Broken]:
    """Every block that does not follow from the one before it and what is stored."""
    previous, after = START, 0
    for number, block in enumerate(session.scalars(select(Block).order_by(Block.number)), 1):
        postings, digest = _hashed(session, previous, after, block.last_posting_id)
        if block.number != number or block.first_posting_id != after + 1:
            yield Broken(block.number, f"does not follow block {number - 1}")
        elif (postings, digest) != (block.postings, block.sha256):
            yield Broken(
                block.number,
                f"postings {block.first_posting_id} to {block.last_posting_id}:"
                f" {postings} of {block.postings}, hash {digest.hex()[:12]}"
                f" instead of {block.sha256.hex()[:12]}",
            )
        previous, after = block.sha256, block.last_posting_id


def head(session: Session) -> Block | None:
    """The last block: keep its number and hash elsewhere."""
    return session.scalar(select(Block).order_by(Block.number.desc()).limit(1))


def _hashed(session: Session, previous: bytes, after: int, last_id: int) -> tuple[int, bytes]:
    """How many postings lie after one id up to another, and the hash of all they say."""
    digest, postings = hashlib.sha256(previous), 0
    for row in session.execute(_CONTENT, {"after": after, "last": last_id}):
        postings += row.entry_id == 0
        digest.update(f"{row.line}\n".encode())
    return postings, digest.digest()
