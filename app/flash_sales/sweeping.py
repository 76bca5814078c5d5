"""
The sweep: a gate is set to what the database says, less what is pending. No unit stays lost.

What it reads first, the pending tokens, it asks the database about afterwards: a token that is
committed by then counts in the database, any other still holds its ticket. If it has held it longer
than any transaction lasts, whoever took it has died, and the ticket goes back. Should it commit all
the same, the gate has a ticket too many, which the database refuses to whoever draws it.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

import redis
import structlog
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.core import idempotency
from app.core.auth import Audience
from app.core.db import snapshot
from app.flash_sales.gate import KEEP, Gate, Note, State, Truth, ms_of, token_of
from promotions.takings import takers, takings

log = structlog.get_logger(__name__)

ENDPOINT = "mall_shopper.flash_sale_orders.place_flash_sale_order"
"""The route whose keys are tokens."""
GIVE_UP_AFTER = timedelta(seconds=15)
"""How long a token may be pending: longer than any transaction that places an order."""
OVERLAP = timedelta(minutes=5)
"""How far before the last sweep tokens are read again: they were being committed then."""
EVERY = timedelta(minutes=1)
"""How often a gate is swept that has nothing amiss."""
SCOPES = 500
"""How many members' keys are asked for at once."""


def refresh(gate: Gate, promotion_id: int, *, now: datetime) -> bool:
    """
    Set the gate of a sale to the truth; False if somebody else is at it, or Redis is gone.

    Reads in a session of its own, so there is to be no transaction around it.
    """
    try:
        state = gate.state(promotion_id)
        with snapshot() as session:
            if not _is_ours(session, promotion_id):
                return False
            truth = read_truth(session, promotion_id, state, run=gate.run(), now=now)
            given_up = [
                note.token
                for note in state.pending
                if note.token not in truth.settled and _is_old(note, now)
            ]
            done = gate.load(promotion_id, state, truth, given_up=given_up, now=now)
    except redis.RedisError as error:
        gate.breaker.failed(error)
        return False
    if done and (given_up or not state.epoch):
        log.warning("flash_sale_gate_mended", promotion_id=promotion_id, given_up=len(given_up))
    return done


def is_due(state: State, *, run: str, now: datetime) -> bool:
    """Say whether a gate wants sweeping: it is lost, in another Redis, unswept, or left behind."""
    return (
        not state.epoch
        or state.run != run
        or state.swept_ms <= ms_of(now - EVERY)
        or any(_is_old(note, now) for note in state.pending)
    )


def read_truth(
    session: Session, promotion_id: int, state: State, *, run: str, now: datetime
) -> Truth:
    """Read what the database says of a sale, and what became of the tokens pending in `state`."""
    taken = takings(session, promotion_id, now=now)
    is_kept = state.epoch != "" and state.run == run
    since = now - KEEP
    if is_kept:
        since = max(since, _moment(state.swept_ms, now) - OVERLAP)
    scopes = {note.token: (_scope(note.member_id), note.key) for note in state.pending}
    committed = idempotency.known(session, list(scopes.values()))
    return Truth(
        left=taken.left,
        max_uses=taken.max_uses,
        max_units=taken.max_units,
        until=taken.until,
        members=taken.members,
        tokens=list(_tokens(session, promotion_id, since)),
        settled=frozenset(token for token, pair in scopes.items() if pair in committed),
    )


def is_committed(session: Session, member_id: int, key: str) -> bool:
    """Say whether the member's key has an answer already."""
    return bool(idempotency.known(session, [(_scope(member_id), key)]))


def _tokens(session: Session, promotion_id: int, since: datetime) -> Iterator[str]:
    """The tokens of whoever took something of the sale; also of their other sales, harmlessly."""
    found = takers(session, promotion_id, since=since)
    members = {_scope(member_id): member_id for member_id in found}
    scopes = list(members)
    for start in range(0, len(scopes), SCOPES):
        some = scopes[start : start + SCOPES]
        for scope, key in idempotency.keys_of(session, some, since=since):
            yield token_of(members[scope], key)


def _scope(member_id: int) -> str:
    return idempotency.scope_of(Audience.SHOPPER.value, member_id, ENDPOINT)


def _is_ours(session: Session, promotion_id: int) -> bool:
    lock = func.hashtextextended(f"flash_sale:{promotion_id}", 0)
    return bool(session.scalar(select(func.pg_try_advisory_xact_lock(lock))))


def _is_old(note: Note, now: datetime) -> bool:
    return note.ms <= ms_of(now - GIVE_UP_AFTER)


def _moment(ms: int, now: datetime) -> datetime:
    return now - timedelta(milliseconds=ms_of(now) - ms)
