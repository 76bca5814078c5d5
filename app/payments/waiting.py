"""What waits for a person: how much, and for how long. The figures that alerts are made of."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core import metrics
from app.payments.models import STUCK

QUERIES = {
    "quarantine": "SELECT count(*), min(received_at) FROM pay_inbox WHERE status = 'quarantined'",
    "refunds": f"SELECT count(*), min(created_at) FROM refund WHERE {STUCK}",  # noqa: S608  # Our own words.
}


class Waiting(NamedTuple):
    """How many wait, and since when the oldest does."""

    many: int
    oldest_at: datetime | None


def look(session: Session) -> Mapping[str, Waiting]:
    """Return what waits for a person, by kind: facts in `quarantine`, stuck `refunds`."""
    return {kind: Waiting(*session.execute(text(query)).one()) for kind, query in QUERIES.items()}


def measure(session: Session, *, now: datetime) -> None:
    """Show at `/metrics` what waits for a person, and for how many seconds already."""
    for kind, found in look(session).items():
        seconds = 0.0 if found.oldest_at is None else (now - found.oldest_at).total_seconds()
        metrics.waiting.labels(kind).set(found.many)
        metrics.waiting_seconds.labels(kind).set(max(0.0, seconds))
