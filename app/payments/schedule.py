"""When to ask WeChat about what it has not told us. Pure."""

from datetime import datetime, timedelta

ATTEMPT_STEPS = (
    timedelta(seconds=15),
    timedelta(minutes=1),
    timedelta(minutes=3),
    timedelta(minutes=10),
    timedelta(minutes=30),
)
REFUND_STEPS = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=30))
HOURLY = timedelta(hours=1)
AFTER_EXPIRY = timedelta(seconds=30)
CLOSING_STEPS = (timedelta(seconds=15), timedelta(minutes=1), timedelta(minutes=5))


def next_attempt_poll(*, polls: int, created_at: datetime, expires_at: datetime) -> datetime | None:
    """When to ask about an attempt for the next time; the last time is at its expiry."""
    last = expires_at + AFTER_EXPIRY
    if polls < len(ATTEMPT_STEPS) and (due := created_at + ATTEMPT_STEPS[polls]) < last:
        return due
    return last if polls <= len(ATTEMPT_STEPS) else None


def next_refund_poll(*, polls: int, now: datetime) -> datetime:
    """When to ask about a refund for the next time: soon at first, then every hour without end."""
    return now + (REFUND_STEPS[polls] if polls < len(REFUND_STEPS) else HOURLY)


def next_closing(*, tries: int, now: datetime) -> datetime:
    """When to try again to close an order WeChat gave no clear answer about."""
    return now + CLOSING_STEPS[min(tries, len(CLOSING_STEPS) - 1)]
