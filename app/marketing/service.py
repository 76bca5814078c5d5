"""
What the shop asks of the promotions engine: quotes, and holds on what they use.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.catalogue.queries import SellableSku
from app.marketing import buyers, carving, gifts
from app.marketing.holding import (
    CouponGone,
    PromotionGone,
    confirm,
    give_back,
    gone,
    holds_back,
    release,
    reserve,
    reserve_again,
    take_back,
)
from app.marketing.snapshot import snapshot
from promotions import coupons, limits, pricing, queries
from promotions.pricing.kinds import DealRule

__all__ = [
    "ANY_CHOICE",
    "Choice",
    "CouponGone",
    "Priced",
    "PromotionGone",
    "QuoteLine",
    "carve_of",
    "confirm",
    "give_back",
    "gone",
    "holds_back",
    "priced",
    "quote",
    "release",
    "require_still_new",
    "reserve",
    "reserve_again",
    "snapshot",
    "take_back",
    "uncommissioned",
]


@dataclass(frozen=True, slots=True)
class QuoteLine:
    """One SKU in a quantity, to be priced. `line_id` is the caller's and unique in the cart."""

    line_id: int
    sku: SellableSku
    quantity: int


@dataclass(frozen=True, slots=True)
class Choice:
    """What the buyer wants of the promotions; by default whatever is best."""

    coupon_ids: tuple[int, ...] | None = None
    """Only these coupons may apply, `()` for none; None: the best."""
    declined: frozenset[int] = frozenset()
    """Promotions not to be applied."""
    gift_choices: tuple[pricing.GiftChoice, ...] = ()
    points_fen: int = 0
    """What the points are worth that are to pay a part."""
    deal: pricing.Deal | None = None
    """The one campaign that is to price it all, with coupons and points as far as it allows."""


ANY_CHOICE = Choice()


@dataclass(frozen=True, slots=True)
class Priced:
    """A quote with all it was made of."""

    quote: pricing.Quote
    cart: pricing.Cart
    snapshot: pricing.Snapshot
    gift_skus: Mapping[int, SellableSku]
    """The SKUs that may come as gifts, by id."""


def quote(
    session: Session,
    *,
    lines: Sequence[QuoteLine],
    member_id: int | None,
    freight_fen: int,
    now: datetime,
    choice: Choice = ANY_CHOICE,
) -> pricing.Quote:
    """Return what the lines cost a member, or a visitor, now; see `priced`."""
    return priced(
        session,
        lines=lines,
        member_id=member_id,
        freight_fen=freight_fen,
        now=now,
        choice=choice,
    ).quote


def priced(
    session: Session,
    *,
    lines: Sequence[QuoteLine],
    member_id: int | None,
    freight_fen: int,
    now: datetime,
    choice: Choice = ANY_CHOICE,
    among: pricing.Snapshot | None = None,
    also_held: tuple[pricing.HeldCoupon, ...] = (),
) -> Priced:
    """
    Price the lines with every promotion that concerns them, the member's coupons and choices.

    What is left of limits and of gifts on the shelf is looked up here, so a quote offers nothing
    that the order's own transaction would refuse, but for a race. `among` are other promotions
    than those published now, and `also_held` coupons the member has not: to try things out.
    """
    current = snapshot(session, now=now) if among is None else among
    has_coupons, has_points = _stacking(current, choice.deal)
    held = _coupons(session, current, member_id, choice, now) if has_coupons else ()
    cart = pricing.Cart(
        lines=tuple(_cart_line(line) for line in lines),
        now=now,
        freight_fen=freight_fen,
        coupons=(*held, *also_held),
        coupon_ids=choice.coupon_ids,
        declined=choice.declined,
        gift_choices=choice.gift_choices,
        points_fen=choice.points_fen if has_points else 0,
        deal=choice.deal,
    )
    candidates = [promotion for promotion, _ in current.candidates(cart)]
    if any(promotion.audience.is_new is not None for promotion in candidates):
        cart = replace(cart, buyer=pricing.Buyer(is_new=buyers.is_new(session, member_id)))
    if limited := [promotion.promotion_id for promotion in candidates if promotion.is_capped]:
        left = limits.allowances(session, limited, member_id=member_id, now=now)
        cart = replace(cart, allowances=left)
    shelf = gifts.shelf(session, candidates, cart)
    found, cart = gifts.price(cart, current, shelf)
    return Priced(found, cart, current, shelf.skus)


def carve_of(session: Session, deal: pricing.Deal | None, *, now: datetime) -> str | None:
    """Return the carve that a deal's pieces are drawn from; None if they come off the shelf."""
    if deal is None:
        return None
    found = snapshot(session, now=now).promotions.get(deal.promotion_id)
    return carving.source_of(deal.promotion_id) if found is not None and found.has_stock else None


def _stacking(current: pricing.Snapshot, deal: pricing.Deal | None) -> tuple[bool, bool]:
    """Say whether coupons, and points, may go with what is bought."""
    if deal is None:
        return True, True
    found = current.promotions.get(deal.promotion_id)
    rule = None if found is None else found.rule
    return isinstance(rule, DealRule) and rule.with_coupons, (
        isinstance(rule, DealRule) and rule.with_points
    )


def uncommissioned(session: Session, quote: Mapping[str, Any]) -> set[int]:
    """
    Return the line ids of a stored quote that pay no commission.

    They are those that some campaign made cheaper which the merchant has set to pay none.
    """
    by_line = {
        line["line_id"]: {share["promotion_id"] for share in line["discounts"]}
        for line in quote["lines"]
    }
    applied = set().union(*by_line.values())
    silent = queries.without_commission(session, applied) if applied else set()
    return {line_id for line_id, promotions in by_line.items() if promotions & silent}


def require_still_new(session: Session, priced: Priced, *, member_id: int) -> None:
    """
    Check, and keep so until the transaction ends, that what is for new buyers goes to one.

    Locks the person if the quote holds any such thing: of two orders placed at once, with one
    account or with two, one may.

    :raises PromotionGone: the member has got, or paid, something meanwhile.
    :raises Unauthorized: the member has left.
    """
    promotions = priced.snapshot.promotions
    applied = [one.promotion_id for one in priced.quote.adjustments]
    for_new = [number for number in applied if promotions[number].audience.is_new]
    if not for_new:
        return
    buyers.keep(session, member_id)
    if not buyers.is_new(session, member_id):
        raise PromotionGone(promotion_id=for_new[0])


def _coupons(
    session: Session,
    current: pricing.Snapshot,
    member_id: int | None,
    choice: Choice,
    now: datetime,
) -> tuple[pricing.HeldCoupon, ...]:
    if member_id is None or not current.has_coupons:
        return ()
    return coupons.held_by_member(session, member_id, now, chosen=choice.coupon_ids or ())


def _cart_line(line: QuoteLine) -> pricing.CartLine:
    sku = line.sku
    return pricing.CartLine(
        line_id=line.line_id,
        sku_id=sku.sku_id,
        spu_id=sku.spu_id,
        quantity=line.quantity,
        unit_price_fen=sku.price_fen,
        category_path=sku.category_path,
        tags=frozenset(sku.tags),
    )
