"""
Plain mistakes of a campaign: goods it makes no cheaper, and goods it sells too close to their cost.

Found by pricing: each product alone in a cart, in the quantities at which the campaign gives most.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import islice

from promotions.overlaps import Meeting, Overlap
from promotions.pricing import (
    ALL_BP,
    EVERYBODY,
    Cart,
    CartLine,
    Code,
    HeldCoupon,
    Lane,
    Measure,
    Promotion,
    Quote,
    Snapshot,
    price,
)

PIECES_MAX = 999
STEPS_MAX = 6
"""How many tiers of a campaign are tried, the lowest first."""
TOGETHER_MAX = 20
"""How many campaigns that stack are tried together with the one looked at, each for itself."""
TOGETHER_GOODS_MAX = 200
"""And on how many goods each."""


class Mistake(StrEnum):
    """What a merchant would hardly mean."""

    NOTHING_IN_SCOPE = "nothing_in_scope"
    """No product on sale is in scope."""
    PRICE_NOT_LOWER = "price_not_lower"
    """The price it sets is not below the list price."""
    BELOW_FLOOR = "below_floor"
    """What is paid leaves less than the margin floor over the cost price."""
    BELOW_FLOOR_TOGETHER = "below_floor_together"
    """The same, together with a campaign it stacks with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Good:
    """One piece of a product at its list price, and what it cost the shop, if that is known."""

    line: CartLine
    cost_fen: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A mistake and the goods it is made on; `other` is the campaign it takes two to make."""

    mistake: Mistake
    sku_ids: tuple[int, ...] = ()
    other: Promotion | None = None


def is_below_floor(payable_fen: int, cost_fen: int, floor_bp: int) -> bool:
    """Say whether `payable_fen` leaves less than `floor_bp` of itself over the cost; exact."""
    return payable_fen * (ALL_BP - floor_bp) < cost_fen * ALL_BP


def mistakes(
    promotion: Promotion,
    goods: Iterable[Good],
    overlaps: Sequence[Overlap] = (),
    *,
    floor_bp: int,
    now: datetime,
) -> list[Finding]:
    """Return the mistakes of `promotion` on `goods`, by itself and with what it stacks with."""
    in_scope = [good for good in goods if promotion.scope.covers(good.line)]
    if not in_scope:
        return [Finding(mistake=Mistake.NOTHING_IN_SCOPE)]
    found = [
        Finding(mistake=Mistake.PRICE_NOT_LOWER, sku_ids=_not_lower(promotion, in_scope, now)),
        Finding(
            mistake=Mistake.BELOW_FLOOR, sku_ids=_too_cheap([promotion], in_scope, floor_bp, now)
        ),
    ]
    already = set(found[-1].sku_ids)
    stacking = (one for one in overlaps if one.meeting is Meeting.STACKS)
    for overlap in islice(stacking, TOGETHER_MAX):
        shared = set(overlap.sku_ids) - already
        tried = islice(
            (good for good in in_scope if good.line.sku_id in shared), TOGETHER_GOODS_MAX
        )
        both = [promotion, overlap.other]
        found.append(
            Finding(
                mistake=Mistake.BELOW_FLOOR_TOGETHER,
                sku_ids=_too_cheap(both, tried, floor_bp, now),
                other=overlap.other,
            )
        )
    return [one for one in found if one.sku_ids]


def _not_lower(promotion: Promotion, goods: Iterable[Good], now: datetime) -> tuple[int, ...]:
    if promotion.lane is not Lane.PRICE:
        return ()
    quotes = ((good, price(_cart(good.line, [promotion], now), _freed([promotion], now)))
              for good in goods)  # fmt: skip
    return tuple(
        good.line.sku_id
        for good, quote in quotes
        if any(verdict.code is Code.NO_EFFECT for verdict in quote.trace)
    )


def _too_cheap(
    promotions: Sequence[Promotion], goods: Iterable[Good], floor_bp: int, now: datetime
) -> tuple[int, ...]:
    """Return the goods that some quantity sells below the floor, all of `promotions` running."""
    snapshot = _freed(promotions, now)
    return tuple(
        good.line.sku_id
        for good in goods
        if good.cost_fen is not None
        if any(
            is_below_floor(line.payable_fen, good.cost_fen * line.quantity, floor_bp)
            for quote in _tried(good.line, promotions, snapshot, now)
            for line in quote.lines
        )
    )


def _tried(
    line: CartLine, promotions: Sequence[Promotion], snapshot: Snapshot, now: datetime
) -> Iterator[Quote]:
    """Yield the quotes of one piece and of just enough pieces for each further step."""
    quantity = 1
    for _ in range(STEPS_MAX):
        quote = price(_cart(replace(line, quantity=quantity), promotions, now), snapshot)
        if quote.adjustments:
            yield quote
        gaps = [
            shortfall.gap
            if shortfall.measure is Measure.PIECES
            else -(-shortfall.gap // max(line.unit_price_fen, 1))
            for verdict in quote.trace
            if (shortfall := verdict.shortfall) is not None
        ]
        if not gaps or quantity == PIECES_MAX:
            return
        quantity = min(quantity + min(gaps), PIECES_MAX)


def _cart(line: CartLine, promotions: Sequence[Promotion], now: datetime) -> Cart:
    """Return a cart of one line whose buyer holds a coupon of each template."""
    coupons = [
        HeldCoupon(
            coupon_id=number,
            promotion_id=promotion.promotion_id,
            starts_at=now,
            ends_at=now + timedelta(days=1),
        )
        for number, promotion in enumerate(promotions, start=1)
        if promotion.needs_coupon
    ]
    return Cart(lines=(line,), now=now, coupons=tuple(coupons))


def _freed(promotions: Sequence[Promotion], now: datetime) -> Snapshot:
    """Return the promotions running now, for everybody: what they do when they may."""
    return Snapshot(
        0,
        [
            replace(one, starts_at=now, ends_at=None, slots=(), audience=EVERYBODY)
            for one in promotions
        ],
    )
