"""
What goods show of promotions before anybody buys: the price of one piece, and who concerns them.

The visitor is nobody in particular, so the answer is the same for all. The price is that of a cart
with one piece and nothing else, by the function that prices carts, as far as the price lane: what
depends on the rest of a cart, such as spend-and-save, is told by badges only.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from app.marketing.snapshot import snapshot
from promotions import limits, pricing
from promotions.pricing import Allowance, Cart, CartLine, Lane, Promotion, timetable

Match = tuple[Promotion, tuple[CartLine, ...]]

SOMEBODY = (pricing.Buyer(), pricing.Buyer(is_new=True))
"""Whom an unknown visitor may turn out to be without the shop's doing."""


@dataclass(frozen=True, slots=True)
class Promoted:
    """What one piece costs now, and the promotion that sets this price."""

    price_fen: int
    promotion_id: int | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """What promotions make of some goods, for anybody."""

    prices: Mapping[int, Promoted]
    """By SKU id."""
    concerning: Mapping[int, Sequence[Promotion]]
    """The promotions that are running and not used up, by SPU id, each in the order they apply."""


def is_public(promotion: Promotion) -> bool:
    """Say whether an unknown visitor may have it unasked: no segment's own, coupon's or deal."""
    return not promotion.is_named and any(map(promotion.audience.admits, SOMEBODY))


def shown(session: Session, goods: Sequence[CartLine], *, now: datetime) -> Shown:
    """
    Return what `goods`, one line of one piece for each SKU, show at `now`.

    One look-up for all of them and, if any of the promotions is limited, one reading of what is
    left; then only SKUs with a promotion in the price lane are priced.
    """
    current = snapshot(session, now=now)
    matches = [
        (promotion, lines)
        for promotion, lines in current.candidates(Cart(lines=tuple(goods), now=now))
        if is_public(promotion)
    ]
    left = _left(session, [one for one, _ in matches if one.is_capped], now)
    open_ = [(one, lines) for one, lines in matches if not _is_used_up(left.get(one.promotion_id))]
    return Shown(_prices(goods, open_, left, now), _by_spu(open_))


def coming(
    session: Session, goods: Sequence[CartLine], *, within: timedelta, now: datetime
) -> list[Promotion]:
    """Return the public promotions that will set prices of `goods` soon, the soonest first."""
    starting = []
    for promotion, _ in snapshot(session, now=now).coming(goods, now):
        if promotion.lane is Lane.PRICE and is_public(promotion):
            opens = timetable.stretch(promotion, now)
            if opens is not None and opens.starts_at <= now + within:
                starting.append((opens.starts_at, promotion.rank, promotion))
    return [promotion for *_, promotion in sorted(starting, key=lambda one: one[:2])]


def _left(session: Session, limited: Sequence[Promotion], now: datetime) -> dict[int, Allowance]:
    if not limited:
        return {}
    ids = [promotion.promotion_id for promotion in limited]
    return {
        one.promotion_id: one for one in limits.allowances(session, ids, member_id=None, now=now)
    }


def _is_used_up(left: Allowance | None) -> bool:
    return left is not None and 0 in (left.uses, left.units, left.budget_fen)


def _by_spu(matches: Sequence[Match]) -> dict[int, list[Promotion]]:
    concerning: defaultdict[int, list[Promotion]] = defaultdict(list)
    for promotion, lines in matches:
        for spu_id in dict.fromkeys(line.spu_id for line in lines):
            concerning[spu_id].append(promotion)
    return concerning


def _prices(
    goods: Sequence[CartLine],
    matches: Sequence[Match],
    left: Mapping[int, Allowance],
    now: datetime,
) -> dict[int, Promoted]:
    setting: defaultdict[int, list[Promotion]] = defaultdict(list)
    for promotion, lines in matches:
        if promotion.lane is Lane.PRICE:
            for line in lines:
                setting[line.sku_id].append(promotion)
    known: dict[object, Promoted] = {}
    prices: dict[int, Promoted] = {}
    for line in goods:
        own = setting.get(line.sku_id)
        if own is None:
            prices[line.sku_id] = Promoted(line.unit_price_fen)
            continue
        # Pieces at one price under the same promotions cost the same, unless one names its SKUs.
        named = line.sku_id if any(one.rule.sku_ids for one in own) else None
        alike = (line.unit_price_fen, named, *(one.promotion_id for one in own))
        if alike not in known:
            known[alike] = _price(line, own, left, now)
        prices[line.sku_id] = known[alike]
    return prices


def _price(
    line: CartLine, own: Sequence[Promotion], left: Mapping[int, Allowance], now: datetime
) -> Promoted:
    # No lane comes before this one, so the promotions of the others cannot change what it does.
    lane = pricing.Snapshot(0, own)
    allowances = tuple(left[one.promotion_id] for one in own if one.is_capped)
    quote = pricing.price(Cart(lines=(line,), now=now, allowances=allowances), lane)
    applied = next((one.promotion_id for one in quote.adjustments), None)
    return Promoted(quote.lines[0].payable_fen, applied)
