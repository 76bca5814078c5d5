"""A shop for the pricing benches: thousands of promotions of every kind, and carts they concern."""

import random
from datetime import datetime, timedelta
from typing import Any

from promotions.pricing import (
    KINDS,
    Base,
    Cart,
    CartLine,
    HeldCoupon,
    Promotion,
    Scope,
    Snapshot,
    Targets,
)

SKUS = 3_000
SPUS = 1_000
CATEGORIES = 200
TAGS = 50
COUPONS_IN_HAND = 8
DAY = timedelta(days=1)
WORST_LANE = 12


def promotions(
    chance: random.Random, *, running: int, others: int, now: datetime, first_id: int = 1
) -> list[Promotion]:
    """Promotions of every kind on goods here and there; the others begin later or are over."""
    made = []
    for number in range(running + others):
        starts_at = now - DAY
        if number >= running:
            starts_at += chance.choice([-1, 1]) * chance.randrange(3, 300) * DAY
        kind, terms = _terms(chance)
        scope = _scope(chance)
        made.append(_promotion(first_id + number, kind, terms, scope, starts_at))
    return made


def cart(chance: random.Random, snapshot: Snapshot, *, lines: int, now: datetime) -> Cart:
    """A cart of so many lines, with coupons in hand."""
    templates = [one for one in snapshot.running(now) if one.needs_coupon]
    held = chance.sample(templates, min(len(templates), max(COUPONS_IN_HAND, lines // 4)))
    return Cart(
        lines=tuple(_line(chance, number) for number in range(1, lines + 1)),
        now=now,
        freight_fen=1_200,
        coupons=tuple(
            HeldCoupon(
                coupon_id=one.promotion_id,
                promotion_id=one.promotion_id,
                starts_at=now - DAY,
                ends_at=now + DAY,
            )
            for one in held
        ),
        points_fen=500,
    )


def worst_sets(chance: random.Random, *, now: datetime) -> dict[str, list[Promotion]]:
    """Twelve promotions in each lane, all on all goods, made hard in several ways."""
    return {
        f"{manners}, {base.value}, {steps}": _crowd(chance, now, manners, base, steps)
        for manners in ("strangers", "friends")
        for base in Base
        for steps in ("met", "near")
    }


def _crowd(
    chance: random.Random, now: datetime, manners: str, base: Base, steps: str
) -> list[Promotion]:
    """Friends stack; a step that is near is reached or not, as what applied before leaves it."""
    tags = frozenset({"all"}) if manners == "friends" else frozenset[str]()
    made = []
    for number in range(5 * WORST_LANE):
        threshold = 1_000 if steps == "met" else chance.randrange(100_000, 2_000_000)
        kind, terms = _hard_terms(chance, number, threshold)
        more = {"tags": tags, "agrees_with": tags, "base": base}
        made.append(_promotion(number + 1, kind, terms, Scope(), now - DAY, **more))
    return made


def _hard_terms(chance: random.Random, number: int, threshold: int) -> tuple[str, dict[str, Any]]:
    lane, place = divmod(number, WORST_LANE)
    off_bp, off_fen = (
        chance.randrange(100, 3_000),
        chance.randrange(threshold // 50, threshold // 5),
    )
    is_odd = place % 2 == 1
    if lane == 0:
        return "limited_time", {"off_bp": off_bp} if is_odd else {"off_fen": off_fen % 5_000 + 1}
    if lane == 1:
        return "nth_piece", {"nth": place + 2, "off_bp": off_bp, "per": "scope"}
    if lane == 2:
        tier = {"off_bp": off_bp} if is_odd else {"off_fen": off_fen}
        return "spend_and_save", {"tiers": [{"threshold": threshold, **tier}]}
    if lane == 3 and is_odd:
        return "coupon_percent", {"threshold_fen": threshold, "off_bp": off_bp}
    if lane == 3:
        return "coupon_amount", {"threshold_fen": threshold, "off_fen": off_fen}
    return "coupon_freight", {"threshold_fen": threshold, "off_fen": 50 + place}


def _terms(chance: random.Random) -> tuple[str, dict[str, Any]]:
    threshold = 1_000 * chance.randrange(1, 50)
    kind = chance.choice(
        ["limited_time", "spend_and_save", "nth_piece", "coupon_amount", "coupon_percent"]
    )
    if kind == "limited_time":
        if chance.random() < 0.5:
            return kind, {"off_bp": chance.randrange(500, 5_000)}
        skus = chance.sample(range(SKUS), 20)
        return kind, {"prices": [{"sku_id": sku_id, "price_fen": 990} for sku_id in skus]}
    if kind == "nth_piece":
        return kind, {"nth": 2, "off_bp": 5_000}
    if kind == "coupon_amount":
        return kind, {"threshold_fen": threshold, "off_fen": 500}
    if kind == "coupon_percent":
        return kind, {"threshold_fen": threshold, "off_bp": 1_000, "max_off_fen": 3_000}
    tiers = [{"threshold": threshold * step, "off_fen": 500 * step * step} for step in (1, 2)]
    return kind, {"tiers": tiers}


def _scope(chance: random.Random) -> Scope:
    targets = [
        Targets(sku_ids=frozenset(chance.sample(range(SKUS), 5))),
        Targets(spu_ids=frozenset(chance.sample(range(SPUS), 5))),
        Targets(category_ids=frozenset(chance.sample(range(CATEGORIES), 2))),
        Targets(tags=frozenset({f"t{chance.randrange(TAGS)}"})),
    ]
    return Scope(include=chance.choice(targets))


def _promotion(
    promotion_id: int,
    kind: str,
    terms: dict[str, Any],
    scope: Scope,
    starts_at: datetime,
    **more: Any,
) -> Promotion:
    rule = KINDS[kind].parse(terms)
    if rule.sku_ids is not None:
        scope = Scope(include=Targets(sku_ids=rule.sku_ids))
    return Promotion(
        promotion_id=promotion_id,
        title=f"活动{promotion_id}",
        rule=rule,
        lane=rule.lane,
        starts_at=starts_at,
        ends_at=starts_at + 2 * DAY,
        scope=scope,
        needs_coupon=kind.startswith("coupon_"),
        **more,
    )


def _line(chance: random.Random, line_id: int) -> CartLine:
    sku_id = chance.randrange(SKUS)
    return CartLine(
        line_id=line_id,
        sku_id=sku_id,
        spu_id=sku_id // 3,
        quantity=chance.randrange(1, 4),
        unit_price_fen=chance.randrange(100, 20_000),
        category_path=(sku_id % 10, 10 + sku_id % (CATEGORIES - 10)),
        tags=frozenset({f"t{sku_id % TAGS}"}),
    )
