"""
A promotion as the engine prices it: a rule with a scope, a window and its manners towards others.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum

from promotions.pricing.buyer import Buyer
from promotions.pricing.canon import aware
from promotions.pricing.money import whole
from promotions.pricing.rule import PROMOTION_LANES, Base, Lane, Rule
from promotions.pricing.scope import ALL_GOODS, Scope


class GroupMode(StrEnum):
    """How many promotions of one group apply together."""

    ALL = "all"
    """Every one that has an effect, without needing to agree with each other."""
    FIRST = "first"
    """The first that has an effect, by priority, then id."""
    BEST = "best"
    """The one that makes the order cheapest."""
    WORST = "worst"
    """The one that takes the least off."""


class NoSuchLane(ValueError):
    """A promotion stands in a lane that takes inputs, not promotions."""


class EmptyWindow(ValueError):
    """A promotion, or a slot of it, ends before it starts."""


MINUTES_A_DAY = 24 * 60
DAYS_A_WEEK = 7
CHINA = timezone(timedelta(hours=8))
"""Slots, and limits a day, are of days in China; it has one time zone and no summer time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """Whom a promotion is for. An empty set means any; None means new or not."""

    levels: frozenset[int] = frozenset()
    tags: frozenset[str] = frozenset()
    is_new: bool | None = None

    def __post_init__(self) -> None:
        for level in self.levels:
            whole(level, "levels")

    def admits(self, buyer: Buyer) -> bool:
        """Say whether `buyer` is of one of the levels, has one of the tags, and is as new."""
        return (
            (not self.levels or buyer.level in self.levels)
            and (not self.tags or not self.tags.isdisjoint(buyer.tags))
            and (self.is_new is None or self.is_new is buyer.is_new)
        )


EVERYBODY = Audience()


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """
    Hours of the day in China, `[from_minute, until_minute)`, on some weekdays (0 is Monday).

    :raises EmptyWindow: it ends no later than it starts; past midnight takes two slots.
    """

    from_minute: int
    until_minute: int
    weekdays: frozenset[int] = frozenset()
    """Empty: every day."""

    def __post_init__(self) -> None:
        whole(self.from_minute, "from_minute", most=MINUTES_A_DAY)
        whole(self.until_minute, "until_minute", most=MINUTES_A_DAY)
        if self.until_minute <= self.from_minute:
            raise EmptyWindow("the slot ends no later than it starts")
        for weekday in self.weekdays:
            whole(weekday, "weekdays", most=DAYS_A_WEEK - 1)

    def covers(self, now: datetime) -> bool:
        """Say whether `now` is within the slot; the start belongs to it, the end does not."""
        weekday, minute = divmod(minute_of_week(now), MINUTES_A_DAY)
        return (not self.weekdays or weekday in self.weekdays) and (
            self.from_minute <= minute < self.until_minute
        )

    def minutes_of_week(self) -> set[int]:
        """Return the minutes of the week at which it opens or closes."""
        days = self.weekdays or range(DAYS_A_WEEK)
        return {
            (day * MINUTES_A_DAY + minute) % (DAYS_A_WEEK * MINUTES_A_DAY)
            for day in days
            for minute in (self.from_minute, self.until_minute)
        }


def minute_of_week(now: datetime) -> int:
    """Return the minutes passed in China since the week began on Monday."""
    there = now.astimezone(CHINA)
    return (there.weekday() * 24 + there.hour) * 60 + there.minute


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """
    One promotion, ready to be priced. It is running during `[starts_at, ends_at)`, in its slots.

    Two promotions may discount the same line only if each accepts a tag of the other, or their
    group's mode is `all`. Without tags a promotion combines with no stranger.

    :raises NoSuchLane: `lane` is `base` or `tender`.
    :raises EmptyWindow: it ends no later than it starts.
    """

    promotion_id: int
    title: str
    rule: Rule
    lane: Lane
    starts_at: datetime
    ends_at: datetime | None = None
    scope: Scope = ALL_GOODS
    group: str | None = None
    group_mode: GroupMode = GroupMode.BEST
    priority: int = 0
    """Higher applies earlier and wins ties; then the smaller id."""
    tags: frozenset[str] = frozenset()
    agrees_with: frozenset[str] = frozenset()
    """The tags of others it may share a line with, if they accept one of its own."""
    stop_after: bool = False
    """Nothing that comes later may touch the lines it discounted."""
    base: Base = Base.RUNNING
    max_discount_fen: int | None = None
    """The most one order may save by it."""
    is_capped: bool = False
    """Something about it is limited: whoever prices must bring its `Allowance`."""
    audience: Audience = EVERYBODY
    slots: tuple[Slot, ...] = ()
    """Hours during which it runs; none means all of its window."""
    needs_coupon: bool = False
    """It is a coupon template: a candidate only for a cart that holds a coupon of it."""
    is_deal: bool = False
    """It prices only carts that name it, and lets no other promotion price them."""
    with_coupons: bool = False
    """It is a deal that lets coupons price the cart after it."""
    has_stock: bool = False
    """It is a deal that sells pieces set aside for it, not those on the shelf."""

    def __post_init__(self) -> None:
        whole(self.promotion_id, "promotion_id")
        whole(self.priority, "priority", least=-1_000_000, most=1_000_000)
        if self.max_discount_fen is not None:
            whole(self.max_discount_fen, "max_discount_fen", least=1)
        if self.lane not in PROMOTION_LANES:
            raise NoSuchLane(f"{self.lane} holds no promotions")
        starts_at = aware(self.starts_at, "starts_at").astimezone(UTC)
        object.__setattr__(self, "starts_at", starts_at)
        if self.ends_at is not None:
            ends_at = aware(self.ends_at, "ends_at").astimezone(UTC)
            object.__setattr__(self, "ends_at", ends_at)
            if ends_at <= starts_at:
                raise EmptyWindow("the promotion ends no later than it starts")

    @property
    def is_named(self) -> bool:
        """Whether it is a candidate only for a cart that names it: by a coupon, or as its deal."""
        return self.needs_coupon or self.is_deal

    @property
    def rank(self) -> tuple[int, int]:
        """The order in which promotions of one lane apply, and the last word in every tie."""
        return (-self.priority, self.promotion_id)

    def is_running(self, now: datetime) -> bool:
        """Say whether `now` is in window and slots; a start belongs to them, an end does not."""
        if now < self.starts_at or (self.ends_at is not None and now >= self.ends_at):
            return False
        return not self.slots or any(slot.covers(now) for slot in self.slots)

    def agrees(self, other: "Promotion") -> bool:
        """
        Say whether each accepts a tag of the other, or both belong to one `all` group.

        A coupon that prices a cart beside its deal is one that the deal has let in.
        """
        if self.is_deal or other.is_deal:
            return True
        if self.is_grouped_with(other):
            return self.group_mode is GroupMode.ALL
        return not (
            self.tags.isdisjoint(other.agrees_with) or other.tags.isdisjoint(self.agrees_with)
        )

    def is_grouped_with(self, other: "Promotion") -> bool:
        """Say whether both belong to one group; groups live within a lane."""
        return self.group is not None and (self.group, self.lane) == (other.group, other.lane)
