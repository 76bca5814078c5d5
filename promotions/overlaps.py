"""
What a campaign would meet: which others share goods, hours and buyers with it, what follows.

For the merchant, before publishing. The engine knows no catalogue, so whoever asks brings the
goods, each as a line of one piece at its list price.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import product

from promotions.pricing import CartLine, GroupMode, Lane, Promotion, Slot
from promotions.pricing.combining import shut_out
from promotions.pricing.promotion import DAYS_A_WEEK, MINUTES_A_DAY, minute_of_week
from promotions.pricing.rule import PROMOTION_LANES
from promotions.pricing.scope import Key, keys_of

MINUTES_A_WEEK = DAYS_A_WEEK * MINUTES_A_DAY
ALL_DAY = (Slot(from_minute=0, until_minute=MINUTES_A_DAY),)


class Meeting(StrEnum):
    """What happens when a cart is in reach of two campaigns at once."""

    STACKS = "stacks"
    """Both apply to the same goods."""
    EXCLUDES = "excludes"
    """One line takes one of them: whichever makes the order cheaper."""
    GROUP_BEST = "group_best"
    GROUP_FIRST = "group_first"
    GROUP_WORST = "group_worst"
    """One of their group applies: the best, the first by priority, the one that saves least."""
    MIXED_GROUP = "mixed_group"
    """They are of one group and disagree about its mode: the new one cannot be published."""
    BLOCKS = "blocks"
    """The new one acts earlier and keeps the other from every line it discounts."""
    BLOCKED = "blocked"
    """The other acts earlier and keeps the new one from every line it discounts."""


_IN_GROUP = {
    GroupMode.BEST: Meeting.GROUP_BEST,
    GroupMode.FIRST: Meeting.GROUP_FIRST,
    GroupMode.WORST: Meeting.GROUP_WORST,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """Another campaign that meets the one looked at, and what happens between them."""

    other: Promotion
    meeting: Meeting
    sku_ids: tuple[int, ...]
    """The goods they share."""
    first_at: datetime
    """When both run for the first time."""


def among(
    promotion: Promotion, others: Iterable[Promotion], goods: Iterable[CartLine], *, now: datetime
) -> list[Overlap]:
    """Return which of `others` meet `promotion` from `now` on, by lane and then by rank."""
    meeting_at = {
        other.promotion_id: (other, first_at)
        for other in others
        if other.promotion_id != promotion.promotion_id
        if share_buyers(promotion, other)
        if (first_at := first_shared_moment(promotion, other, since=now)) is not None
    }
    shared = _shared_goods(promotion, [other for other, _ in meeting_at.values()], goods)
    found = [
        Overlap(
            other=other,
            meeting=meeting_of(promotion, other),
            sku_ids=tuple(shared[number]),
            first_at=first_at,
        )
        for number, (other, first_at) in meeting_at.items()
        if number in shared
    ]
    return sorted(found, key=lambda it: (PROMOTION_LANES.index(it.other.lane), it.other.rank))


def share_buyers(one: Promotion, other: Promotion) -> bool:
    """Say whether anybody may be in both audiences; a buyer may have tags of both."""
    first, second = one.audience, other.audience
    if first.levels and second.levels and first.levels.isdisjoint(second.levels):
        return False
    return None in (first.is_new, second.is_new) or first.is_new is second.is_new


def first_shared_moment(one: Promotion, other: Promotion, *, since: datetime) -> datetime | None:
    """Return when, from `since` on, both run for the first time; None if they never do."""
    start = max(since, one.starts_at, other.starts_at)
    minute = start.replace(second=0, microsecond=0)
    position = minute_of_week(start)
    moments = [
        start if opens <= position < closes else minute + timedelta(minutes=opens - position)
        for first, second in product(one.slots or ALL_DAY, other.slots or ALL_DAY)
        for opens, closes in _shared_minutes(first, second, position)
    ]
    first_at = min(moments, default=None)
    ends = [each.ends_at for each in (one, other) if each.ends_at is not None]
    return None if first_at is None or any(end <= first_at for end in ends) else first_at


def meeting_of(one: Promotion, other: Promotion) -> Meeting:
    """Return what happens when both could apply to the same goods, seen from `one`."""
    if one.lane is other.lane:
        return _in_one_lane(one, other)
    if Lane.SHIPPING in (one.lane, other.lane):
        return Meeting.STACKS  # Freight is nobody's line.
    is_earlier = PROMOTION_LANES.index(one.lane) < PROMOTION_LANES.index(other.lane)
    earlier, later = (one, other) if is_earlier else (other, one)
    if shut_out(earlier, later):
        return Meeting.BLOCKS if is_earlier else Meeting.BLOCKED
    return Meeting.STACKS


def _in_one_lane(one: Promotion, other: Promotion) -> Meeting:
    if one.is_grouped_with(other):
        if one.group_mode is not other.group_mode:
            return Meeting.MIXED_GROUP
        if one.group_mode is not GroupMode.ALL:
            return _IN_GROUP[one.group_mode]
    first, second = sorted((one, other), key=lambda it: it.rank)
    if one.lane is Lane.PRICE or shut_out(first, second):
        return Meeting.EXCLUDES
    return Meeting.STACKS


def _shared_minutes(first: Slot, second: Slot, position: int) -> Iterable[tuple[int, int]]:
    """Yield when both are open, in minutes of the week; what is over at `position`, a week on."""
    opens = max(first.from_minute, second.from_minute)
    closes = min(first.until_minute, second.until_minute)
    if closes <= opens:
        return
    for day in range(DAYS_A_WEEK):
        if all(not slot.weekdays or day in slot.weekdays for slot in (first, second)):
            begin = day * MINUTES_A_DAY
            later = MINUTES_A_WEEK if begin + closes <= position else 0
            yield begin + opens + later, begin + closes + later


def _shared_goods(
    promotion: Promotion, others: Sequence[Promotion], goods: Iterable[CartLine]
) -> dict[int, list[int]]:
    """Return the SKUs that `promotion` shares with each of `others`, by promotion id."""
    filed: defaultdict[Key, list[Promotion]] = defaultdict(list)
    for other in others:
        for key in other.scope.index_keys():
            filed[key].append(other)
    shared: defaultdict[int, list[int]] = defaultdict(list)
    for line in goods:
        if not promotion.scope.covers(line):
            continue
        near = {one.promotion_id: one for key in keys_of(line) for one in filed.get(key, ())}
        for number, other in sorted(near.items()):
            if not other.scope.exclude.covers(line):
                shared[number].append(line.sku_id)
    return shared
