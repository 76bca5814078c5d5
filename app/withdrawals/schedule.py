"""When to ask WeChat about a payout, and how long its silence means nothing. Pure."""

from datetime import datetime, timedelta

STEPS = (
    timedelta(seconds=15),
    timedelta(minutes=1),
    timedelta(minutes=3),
    timedelta(minutes=10),
)
HALF_HOURLY = timedelta(minutes=30)
CONFIRM_WITHIN = timedelta(hours=24)
"""How long a distributor may confirm; then the payout is cancelled and the money returned."""
SEND_WITHIN = timedelta(seconds=30)
"""A request is sent this soon after it was decided, or not in this turn."""
IN_FLIGHT = timedelta(minutes=10)
"""After the last sending, "no such number" is believed only when this has passed. WeChat itself
refuses a request whose signature is older than five minutes."""
KNOWN_FOR = timedelta(days=29)
"""WeChat forgets a bill after thirty days: from then on "no such number" proves nothing."""


def next_poll(*, polls: int, now: datetime) -> datetime:
    """When to ask for the next time: soon after something changed, then every half an hour."""
    return now + (STEPS[polls] if polls < len(STEPS) else HALF_HOURLY)
