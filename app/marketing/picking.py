"""
What the buyer may pick: coupons, gifts, and what a little more would bring.

All of it is read off the quote's verdicts, so what is said here is what the price does.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from app.marketing import wording
from app.marketing.service import Priced
from promotions import pricing
from promotions.pricing import Code

USABLE = (Code.APPLIED, Code.DOMINATED, Code.NOT_CHOSEN)
"""Verdicts on a coupon that takes something off, if not together with what was chosen."""
NOT_RUNNING = "活动当前未在进行"
OUT_OF_SCOPE = "所选商品不适用"


@dataclass(frozen=True, slots=True)
class CouponOption:
    """One coupon in the buyer's hands: whether it may be used for this cart, and why not."""

    coupon_id: int
    promotion_id: int
    title: str
    badge: str
    starts_at: datetime
    ends_at: datetime
    is_usable: bool
    is_applied: bool
    saves_fen: int
    """What it takes off if applied, else what it would."""
    message: str


def coupon_options(priced: Priced) -> list[CouponOption]:
    """
    Every coupon the buyer holds: the applied ones first, then by what they save.

    Whether one may be used is asked of the cart as if nothing had been picked: a coupon left out by
    choice stays usable.
    """
    cart = priced.cart
    if not cart.coupons:
        return []
    free = priced.quote
    if cart.coupon_ids is not None:
        free = pricing.price(replace(cart, coupon_ids=None), priced.snapshot)
    verdicts = _by_coupon(free)
    applied = {
        one.coupon_id: one.amount_fen
        for one in priced.quote.adjustments
        if one.coupon_id is not None
    }
    options = [_option(priced, coupon, verdicts, applied) for coupon in cart.coupons]
    return sorted(
        options,
        key=lambda one: (not one.is_applied, not one.is_usable, -one.saves_fen, one.ends_at),
    )


def nudges(described: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What a little more would bring: the campaigns of a described quote with a next step."""
    return [
        {
            "promotion_id": verdict["promotion_id"],
            "title": verdict["title"],
            "message": verdict["message"],
            **verdict["shortfall"],
        }
        for verdict in described["trace"]
        if verdict["shortfall"] is not None
        and verdict.get("coupon_id") is None
        and verdict["code"] in {Code.APPLIED, Code.CONDITION_FAILED}
    ]


def gift_options(priced: Priced) -> Iterator[dict[str, Any]]:
    """Of each applied promotion that lets the buyer choose: how many of which gifts."""
    for adjustment in priced.quote.adjustments:
        rule = priced.snapshot.promotions[adjustment.promotion_id].rule
        if not isinstance(rule, pricing.SpendAndGift) or not adjustment.gifts:
            continue
        given = {gift.sku_id for gift in adjustment.gifts}
        tier = next(
            tier for tier in reversed(rule.tiers) if given <= {gift.sku_id for gift in tier.gifts}
        )
        if tier.choose is None:
            continue
        left = {
            allowance.promotion_id: dict(allowance.gifts) for allowance in priced.cart.allowances
        }.get(adjustment.promotion_id, {})
        yield {
            "promotion_id": adjustment.promotion_id,
            "title": adjustment.title,
            "choose": tier.choose,
            "gifts": [
                {
                    **_shown(priced, gift.sku_id),
                    "quantity": gift.quantity,
                    "value_fen": gift.value_fen,
                    "is_available": left.get(gift.sku_id, gift.quantity) > 0,
                    "is_chosen": gift.sku_id in given,
                }
                for gift in tier.gifts
                if gift.sku_id in priced.gift_skus
            ],
        }


def gift_lines(priced: Priced) -> list[dict[str, Any]]:
    """The gifts that come with the cart, as they look."""
    return [
        {
            "promotion_id": gift.promotion_id,
            **_shown(priced, gift.sku_id),
            "quantity": gift.quantity,
            "value_fen": gift.value_fen,
        }
        for gift in priced.quote.gifts
    ]


def _by_coupon(quote: pricing.Quote) -> dict[int, dict[str, Any]]:
    described = wording.describe(quote.to_json())
    return {
        verdict["coupon_id"]: verdict
        for verdict in described["trace"]
        if verdict["coupon_id"] is not None
    }


def _option(
    priced: Priced,
    coupon: pricing.HeldCoupon,
    verdicts: Mapping[int, Mapping[str, Any]],
    applied: Mapping[int, int],
) -> CouponOption:
    promotion = priced.snapshot.promotions.get(coupon.promotion_id)
    verdict = verdicts.get(coupon.coupon_id)
    if verdict is None:
        is_running = promotion is not None and promotion.is_running(priced.cart.now)
        verdict = {
            "code": None,
            "amount_fen": 0,
            "message": OUT_OF_SCOPE if is_running else NOT_RUNNING,
        }
    is_applied = coupon.coupon_id in applied
    return CouponOption(
        coupon_id=coupon.coupon_id,
        promotion_id=coupon.promotion_id,
        title="" if promotion is None else promotion.title,
        badge="" if promotion is None else wording.badge(promotion),
        starts_at=coupon.starts_at,
        ends_at=coupon.ends_at,
        is_usable=is_applied or verdict["code"] in USABLE,
        is_applied=is_applied,
        saves_fen=applied.get(coupon.coupon_id, verdict["amount_fen"]),
        message=verdict["message"],
    )


def _shown(priced: Priced, sku_id: int) -> dict[str, Any]:
    sku = priced.gift_skus[sku_id]
    return {
        "sku_id": sku_id,
        "spu_id": sku.spu_id,
        "title": sku.title,
        "spec_text": sku.spec_text,
        "image_url": sku.image_url,
    }
