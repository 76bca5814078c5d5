"""Which days are to be compared now. Bills of a day are made by ten in the morning of the next."""

from datetime import date, datetime, time, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import clock
from app.payments.models import Payment
from app.reconciliation import questions
from app.reconciliation.models import ReconciliationDay

BEGIN_AT = time(10, 30)
"""In China, on the next day."""
LOOKBACK_DAYS = 30
"""A mall that stood still for longer has its older days compared by staff."""
KEPT_DAYS = 90
"""WeChat keeps bills for three months."""


def due(session: Session, *, now: datetime) -> list[date]:
    """
    The days that are not done, or whose breaks our books explain by now, oldest first.

    None before the shop's first payment.
    """
    last = last_day(now)
    first_paid = session.scalar(select(Payment.created_at).order_by(Payment.id).limit(1))
    if first_paid is None:
        return []
    first = max(clock.china_day(first_paid), last - timedelta(days=LOOKBACK_DAYS - 1))
    done = set(
        session.scalars(
            select(ReconciliationDay.bill_day).where(
                ReconciliationDay.bill_day >= first, ReconciliationDay.matched_at.is_not(None)
            )
        )
    )
    days = {first + timedelta(days=number) for number in range((last - first).days + 1)}
    unasked = {question.day for question in questions.unasked(session)}
    return sorted((days - done) | unasked | questions.known_by_now(session))


def last_day(now: datetime) -> date:
    """The latest day whose bills should be there by now."""
    local = now.astimezone(clock.CHINA)
    is_early = local.time() < BEGIN_AT
    return local.date() - timedelta(days=2 if is_early else 1)


def may_run(day: date, *, now: datetime) -> bool:
    """Whether WeChat may have bills of a day: it is over, and not three months ago."""
    today = clock.china_day(now)
    return today - timedelta(days=KEPT_DAYS) <= day < today
