"""What payments tells after-sales, that money is back, and what time does to cases."""

from app.aftersales import deadlines, service
from app.core import clock, queue
from app.core.db import transaction
from app.core.errors import AppError


@queue.task("aftersales.refund_settled")
def refund_settled(source: str) -> None:
    """Close the case that asked for the refund `source`, if one did."""
    with transaction() as session:
        service.settle(session, source=source, now=clock.now())


@queue.periodic("aftersales.act_due", cron="* * * * *")
def act_due() -> None:
    """Let the cases go on whose deadlines have passed, each in a transaction of its own."""
    now = clock.now()
    with transaction() as session:
        case_ids = deadlines.due(session, now=now)
    for case_id in case_ids:
        try:
            with transaction() as session:
                deadlines.act(session, case_id=case_id, now=now)
        except AppError as error:
            with transaction() as session:
                deadlines.give_up(session, case_id=case_id, error=error, now=now)
