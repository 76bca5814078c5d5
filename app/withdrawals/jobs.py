"""The background work of withdrawals: act upon facts, carry payouts, start what is due."""

from sqlalchemy import select

from app.core import clock, queue
from app.core.db import read, transaction
from app.payments import inbox
from app.withdrawals import calls
from app.withdrawals.models import Payout

BATCH = 500


@queue.task("withdrawals.apply_fact")
def apply_fact(inbox_id: int) -> None:
    """Act upon one thing WeChat told us about a payout."""
    act = calls.applier()
    with transaction() as session:
        inbox.handle(session, inbox_id=inbox_id, now=clock.now(), act=act)


@queue.task("withdrawals.carry")
def carry(out_bill_no: str) -> None:
    """Send a payout to WeChat, ask how it stands, or stop it: one turn, whatever it needs now."""
    calls.carry(out_bill_no)


@queue.periodic("withdrawals.sweep", cron="* * * * *")
def sweep() -> None:
    """Start every turn that is due: sending, asking, stopping what nobody confirmed for a day."""
    due = read().scalars(
        select(Payout.out_bill_no)
        .where(Payout.next_poll_at <= clock.now())
        .order_by(Payout.next_poll_at)
        .limit(BATCH)
    )
    numbers = due.all()
    with transaction() as session:
        for number in numbers:
            name = "withdrawals.carry"
            queue.defer(session, name, queueing_lock=f"{name}:{number}", out_bill_no=number)
