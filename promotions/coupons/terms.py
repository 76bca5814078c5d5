"""
How a template's coupons are given out, as the merchant says it: checked, and applied to a moment.

Days are days of China: a coupon of one day that is issued at nine in the evening ends at midnight.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from promotions.coupons.states import ValidMode
from promotions.pricing.promotion import CHINA

MOMENTS = ("valid_starts_at", "valid_ends_at", "claim_ends_at")
COUNTS = ("valid_days", "max_issued", "member_max", "member_day_max")
"""What must be 1 or more wherever it is given."""


class IssueFlaw(StrEnum):
    """What contradicts itself in the way coupons are given out."""

    TWO_VALIDITIES = "two_validities"
    """Exactly one of fixed dates and days from issue is needed."""
    EMPTY_VALIDITY = "empty_validity"
    """It ends no later than it starts."""
    NOT_POSITIVE = "not_positive"
    """A limit of nothing, or days below zero."""
    DAY_ABOVE_LIFE = "day_above_life"
    """More a day than one person may have at all."""


class BadIssue(ValueError):
    """The issue terms cannot mean anything; `field` says where, `flaw` why."""

    def __init__(self, field: str, flaw: IssueFlaw) -> None:
        super().__init__(f"{field}: {flaw}")
        self.field = field
        self.flaw = flaw


class Window(NamedTuple):
    """When a coupon may be used: from `starts_at`, before `ends_at`."""

    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """
    The issue terms of a template: either both fixed dates or `valid_days` from the day of issue.

    No `max_issued`, `member_max` or `member_day_max`: no such limit.
    """

    valid_starts_at: datetime | None = None
    valid_ends_at: datetime | None = None
    valid_days: int | None = None
    delay_days: int = 0
    max_issued: int | None = None
    member_max: int | None = None
    member_day_max: int | None = None
    is_claimable: bool = True
    claim_ends_at: datetime | None = None
    extend_days: int = 0

    def __post_init__(self) -> None:
        self._require_one_validity()
        for name in COUNTS:
            if (count := getattr(self, name)) is not None and count < 1:
                raise BadIssue(name, IssueFlaw.NOT_POSITIVE)
        for name in ("delay_days", "extend_days"):
            if getattr(self, name) < 0:
                raise BadIssue(name, IssueFlaw.NOT_POSITIVE)
        if self.member_max and self.member_day_max and self.member_day_max > self.member_max:
            raise BadIssue("member_day_max", IssueFlaw.DAY_ABOVE_LIFE)

    def _require_one_validity(self) -> None:
        starts_at, ends_at = self.valid_starts_at, self.valid_ends_at
        if (starts_at is None) != (ends_at is None) or (ends_at is None) == (
            self.valid_days is None
        ):
            raise BadIssue("valid_days", IssueFlaw.TWO_VALIDITIES)
        if starts_at is None or ends_at is None:
            return
        if ends_at <= starts_at:
            raise BadIssue("valid_ends_at", IssueFlaw.EMPTY_VALIDITY)
        if self.delay_days:
            raise BadIssue("delay_days", IssueFlaw.TWO_VALIDITIES)

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> "Issue":
        """
        Read the terms as a body brings them or as a campaign stores them.

        :raises BadIssue: they contradict themselves.
        """
        known = {one.name: document[one.name] for one in fields(cls) if one.name in document}
        for name in MOMENTS:
            if isinstance(said := known.get(name), str):
                known[name] = datetime.fromisoformat(said)
        return cls(**known)

    def to_json(self) -> dict[str, Any]:
        """Return the terms as plain data; `parse` reads it back."""
        plain = asdict(self)
        return {
            name: value.isoformat() if isinstance(value, datetime) else value
            for name, value in plain.items()
        }

    @property
    def valid_mode(self) -> ValidMode:
        """What decides when a coupon may be used."""
        return ValidMode.FIXED if self.valid_days is None else ValidMode.AFTER_CLAIM


def china_day(moment: datetime) -> date:
    """Return the calendar day of `moment` in China."""
    return moment.astimezone(CHINA).date()


def beginning_of(day: date) -> datetime:
    """Return the midnight with which a day of China begins."""
    return datetime.combine(day, time(), CHINA)


def validity(
    *, valid_days: int | None, delay_days: int, fixed: Window | None, now: datetime
) -> Window:
    """Return when a coupon issued at `now` may be used; `fixed` dates or days from that day."""
    if fixed is not None:
        return fixed
    first = china_day(now) + timedelta(days=delay_days)
    return Window(
        starts_at=beginning_of(first) if delay_days else now,
        ends_at=beginning_of(first + timedelta(days=valid_days or 0)),
    )


def extended_until(*, extend_days: int, now: datetime) -> datetime:
    """Return the end of a coupon that came back at `now`: so many whole days after this one."""
    return beginning_of(china_day(now) + timedelta(days=1 + extend_days))
