"""
Gifts on the shelf: what is left of them there limits what a quote may give away.

A promotion's own gift stock is one of its limits; the goods themselves are sold as well, to others
and in the same cart. What the cart buys is not given away too, and two promotions do not give the
same piece.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from app.catalogue import queries as catalogue
from app.catalogue.queries import SellableSku
from promotions import pricing


@dataclass(frozen=True, slots=True)
class Shelf:
    """The gifts the candidates of a cart may give, and how many pieces of each there are."""

    skus: Mapping[int, SellableSku]
    left: Mapping[int, int]
    """Pieces by SKU id, without what the cart buys; 0 if it is off the shelf."""
    wanted_by: Mapping[int, frozenset[int]]
    """The gift SKUs of each promotion that gives any."""


NOTHING = Shelf({}, {}, {})


def shelf(session: Session, candidates: Iterable[pricing.Promotion], cart: pricing.Cart) -> Shelf:
    """Look up the gifts of these promotions; no statement if none of them gives any."""
    wanted_by = {
        promotion.promotion_id: sku_ids
        for promotion in candidates
        if (sku_ids := gift_sku_ids(promotion.rule))
    }
    if not wanted_by:
        return NOTHING
    wanted = frozenset().union(*wanted_by.values())
    skus = catalogue.skus_for_pricing(session, wanted)
    bought: Counter[int] = Counter()
    for line in cart.lines:
        bought[line.sku_id] += line.quantity
    left = {
        sku_id: max(skus[sku_id].available - bought[sku_id], 0)
        if sku_id in skus and skus[sku_id].is_on_sale
        else 0
        for sku_id in wanted
    }
    return Shelf(skus, left, wanted_by)


def gift_sku_ids(rule: pricing.Rule) -> frozenset[int]:
    """The SKUs a rule may give away."""
    if not isinstance(rule, pricing.SpendAndGift):
        return frozenset()
    return frozenset(gift.sku_id for tier in rule.tiers for gift in tier.gifts)


def price(
    cart: pricing.Cart, current: pricing.Snapshot, shelf: Shelf
) -> tuple[pricing.Quote, pricing.Cart]:
    """
    Price a cart so that it gives away no more than there is; return the cart that was priced.

    If promotions together would give more pieces of a SKU than there are, the earlier one goes
    first and the cart is priced again with what it leaves.
    """
    cart = _limited(cart, shelf.wanted_by, shelf.left)
    found = pricing.price(cart, current)
    for _ in range(sum(len(sku_ids) for sku_ids in shelf.wanted_by.values())):
        short = _over(found, shelf.left)
        if short is None:
            break
        promotion_id, left = short
        cart = _limited(cart, {promotion_id: frozenset(left)}, left)
        found = pricing.price(cart, current)
    return found, cart


def _limited(
    cart: pricing.Cart, wanted_by: Mapping[int, frozenset[int]], left: Mapping[int, int]
) -> pricing.Cart:
    """Lower what the promotions may give of each gift to what is left."""
    if not wanted_by:
        return cart
    allowances = {allowance.promotion_id: allowance for allowance in cart.allowances}
    for promotion_id, sku_ids in wanted_by.items():
        before = allowances.get(promotion_id) or pricing.Allowance(promotion_id=promotion_id)
        gifts = dict(before.gifts)
        for sku_id in sku_ids:
            gifts[sku_id] = min(gifts.get(sku_id, left[sku_id]), left[sku_id])
        allowances[promotion_id] = replace(before, gifts=tuple(gifts.items()))
    return replace(cart, allowances=tuple(allowances.values()))


def _over(found: pricing.Quote, left: Mapping[int, int]) -> tuple[int, dict[int, int]] | None:
    """The first promotion that gives more than the ones before it leave, and what they leave."""
    rest = dict(left)
    for adjustment in found.adjustments:
        given: Counter[int] = Counter()
        for gift in adjustment.gifts:
            given[gift.sku_id] += gift.quantity
        short = {sku_id: rest[sku_id] for sku_id, count in given.items() if count > rest[sku_id]}
        if short:
            return adjustment.promotion_id, short
        for sku_id, count in given.items():
            rest[sku_id] -= count
    return None
