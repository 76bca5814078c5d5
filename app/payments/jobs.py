"""The background work of payments: apply facts, ask WeChat, close orders, carry refunds."""

from sqlalchemy import select

from app.core import clock, queue
from app.core.db import read, transaction
from app.payments import calls, inbox, schedule, waiting
from app.payments.models import LIVE, Payment, Refund

BATCH = 500


@queue.task("payments.apply_fact")
def apply_fact(inbox_id: int) -> None:
    """Act upon one thing WeChat told us."""
    with transaction() as session:
        inbox.handle(session, inbox_id=inbox_id, now=clock.now())


@queue.task("payments.poll_payment")
def poll_payment(payment_id: int) -> None:
    """Ask WeChat about an attempt it has said nothing about."""
    calls.poll(payment_id)


@queue.task("payments.close_order")
def close_order(order_id: int, tries: int = 0) -> None:
    """Close a closing order at WeChat and then here; while WeChat is unclear, come back later."""
    if calls.close_order(order_id):
        return
    with transaction() as session:
        queue.defer(
            session,
            "payments.close_order",
            schedule_at=schedule.next_closing(tries=tries, now=clock.now()),
            queueing_lock=f"payments.close_order:{order_id}",
            order_id=order_id,
            tries=tries + 1,
        )


@queue.task("payments.submit_refund")
def submit_refund(refund_id: int) -> None:
    """Carry a refund to WeChat, or ask how it stands."""
    calls.submit_refund(refund_id)


@queue.periodic("payments.sweep", cron="* * * * *")
def sweep() -> None:
    """Start every question that is due: the attempts and refunds WeChat has said nothing about."""
    now = clock.now()
    due = read()
    waiting.measure(due, now=now)
    payment_ids = due.scalars(
        select(Payment.id)
        .where(Payment.next_poll_at <= now, Payment.status.in_(LIVE))
        .order_by(Payment.next_poll_at)
        .limit(BATCH)
    ).all()
    refund_ids = due.scalars(
        select(Refund.id)
        .where(Refund.next_poll_at <= now)
        .order_by(Refund.next_poll_at)
        .limit(BATCH)
    ).all()
    with transaction() as session:
        for payment_id in payment_ids:
            name = "payments.poll_payment"
            queue.defer(session, name, queueing_lock=f"{name}:{payment_id}", payment_id=payment_id)
        for refund_id in refund_ids:
            name = "payments.submit_refund"
            queue.defer(session, name, queueing_lock=f"{name}:{refund_id}", refund_id=refund_id)
