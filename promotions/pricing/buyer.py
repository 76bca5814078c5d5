"""
What the buyer brings to a cart: who they are, coupons in hand, choices, and what limits leave them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from promotions.pricing.canon import aware
from promotions.pricing.money import whole


class NeverValid(ValueError):
    """A coupon's validity ends no later than it starts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Buyer:
    """Who buys, as far as an audience may ask. `is_new`: has never paid an order."""

    tags: frozenset[str] = frozenset()
    level: int | None = None
    is_new: bool = False

    def __post_init__(self) -> None:
        if self.level is not None:
            whole(self.level, "level")

    def to_json(self) -> dict[str, Any]:
        """Return the buyer as plain data."""
        return {"tags": sorted(self.tags), "level": self.level, "is_new": self.is_new}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote."""
        return cls(
            tags=frozenset(document["tags"]), level=document["level"], is_new=document["is_new"]
        )


ANYBODY = Buyer()


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldCoupon:
    """
    A coupon in the buyer's hands: one use of `promotion_id` within `[starts_at, ends_at)`.

    :raises NeverValid: it ends no later than it starts.
    """

    coupon_id: int
    promotion_id: int
    starts_at: datetime
    ends_at: datetime

    def __post_init__(self) -> None:
        whole(self.coupon_id, "coupon_id")
        whole(self.promotion_id, "promotion_id")
        starts_at = aware(self.starts_at, "starts_at").astimezone(UTC)
        ends_at = aware(self.ends_at, "ends_at").astimezone(UTC)
        if ends_at <= starts_at:
            raise NeverValid("the coupon ends no later than it starts")
        object.__setattr__(self, "starts_at", starts_at)
        object.__setattr__(self, "ends_at", ends_at)

    def to_json(self) -> dict[str, Any]:
        """Return the coupon as plain data."""
        return {
            "coupon_id": self.coupon_id,
            "promotion_id": self.promotion_id,
            "starts_at": self.starts_at.isoformat(),
            "ends_at": self.ends_at.isoformat(),
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote."""
        return cls(
            coupon_id=document["coupon_id"],
            promotion_id=document["promotion_id"],
            starts_at=datetime.fromisoformat(document["starts_at"]),
            ends_at=datetime.fromisoformat(document["ends_at"]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Deal:
    """The campaign that a cart is bought at: a flash sale, a group buy or a bulk buy."""

    promotion_id: int
    as_opener: bool = False
    """The buyer opens a team of the group buy."""

    def __post_init__(self) -> None:
        whole(self.promotion_id, "promotion_id")

    def to_json(self) -> dict[str, Any]:
        """Return the deal as plain data."""
        return {"promotion_id": self.promotion_id, "as_opener": self.as_opener}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote."""
        return cls(promotion_id=document["promotion_id"], as_opener=document["as_opener"])


@dataclass(frozen=True, slots=True, kw_only=True)
class GiftChoice:
    """The gifts the buyer would like of a promotion that lets them choose."""

    promotion_id: int
    sku_ids: tuple[int, ...]

    def __post_init__(self) -> None:
        whole(self.promotion_id, "promotion_id")
        for sku_id in self.sku_ids:
            whole(sku_id, "sku_ids")
        object.__setattr__(self, "sku_ids", tuple(sorted(set(self.sku_ids))))

    def to_json(self) -> dict[str, Any]:
        """Return the choice as plain data."""
        return {"promotion_id": self.promotion_id, "sku_ids": list(self.sku_ids)}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote."""
        return cls(promotion_id=document["promotion_id"], sku_ids=tuple(document["sku_ids"]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What a limited promotion may still give this buyer now. None: that side is not limited."""

    promotion_id: int
    uses: int | None = None
    """Orders: the least of what all buyers together and this one have left."""
    budget_fen: int | None = None
    units: int | None = None
    """Pieces at the promotion's price: the least of what all together and this one have left."""
    gifts: tuple[tuple[int, int], ...] = ()
    """(gift sku id, pieces left); a gift that is not named is not limited."""

    def __post_init__(self) -> None:
        whole(self.promotion_id, "promotion_id")
        for name in ("uses", "budget_fen", "units"):
            if getattr(self, name) is not None:
                whole(getattr(self, name), name)
        for sku_id, left in self.gifts:
            whole(sku_id, "gifts")
            whole(left, "gifts")
        object.__setattr__(self, "gifts", tuple(sorted(self.gifts)))

    def to_json(self) -> dict[str, Any]:
        """Return the allowance as plain data."""
        return {
            "promotion_id": self.promotion_id,
            "uses": self.uses,
            "budget_fen": self.budget_fen,
            "units": self.units,
            "gifts": [{"sku_id": sku_id, "left": left} for sku_id, left in self.gifts],
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote."""
        return cls(
            promotion_id=document["promotion_id"],
            uses=document["uses"],
            budget_fen=document["budget_fen"],
            units=document["units"],
            gifts=tuple((gift["sku_id"], gift["left"]) for gift in document["gifts"]),
        )
