"""
What a campaign would have cost: tried on the paid orders of the last days, or on sample carts.

How faithful it is, `promotions.simulation` says. Nothing is written. It is all arithmetic, and
keeps a process from answering others as fast: so it runs one simulation at a time and refuses
another, and looks at `ORDERS_MAX` orders at most, the latest; the answer says if that was not all.
"""

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from app.catalogue import queries as catalogue
from app.catalogue import scopes
from app.catalogue.queries import SellableSku, SkuNotFound
from app.core import clock
from app.core.errors import AppError
from app.marketing import campaigns
from app.marketing.snapshot import snapshot
from app.reports import history
from promotions.pricing import Cart, CartLine
from promotions.simulation import Figures, Outcome, Past, Simulation

ORDERS_MAX = 2_000
SKUS_SHOWN = 100
AGAIN_SECONDS = 5

_running = threading.Lock()
"""Held by the one simulation of this process."""


class SimulationBusy(AppError):
    """Another simulation runs in the same process; `Retry-After` says when to come back."""

    code, status, title = "simulation_busy", 429, "正在进行另一项试算，请稍后再试"


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """
    Keep this process from simulating anything else meanwhile.

    :raises SimulationBusy: it is simulating already.
    """
    if not _running.acquire(blocking=False):
        busy = SimulationBusy()
        busy.headers["Retry-After"] = str(AGAIN_SECONDS)
        raise busy
    try:
        yield
    finally:
        _running.release()


def of_days(
    session: Session, *, promotion_id: int, days: int, margin_floor_bp: int, now: datetime
) -> dict[str, Any]:
    """
    Try a campaign on the orders placed in the last `days` days and paid.

    :raises PromotionNotFound: there is none.
    """
    simulation = _simulation(session, promotion_id, margin_floor_bp)
    since = now - timedelta(days=days)
    stretch = history.stretch(session, since=since, most=ORDERS_MAX)
    orders = history.History(session, stretch.first_no)
    outcome = simulation.run(orders)
    return _answer(outcome, rebuilt_orders=orders.rebuilt, is_cut=stretch.is_cut)


def of_carts(
    session: Session,
    *,
    promotion_id: int,
    carts: Sequence[Mapping[str, Any]],
    margin_floor_bp: int,
    now: datetime,
) -> dict[str, Any]:
    """
    Try a campaign on sample carts: `lines` of `sku_id` and `quantity`, and `freight_fen`.

    Priced now, for a visitor, at today's prices.

    :raises PromotionNotFound: there is none.
    :raises SkuNotFound: a SKU is unknown; its id is `sku_id`.
    """
    simulation = _simulation(session, promotion_id, margin_floor_bp)
    return _answer(simulation.run(_samples(session, carts, now)), rebuilt_orders=0, is_cut=False)


def _simulation(session: Session, promotion_id: int, floor_bp: int) -> Simulation:
    campaign = campaigns.stored(session, promotion_id=promotion_id)
    return Simulation(promotion_id, campaign, floor_bp=floor_bp)


def _samples(session: Session, carts: Sequence[Mapping[str, Any]], now: datetime) -> Iterable[Past]:
    sku_ids = {line["sku_id"] for cart in carts for line in cart["lines"]}
    skus = catalogue.skus_for_pricing(session, sku_ids)
    for sku_id in sorted(sku_ids - skus.keys()):
        raise SkuNotFound(sku_id=sku_id)
    costs = scopes.costs(session, sku_ids)
    current = snapshot(session, now=now)
    return [
        Past(
            cart=Cart(
                lines=tuple(
                    _cart_line(number, skus[line["sku_id"]], line["quantity"])
                    for number, line in enumerate(cart["lines"], start=1)
                ),
                now=now,
                freight_fen=cart["freight_fen"],
            ),
            snapshot=current,
            day=clock.china_day(now),
            costs_fen=costs,
        )
        for cart in carts
    ]


def _cart_line(line_id: int, sku: SellableSku, quantity: int) -> CartLine:
    return CartLine(
        line_id=line_id,
        sku_id=sku.sku_id,
        spu_id=sku.spu_id,
        quantity=quantity,
        unit_price_fen=sku.price_fen,
        category_path=sku.category_path,
        tags=frozenset(sku.tags),
    )


def _answer(outcome: Outcome, *, rebuilt_orders: int, is_cut: bool) -> dict[str, Any]:
    worst = sorted(outcome.too_cheap.items(), key=lambda it: (-it[1].worst_fen, it[0]))
    return {
        **_figures(outcome.total),
        "gifts_fen": outcome.gifts_fen,
        "rebuilt_orders": rebuilt_orders,
        "is_cut": is_cut,
        "lines_below_floor": sum(found.lines for _, found in worst),
        "lines_without_cost": outcome.lines_without_cost,
        "below_floor": [
            {"sku_id": sku_id, "lines": found.lines, "worst_loss_fen": found.worst_fen}
            for sku_id, found in worst[:SKUS_SHOWN]
        ],
        "days": [{"day": day, **_figures(each)} for day, each in sorted(outcome.days.items())],
    }


def _figures(figures: Figures) -> dict[str, int]:
    return {
        "orders": figures.carts,
        "affected_orders": figures.affected,
        "before_fen": figures.before_fen,
        "after_fen": figures.after_fen,
        "cost_fen": figures.cost_fen,
    }
