"""What coupons ought to do, as plainly as it can be said: dictionaries, and one thing at a time."""

from dataclasses import dataclass, field
from datetime import datetime

from promotions.coupons.states import CouponStatus, Way


@dataclass
class One:
    """A coupon as the model sees it."""

    template: int
    member: int
    way: Way
    day: int
    source: str
    ends_at: datetime
    status: CouponStatus = CouponStatus.ISSUED
    order: str | None = None
    is_forfeited: bool = False
    """Its order may use it, but if it comes back from there it is revoked."""


@dataclass
class Shop:
    """A template's limits by number, and every coupon by id."""

    limits: dict[int, tuple[int | None, int | None, int | None]]
    """Per template: the total, per member, per member and day."""
    coupons: dict[int, One] = field(default_factory=dict)

    def may_have(self, template: int, member: int, way: Way, day: int, count: int = 1) -> bool:
        """Whether `count` more fit into every limit that this way is subject to."""
        of_template = [one for one in self.coupons.values() if one.template == template]
        theirs = [one for one in of_template if one.member == member and one.way is not Way.GIFT]
        today = [one for one in theirs if one.day == day and one.way is not Way.PUSH]
        total, life, daily = self.limits[template]
        checks = [(total, len(of_template))]
        if way is not Way.GIFT:
            checks.append((life, len(theirs)))
        if way in {Way.CLAIM, Way.CODE}:
            checks.append((daily, len(today)))
        return all(most is None or had + count <= most for most, had in checks)

    def given_for(self, source: str, member: int) -> list[int]:
        """The ids a source has given a member."""
        return sorted(
            number
            for number, one in self.coupons.items()
            if (one.source, one.member) == (source, member)
        )

    def on(self, order: str, status: CouponStatus) -> list[int]:
        """The coupons an order has in a status."""
        return sorted(
            number
            for number, one in self.coupons.items()
            if (one.order, one.status) == (order, status)
        )

    def move(self, numbers: list[int], status: CouponStatus, order: str | None = None) -> None:
        """Put coupons into a status."""
        for number in numbers:
            self.coupons[number].status, self.coupons[number].order = status, order
