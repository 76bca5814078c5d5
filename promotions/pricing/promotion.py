"""
A promotion as the engine prices it: a rule with a scope, a window and its manners towards others.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from promotions.pricing.cart import aware
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
    """A promotion ends before it starts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """
    One promotion, ready to be priced. It is running during `[starts_at, ends_at)`.

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
    """Its uses or its budget are limited: whoever prices must bring its `Allowance`."""

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
    def rank(self) -> tuple[int, int]:
        """The order in which promotions of one lane apply, and the last word in every tie."""
        return (-self.priority, self.promotion_id)

    def is_running(self, now: datetime) -> bool:
        """Say whether `now` is within the window; the start belongs to it, the end does not."""
        return self.starts_at <= now and (self.ends_at is None or now < self.ends_at)

    def agrees(self, other: "Promotion") -> bool:
        """Say whether each accepts a tag of the other, or both belong to one `all` group."""
        if self.is_grouped_with(other):
            return self.group_mode is GroupMode.ALL
        return not (
            self.tags.isdisjoint(other.agrees_with) or other.tags.isdisjoint(self.agrees_with)
        )

    def is_grouped_with(self, other: "Promotion") -> bool:
        """Say whether both belong to one group; groups live within a lane."""
        return self.group is not None and (self.group, self.lane) == (other.group, other.lane)
