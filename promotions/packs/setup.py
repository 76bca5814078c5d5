"""
A pack as plain data, and what contradicts itself in it.

`Setup` is what a merchant decides. Whether the templates it names exist and can be given is asked
of the database, in `promotions.packs.giving`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class Eligibility(StrEnum):
    """Who counts as a newcomer."""

    NEVER_REGISTERED = "never_registered"
    """This account is the first of its person."""
    NEVER_PAID = "never_paid"
    """No account of this person has ever paid an order."""


class PartKind(StrEnum):
    """What one part of a pack gives."""

    COUPON = "coupon"
    POINTS = "points"
    FIRST_ORDER_PRICE = "first_order_price"
    GIFT = "gift"


class PackFlaw(StrEnum):
    """Why a pack is refused."""

    EMPTY = "empty"
    """It gives nothing."""
    INCOMPLETE = "incomplete"
    """A part names no template, or says no number of points."""
    MIXED = "mixed"
    """A part of points names a template, or one of a template says points."""
    NOT_POSITIVE = "not_positive"
    TWICE = "twice"
    """Two parts give points, or name one template."""
    EMPTY_WINDOW = "empty_window"
    """It ends no later than it starts."""
    ALREADY_OVER = "already_over"
    NO_DEADLINE = "no_deadline"
    """Who registered for the first time would be new for ever."""
    BUDGET_WITHOUT_WORTH = "budget_without_worth"
    """A budget is stated and not what one claim costs of it."""
    BUDGET_TOO_SMALL = "budget_too_small"
    """The budget does not cover one claim."""
    NO_TEMPLATE = "no_template"
    """There is no such template."""
    WRONG_KIND = "wrong_kind"
    """The template is of a kind this part cannot give."""
    NOT_FIRST_ORDER = "not_first_order"
    """The template of a first-order price is not for new buyers only."""
    NOT_PUBLISHED = "not_published"
    """The template is a draft, paused or ended."""
    ENDS_FIRST = "ends_first"
    """The template is over before the pack is."""
    TOO_FEW = "too_few"
    """The template issues fewer coupons than the pack promises."""


class BadPack(ValueError):
    """A set-up cannot mean anything; `field` says where, `flaw` why."""

    def __init__(self, field: str, flaw: PackFlaw) -> None:
        super().__init__(f"{field}: {flaw}")
        self.field = field
        self.flaw = flaw


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part: `count` coupons of a template, or points."""

    kind: PartKind
    promotion_id: int | None = None
    count: int = 1
    points: int | None = None

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> "Part":
        """Read a part as a body brings it or as a pack stores it."""
        return cls(**{**document, "kind": PartKind(document["kind"])})

    def to_json(self) -> dict[str, Any]:
        """Return the part as plain data, without what it does not use."""
        if self.kind is PartKind.POINTS:
            return {"kind": self.kind.value, "points": self.points}
        return {"kind": self.kind.value, "promotion_id": self.promotion_id, "count": self.count}

    def flaw(self) -> PackFlaw | None:
        """Return what is wrong with the part by itself."""
        is_points = self.kind is PartKind.POINTS
        wanted, other = (
            (self.points, self.promotion_id) if is_points else (self.promotion_id, self.points)
        )
        if other is not None:
            return PackFlaw.MIXED
        if wanted is None:
            return PackFlaw.INCOMPLETE
        return PackFlaw.NOT_POSITIVE if min(wanted, self.count) < 1 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """
    Everything a merchant decides about a pack.

    :raises BadPack: it contradicts itself.
    """

    title: str
    eligibility: Eligibility
    parts: tuple[Part, ...]
    starts_at: datetime
    ends_at: datetime | None = None
    claim_days: int | None = None
    worth_fen: int = 0
    max_claims: int | None = None
    budget_fen: int | None = None

    def __post_init__(self) -> None:
        _check_parts(self.parts)
        if self.ends_at is not None and self.ends_at <= self.starts_at:
            raise BadPack("ends_at", PackFlaw.EMPTY_WINDOW)
        if self.eligibility is Eligibility.NEVER_REGISTERED and self.claim_days is None:
            raise BadPack("claim_days", PackFlaw.NO_DEADLINE)
        for name in ("claim_days", "max_claims", "budget_fen"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise BadPack(name, PackFlaw.NOT_POSITIVE)
        if self.worth_fen < 0:
            raise BadPack("worth_fen", PackFlaw.NOT_POSITIVE)
        if self.budget_fen is not None and self.worth_fen == 0:
            raise BadPack("worth_fen", PackFlaw.BUDGET_WITHOUT_WORTH)
        if self.budget_fen is not None and self.budget_fen < self.worth_fen:
            raise BadPack("budget_fen", PackFlaw.BUDGET_TOO_SMALL)

    @property
    def is_limited(self) -> bool:
        """Whether claims or budget are limited."""
        return self.max_claims is not None or self.budget_fen is not None

    @property
    def most_claims(self) -> int | None:
        """How many claims the limits allow together; None is no limit."""
        by_budget = self.budget_fen // self.worth_fen if self.budget_fen else None
        return min((one for one in (self.max_claims, by_budget) if one is not None), default=None)

    def to_json(self) -> dict[str, Any]:
        """Return all of it as plain data, for the history."""
        return {
            "title": self.title,
            "eligibility": self.eligibility.value,
            "parts": [part.to_json() for part in self.parts],
            "starts_at": self.starts_at.isoformat(),
            "ends_at": None if self.ends_at is None else self.ends_at.isoformat(),
            "claim_days": self.claim_days,
            "worth_fen": self.worth_fen,
            "max_claims": self.max_claims,
            "budget_fen": self.budget_fen,
        }


def _check_parts(parts: Sequence[Part]) -> None:
    if not parts:
        raise BadPack("parts", PackFlaw.EMPTY)
    seen = set[int | None]()
    for number, part in enumerate(parts):
        flaw = part.flaw() or (PackFlaw.TWICE if part.promotion_id in seen else None)
        if flaw is not None:
            raise BadPack(f"parts.{number}", flaw)
        seen.add(part.promotion_id)
