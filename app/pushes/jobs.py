"""What time does to pushed messages."""

from app.core import clock, queue
from app.core.db import transaction
from app.pushes import service


@queue.periodic("pushes.forget", cron="47 4 * * *")
def forget() -> None:
    """Delete the messages of long ago."""
    with transaction() as session:
        service.forget(session, now=clock.now())
