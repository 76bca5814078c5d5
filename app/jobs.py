"""
The table of contents of background work. Importing a slice's `jobs` module registers its tasks.

task | when | what it does
"""

from app.core import clock, idempotency, queue
from app.core.db import transaction


def load() -> None:
    """Register every task of the mall with the queue."""


@queue.periodic("core.purge_idempotency_keys", cron="17 4 * * *")
def purge_idempotency_keys() -> None:
    """Forget the idempotency keys that no client will use again."""
    with transaction() as session:
        idempotency.purge(session, now=clock.now())
