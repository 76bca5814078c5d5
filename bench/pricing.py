"""
`pricing`: the pure engine on one core, without a mall.

The limit of a quote is a bare pass over the same cart: look the candidates up, ask each rule once
what it would take off, add the lines up; no lanes, no combining, no explaining.
"""

import json
import random
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from statistics import median
from time import thread_time
from typing import Any

from bench import pricing_shop as shop
from promotions.pricing import Basket, Cart, Snapshot, price

NOW = datetime(2026, 11, 11, 4, tzinfo=UTC)
QUOTES = 1_000
ROUNDS = 5
WORST_QUOTES = 12


def pricing() -> None:
    """Every figure of the engine."""
    _usual()
    _inactive()
    _worst()


def _usual() -> None:
    """20 lines under 10,000 promotions, of which 500 run."""
    chance = random.Random(1)
    snapshot = Snapshot(1, shop.promotions(chance, running=500, others=9_500, now=NOW))
    carts = [shop.cart(chance, snapshot, lines=20, now=NOW) for _ in range(QUOTES)]
    ours = sorted(_milliseconds(price, carts, snapshot))
    bare = sorted(_milliseconds(_bare, carts, snapshot))
    _print(
        "pricing_20_lines_500_running",
        median(ours),
        median(bare),
        p99_ms=round(ours[len(ours) * 99 // 100], 3),
        candidates=round(sum(len(snapshot.candidates(cart)) for cart in carts) / len(carts)),
    )


def _inactive() -> None:
    """The same carts beside 100,000 promotions that do not run, and beside 1,000."""
    chance = random.Random(2)
    running = shop.promotions(chance, running=500, others=0, now=NOW)
    others = shop.promotions(chance, running=0, others=100_000, now=NOW, first_id=1_000)
    few, many = Snapshot(1, [*running, *others[:1_000]]), Snapshot(1, [*running, *others])
    carts = [shop.cart(chance, few, lines=20, now=NOW) for _ in range(QUOTES)]
    rounds = [
        (median(_milliseconds(price, carts, many)), median(_milliseconds(price, carts, few)))
        for _ in range(ROUNDS)
    ]
    ours, limit = (min(side) for side in zip(*rounds, strict=True))
    _print("pricing_100000_inactive_beside_1000", ours, limit)


def _worst() -> None:
    """100 lines, 12 candidates in each lane; the worst of several ways to make it hard."""
    slowest: tuple[float, float, str] = (0.0, 0.0, "")
    for name, promotions in shop.worst_sets(random.Random(3), now=NOW).items():
        chance = random.Random(4)
        snapshot = Snapshot(1, promotions)
        carts = [shop.cart(chance, snapshot, lines=100, now=NOW) for _ in range(WORST_QUOTES)]
        ours, bare = (median(_milliseconds(each, carts, snapshot)) for each in (price, _bare))
        assert all(price(cart, snapshot).is_optimal for cart in carts[:2]), name
        print(f"  {name}: {ours:.1f} ms", file=sys.stderr, flush=True)
        slowest = max(slowest, (ours, bare, name))
    ours, bare, name = slowest
    _print("pricing_worst_cart", ours, bare, which=name)


def _bare(cart: Cart, snapshot: Snapshot) -> int:
    """Ask each candidate once and add the lines up."""
    running = {line.line_id: line.base_amount_fen for line in cart.lines}
    saves_fen = 0
    for promotion, lines in snapshot.candidates(cart):
        answer = promotion.rule.offer(
            Basket(lines=lines, running=running, freight_fen=cart.freight_fen, base=promotion.base)
        )
        saves_fen += getattr(answer, "saves_fen", 0)
    return sum(running.values()) - saves_fen


def _milliseconds(
    work: Callable[[Cart, Snapshot], Any], carts: Sequence[Cart], snapshot: Snapshot
) -> list[float]:
    """How long each cart keeps one core busy, whatever else the machine does."""
    work(carts[0], snapshot)
    taken = []
    for cart in carts:
        started = thread_time()
        work(cart, snapshot)
        taken.append((thread_time() - started) * 1_000)
    return taken


def _print(name: str, value: float, limit: float, **more: object) -> None:
    figure = {
        "name": name,
        "value": round(value, 3),
        "unit": "ms",
        "limit": round(limit, 3),
        "ratio": round(value / limit, 3),
        **more,
    }
    print(json.dumps(figure), flush=True)
