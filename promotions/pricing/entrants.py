"""
Who may take part: the audience, the coupons in hand, and what the buyer has declined.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter

from promotions.pricing.buyer import HeldCoupon
from promotions.pricing.cart import Cart, CartLine
from promotions.pricing.promotion import EVERYBODY, Promotion
from promotions.pricing.quote import Verdict
from promotions.pricing.snapshot import Match
from promotions.pricing.tally import Code


@dataclass(slots=True, eq=False)
class Entrant:
    """A promotion that takes part with the lines in its scope, and the coupon it would use up."""

    promotion: Promotion
    lines: tuple[CartLine, ...]
    coupon_id: int | None = None


def let_in(cart: Cart, matches: Sequence[Match]) -> tuple[list[Entrant], dict[int, list[Verdict]]]:
    """
    Return who takes part, in order, and the verdicts on the others by promotion.

    Of the usable coupons of one template the one that ends first takes part, then the smaller id.
    """
    coupons: defaultdict[int, list[HeldCoupon]] = defaultdict(list)
    for coupon in sorted(cart.coupons, key=attrgetter("ends_at", "coupon_id")):
        coupons[coupon.promotion_id].append(coupon)
    entrants: list[Entrant] = []
    others: dict[int, list[Verdict]] = {}
    for promotion, lines in matches:
        if promotion.needs_coupon:
            chosen, others[promotion.promotion_id] = _choose(
                cart, promotion, coupons[promotion.promotion_id]
            )
            if chosen is not None:
                entrants.append(Entrant(promotion, lines, chosen.coupon_id))
        elif (code := _turned_away(cart, promotion)) is not None:
            others[promotion.promotion_id] = [_verdict(promotion, code)]
        else:
            entrants.append(Entrant(promotion, lines))
    return entrants, others


def _choose(
    cart: Cart, template: Promotion, coupons: Sequence[HeldCoupon]
) -> tuple[HeldCoupon | None, list[Verdict]]:
    """Return the first usable coupon, if there is one, and the verdicts on the others."""
    chosen: HeldCoupon | None = None
    others: list[Verdict] = []
    for coupon in coupons:
        code = _unusable(cart, coupon) or _turned_away(cart, template)
        if code is None and chosen is None:
            chosen = coupon
        elif code is None:
            others.append(_verdict(template, Code.DOMINATED, coupon, by=template.promotion_id))
        else:
            others.append(_verdict(template, code, coupon))
    return chosen, others


def _unusable(cart: Cart, coupon: HeldCoupon) -> Code | None:
    if cart.now < coupon.starts_at:
        return Code.NOT_YET
    if cart.now >= coupon.ends_at:
        return Code.EXPIRED
    if cart.coupon_ids is not None and coupon.coupon_id not in cart.coupon_ids:
        return Code.DECLINED
    return None


def _turned_away(cart: Cart, promotion: Promotion) -> Code | None:
    if promotion.audience is not EVERYBODY and not promotion.audience.admits(cart.buyer):
        return Code.NOT_FOR_YOU
    return Code.DECLINED if promotion.promotion_id in cart.declined else None


def _verdict(
    promotion: Promotion, code: Code, coupon: HeldCoupon | None = None, *, by: int | None = None
) -> Verdict:
    return Verdict(
        promotion_id=promotion.promotion_id,
        title=promotion.title,
        code=code,
        by=by,
        coupon_id=None if coupon is None else coupon.coupon_id,
    )
