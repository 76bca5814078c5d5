"""
What a page shows: the catalogue's goods with what promotions make of them, in a fixed number of
statements however many goods there are.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from app.catalogue import queries as catalogue
from app.catalogue import shelf
from app.flash_sales import pages as flash_sales
from app.marketing.badges import badge
from app.marketing.shown import Shown, coming, is_public, shown
from app.marketing.snapshot import snapshot
from promotions import pricing
from promotions import queries as engine
from promotions.pricing import Promotion, timetable
from promotions.pricing.kinds.limited_time import LimitedTime

BADGES_MAX = 5
"""Badges on a card of a list."""
SHOWN_MAX = 100
COMING_MAX = 3
COMING_WITHIN = timedelta(days=7)
"""How early, and how many of, the prices to come are announced on a product's page."""


def list_products(session: Session, *, now: datetime, **query: Any) -> dict[str, Any]:
    """
    One page of a list as `shelf.list_products` finds it, with promoted prices and badges.

    :raises Invalid: the cursor is not one of this order.
    """
    page = shelf.list_products(session, **query)
    cards = [(card, card.pop("path"), card.pop("skus")) for card in page["items"]]
    goods = [
        piece
        for card, path, skus in cards
        for piece in one_of_each(card["id"], path, card["tags"], skus)
    ]
    seen = shown(session, goods, now=now)
    listed = {card["id"]: [sku_id for sku_id, _ in skus] for card, _, skus in cards}
    sales = flash_sales.badges(session, listed, now=now)
    for card, _, skus in cards:
        card.update(_price_pair(card["min_price_fen"], skus, seen))
        concerning = seen.concerning.get(card["id"], ())
        card["badges"] = [_badge(one) for one in concerning[:BADGES_MAX]]
        card["flash_sale"] = sales.get(card["id"])
    return page


def get_product(session: Session, *, spu_id: int, now: datetime) -> dict[str, Any]:
    """
    The page of one product on the shelf: each SKU's price now, the promotions, and their countdown.

    :raises SpuNotFound: there is no such product, or it is not on the shelf.
    """
    page = shelf.get_product(session, spu_id=spu_id)
    path = [category["id"] for category in page["categories"]]
    skus = [(sku["id"], sku["price_fen"]) for sku in page["skus"]]
    pieces = one_of_each(spu_id, path, page["tags"], skus)
    seen = shown(session, pieces, now=now)
    for sku in page["skus"]:
        promoted = seen.prices[sku["id"]]
        sku["promoted_price_fen"] = promoted.price_fen
        sku["promotion_id"] = promoted.promotion_id
    page |= _price_pair(page["min_price_fen"], skus, seen)
    running = seen.concerning.get(spu_id, ())
    soon = coming(session, pieces, within=COMING_WITHIN, now=now)[:COMING_MAX]
    told = _countdowns(session, [*running, *soon], now)
    page["badges"], page["coming"] = told[: len(running)], told[len(running) :]
    own = {spu_id: [sku_id for sku_id, _ in skus]}
    page["flash_sale"] = flash_sales.badges(session, own, now=now).get(spu_id)
    page["server_time"] = now.isoformat()
    return page


def list_running(session: Session, *, sku_id: int | None, now: datetime) -> list[dict[str, Any]]:
    """The badges of the promotions running now, or only of those that concern one SKU."""
    if sku_id is None:
        running: Sequence[Promotion] = [
            one for one in snapshot(session, now=now).running(now) if is_public(one)
        ]
    else:
        sku = catalogue.skus_for_pricing(session, [sku_id]).get(sku_id)
        if sku is None:
            return []
        pieces = one_of_each(sku.spu_id, sku.category_path, sku.tags, [(sku_id, sku.price_fen)])
        running = shown(session, pieces, now=now).concerning.get(sku.spu_id, ())
    return [_running(one) for one in running[:SHOWN_MAX]]


def one_of_each(
    spu_id: int, path: Iterable[int], tags: Iterable[str], skus: Iterable[tuple[int, int]]
) -> list[pricing.CartLine]:
    """One piece of each of a product's SKUs, (id, price in fen), as pricing takes them."""
    category_path, tagged = tuple(path), frozenset(tags)
    return [
        pricing.CartLine(
            line_id=sku_id,
            sku_id=sku_id,
            spu_id=spu_id,
            quantity=1,
            unit_price_fen=price_fen,
            category_path=category_path,
            tags=tagged,
        )
        for sku_id, price_fen in skus
    ]


def _price_pair(lowest_fen: int, skus: Iterable[tuple[int, int]], seen: Shown) -> dict[str, int]:
    """List price and promoted price of the SKU that is now the cheapest: a pair one can buy."""
    pairs = ((seen.prices[sku_id].price_fen, price_fen) for sku_id, price_fen in skus)
    promoted_fen, list_fen = min(pairs, default=(lowest_fen, lowest_fen))
    return {"price_fen": list_fen, "promoted_price_fen": promoted_fen}


def _countdowns(
    session: Session,
    promotions: Sequence[Promotion],
    now: datetime,
) -> list[dict[str, Any]]:
    """The badges with when each runs and what one order or person may have of it."""
    limited = [one.promotion_id for one in promotions if one.is_capped]
    limits = engine.limits_of(session, limited) if limited else {}
    return [
        {
            **_running(one),
            "stretch": _stretch(timetable.stretch(one, now)),
            "max_units_per_order": _per_order(one.rule),
            **_limits(limits.get(one.promotion_id)),
        }
        for one in promotions
    ]


def _stretch(stretch: timetable.Stretch | None) -> dict[str, Any]:
    assert stretch is not None, "it is running or will be"
    return {"starts_at": _text(stretch.starts_at), "ends_at": _text(stretch.ends_at)}


def _per_order(rule: pricing.Rule) -> int | None:
    return rule.max_units_per_order if isinstance(rule, LimitedTime) else None


def _limits(limits: engine.Limits | None) -> dict[str, Any]:
    if limits is None:
        return dict.fromkeys(engine.Limits._fields)
    told = limits._asdict()
    if limits.max_units_per_member is None and limits.max_uses_per_member is None:
        told["member_period"] = None
    return told


def _badge(promotion: Promotion) -> dict[str, Any]:
    return {
        "promotion_id": promotion.promotion_id,
        "kind": promotion.rule.kind,
        "label": badge(promotion),
        "ends_at": _text(promotion.ends_at),
    }


def _running(promotion: Promotion) -> dict[str, Any]:
    return {
        **_badge(promotion),
        "title": promotion.title,
        "starts_at": _text(promotion.starts_at),
    }


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
