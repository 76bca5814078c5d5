"""
The sessions (场次) of a flash sale: when it sells, by days in China, and what each is now.

A session is half-open: its start belongs to it, its end does not.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import NamedTuple

from app.core import clock
from promotions.pricing import Promotion

DAYS = 2
"""How many days are listed: today and tomorrow."""
AHEAD = 8
"""Days in which a sale that goes on has a session, whatever its weekdays are."""
ONE = timedelta(days=1)


class SaleState(StrEnum):
    """What a sale, a session or a product in it is for a shopper; none of it is stored."""

    UPCOMING = "upcoming"
    ON_SALE = "on_sale"
    SOLD_OUT = "sold_out"
    ENDED = "ended"


class Sitting(NamedTuple):
    """One session: it sells in all of `[starts_at, ends_at)`."""

    starts_at: datetime
    ends_at: datetime

    def state(self, now: datetime, *, is_sold_out: bool = False) -> SaleState:
        """Say what it is at `now`; one that is over is not sold out but ended."""
        if now >= self.ends_at:
            return SaleState.ENDED
        if is_sold_out:
            return SaleState.SOLD_OUT
        return SaleState.ON_SALE if now >= self.starts_at else SaleState.UPCOMING


def of_days(promotion: Promotion, day: date, days: int = DAYS) -> list[Sitting]:
    """
    Return the sessions that touch any of `days` days in China from `day` on, the soonest first.

    Without slots the whole window is one; a slot that the window cuts is as long as what is left.
    """
    return sorted({one for one in _sittings(promotion, day, days) if _touches(one, day, days)})


def current(promotion: Promotion, now: datetime) -> Sitting | None:
    """Return the session that `now` is in: of several, the one that goes on for longest."""
    today = of_days(promotion, clock.china_day(now), days=1)
    running = [one for one in today if one.starts_at <= now < one.ends_at]
    return max(running, key=lambda one: one.ends_at, default=None)


def following(promotion: Promotion, now: datetime) -> Sitting | None:
    """Return the next session that starts after `now`; None: there is no more."""
    day = clock.china_day(max(now, promotion.starts_at))
    ahead = of_days(promotion, day, days=AHEAD)
    return next((one for one in ahead if one.starts_at > now), None)


def is_visible(promotion: Promotion, now: datetime, *, warm_up_minutes: int) -> bool:
    """
    Say whether people may see the sale: from `warm_up_minutes` before its first session on.

    Between its sessions, and once it is over, whoever knows it may look at it.
    """
    opens = first(promotion)
    return opens is not None and now >= opens.starts_at - timedelta(minutes=warm_up_minutes)


def first(promotion: Promotion) -> Sitting | None:
    """Return the very first session; None: there is none in the window."""
    return following(promotion, promotion.starts_at - timedelta.resolution)


def has_begun(promotion: Promotion, now: datetime) -> bool:
    """Say whether the first session has started."""
    opens = first(promotion)
    return opens is not None and now >= opens.starts_at


def _sittings(promotion: Promotion, begin: date, days: int) -> Iterator[Sitting]:
    opens, closes = promotion.starts_at, promotion.ends_at
    assert closes is not None, "every deal has an end"
    if not promotion.slots:
        yield Sitting(opens, closes)
    for day in (begin + number * ONE for number in range(days)):
        begins = midnight(day)
        for slot in promotion.slots:
            if slot.weekdays and day.weekday() not in slot.weekdays:
                continue
            starts_at = max(begins + timedelta(minutes=slot.from_minute), opens)
            ends_at = min(begins + timedelta(minutes=slot.until_minute), closes)
            if starts_at < ends_at:
                yield Sitting(starts_at, ends_at)


def _touches(one: Sitting, day: date, days: int) -> bool:
    return one.starts_at < midnight(day + days * ONE) and one.ends_at > midnight(day)


def midnight(day: date) -> datetime:
    """Return when a day begins in China, in UTC."""
    return datetime.combine(day, time(), clock.CHINA).astimezone(UTC)
