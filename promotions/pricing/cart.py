"""
What is to be priced: lines, the buyer with coupons and choices, limits, freight and the moment.

Everything the engine may know arrives here; it asks no clock, no table and no network.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any, Self

from promotions.pricing.buyer import ANYBODY, Allowance, Buyer, Deal, GiftChoice, HeldCoupon
from promotions.pricing.canon import aware
from promotions.pricing.money import whole


class DuplicateLine(ValueError):
    """Two lines of one cart carry the same line id."""


class DuplicateEntry(ValueError):
    """A cart holds one coupon twice, or two allowances or gift choices for one promotion."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CartLine:
    """One SKU in a quantity. `category_path` runs from the root to the SPU's own category."""

    line_id: int
    sku_id: int
    spu_id: int
    quantity: int
    unit_price_fen: int
    category_path: tuple[int, ...] = ()
    tags: frozenset[str] = frozenset()
    member_price_fen: int | None = None
    """What the buyer's level pays a unit before any promotion; ignored above the list price."""

    def __post_init__(self) -> None:
        whole(self.line_id, "line_id")
        whole(self.sku_id, "sku_id")
        whole(self.spu_id, "spu_id")
        whole(self.quantity, "quantity", least=1)
        whole(self.unit_price_fen, "unit_price_fen")
        for category_id in self.category_path:
            whole(category_id, "category_path")
        if self.member_price_fen is not None:
            whole(self.member_price_fen, "member_price_fen")

    @property
    def amount_fen(self) -> int:
        """The line at its list price."""
        return self.unit_price_fen * self.quantity

    @property
    def base_price_fen(self) -> int:
        """What a unit costs before any promotion: the list price, or the level's if lower."""
        if self.member_price_fen is None:
            return self.unit_price_fen
        return min(self.unit_price_fen, self.member_price_fen)

    @property
    def base_amount_fen(self) -> int:
        """The line before any promotion; where the reckoning starts."""
        return self.base_price_fen * self.quantity

    def to_json(self) -> dict[str, Any]:
        """Return the line as plain data, sets in order."""
        return {
            "line_id": self.line_id,
            "sku_id": self.sku_id,
            "spu_id": self.spu_id,
            "quantity": self.quantity,
            "unit_price_fen": self.unit_price_fen,
            "category_path": list(self.category_path),
            "tags": sorted(self.tags),
            "member_price_fen": self.member_price_fen,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote."""
        return cls(
            **{
                **document,
                "category_path": tuple(document["category_path"]),
                "tags": frozenset(document["tags"]),
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Cart:
    """
    The whole input of a quote. Everything is kept by id, so the order it came in cannot matter.

    :raises DuplicateLine: a line id occurs twice.
    :raises DuplicateEntry: a coupon occurs twice, or a promotion has two allowances or choices.
    :raises NaiveMoment: `now` has no time zone.
    """

    lines: tuple[CartLine, ...]
    now: datetime
    freight_fen: int = 0
    """The freight by the shop's tables, before any promotion."""
    allowances: tuple[Allowance, ...] = ()
    buyer: Buyer = ANYBODY
    coupons: tuple[HeldCoupon, ...] = ()
    coupon_ids: tuple[int, ...] | None = None
    """The coupons the buyer wants used, `()` for none; None: whichever are best."""
    declined: frozenset[int] = frozenset()
    """Promotions the buyer does not want."""
    gift_choices: tuple[GiftChoice, ...] = ()
    points_fen: int = 0
    """What the points that the buyer wants to pay with are worth."""
    deal: Deal | None = None
    """The one campaign that is to price it, with coupons at most; None: whatever concerns it."""

    def __post_init__(self) -> None:
        whole(self.freight_fen, "freight_fen")
        whole(self.points_fen, "points_fen")
        for promotion_id in self.declined:
            whole(promotion_id, "declined")
        lines = tuple(sorted(self.lines, key=attrgetter("line_id")))
        if len({line.line_id for line in lines}) < len(lines):
            raise DuplicateLine("a line id occurs twice")
        object.__setattr__(self, "lines", lines)
        object.__setattr__(self, "now", aware(self.now, "now").astimezone(UTC))
        object.__setattr__(self, "coupons", _by_id(self.coupons, "coupon_id"))
        object.__setattr__(self, "allowances", _by_id(self.allowances, "promotion_id"))
        object.__setattr__(self, "gift_choices", _by_id(self.gift_choices, "promotion_id"))
        if self.coupon_ids is not None:
            for coupon_id in self.coupon_ids:
                whole(coupon_id, "coupon_ids")
            object.__setattr__(self, "coupon_ids", tuple(sorted(set(self.coupon_ids))))

    def to_json(self) -> dict[str, Any]:
        """Return everything the price depends on, except the snapshot, as plain data."""
        return {
            "lines": [line.to_json() for line in self.lines],
            "now": self.now.isoformat(),
            "freight_fen": self.freight_fen,
            "allowances": [allowance.to_json() for allowance in self.allowances],
            "buyer": self.buyer.to_json(),
            "coupons": [coupon.to_json() for coupon in self.coupons],
            "coupon_ids": None if self.coupon_ids is None else list(self.coupon_ids),
            "declined": sorted(self.declined),
            "gift_choices": [choice.to_json() for choice in self.gift_choices],
            "points_fen": self.points_fen,
            # Left out without one, so that carts from before there were deals keep their bytes.
            **({} if self.deal is None else {"deal": self.deal.to_json()}),
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote, to price it again."""
        coupon_ids, deal = document["coupon_ids"], document.get("deal")
        return cls(
            lines=tuple(CartLine.from_json(line) for line in document["lines"]),
            now=datetime.fromisoformat(document["now"]),
            freight_fen=document["freight_fen"],
            allowances=tuple(Allowance.from_json(one) for one in document["allowances"]),
            buyer=Buyer.from_json(document["buyer"]),
            coupons=tuple(HeldCoupon.from_json(one) for one in document["coupons"]),
            coupon_ids=None if coupon_ids is None else tuple(coupon_ids),
            declined=frozenset(document["declined"]),
            gift_choices=tuple(GiftChoice.from_json(one) for one in document["gift_choices"]),
            points_fen=document["points_fen"],
            deal=None if deal is None else Deal.from_json(deal),
        )


def _by_id(entries: Sequence[Any], name: str) -> tuple[Any, ...]:
    ordered = tuple(sorted(entries, key=attrgetter(name)))
    if len({getattr(entry, name) for entry in ordered}) < len(ordered):
        raise DuplicateEntry(f"a {name} occurs twice")
    return ordered
