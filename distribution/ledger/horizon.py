"""
How far history is settled: ids are given before rows are committed, so rows appear out of order.

Who reads history in the order of its ids must not pass over a row that is still being written. Who
inserts holds a lock on the table from before the id is given until the transaction ends: once all
who held it at some moment are gone, every id given until then is either there or never will be.
Nobody waits for that but the reader.
"""

import time

from sqlalchemy import text
from sqlalchemy.orm import Session

PATIENCE_SECONDS = 2.0
PAUSE_SECONDS = 0.01

_LAST_GIVEN = text(
    "SELECT pg_sequence_last_value(CAST(pg_get_serial_sequence(:name, :key) AS regclass))"
)
_WRITERS = text(
    """
    SELECT virtualtransaction FROM pg_locks
    WHERE locktype = 'relation' AND relation = to_regclass(:name) AND mode = 'RowExclusiveLock'
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND pid IS DISTINCT FROM pg_backend_pid()
    """
)


def last_given(session: Session, table: str, *, key: str = "id") -> int:
    """The last id of `table` that was given to anybody, committed or not; 0 if none was."""
    return int(session.scalar(_LAST_GIVEN, {"name": table, "key": key}) or 0)


def settled(session: Session, table: str, *, key: str = "id") -> int | None:
    """
    The last id of `table` that is given, once nothing can appear up to it any more.

    `key` is the column of its ids.

    None if a transaction that was writing is still open after `PATIENCE_SECONDS`: ask again later.
    """
    last_id = last_given(session, table, key=key)
    deadline = time.monotonic() + PATIENCE_SECONDS
    writers = _writers(session, table)
    while writers:
        if time.monotonic() > deadline:
            return None
        time.sleep(PAUSE_SECONDS)
        writers &= _writers(session, table)
    return last_id


def _writers(session: Session, table: str) -> set[str]:
    """The transactions that are writing into the table at this moment."""
    return set(session.scalars(_WRITERS, {"name": table}))
