"""
What people see of flash sales: the sessions of today and tomorrow, one sale, a sale on a card.

The same for everybody, so a page may be kept for a moment. Progress is what the rows say: paid and
held pieces of those set aside, and never a number made up.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app import wechat
from app.catalogue import queries as catalogue
from app.catalogue.queries import SellableSku
from app.core import clock
from app.flash_sales import queries, sessions
from app.flash_sales.queries import Progress, Sale
from app.flash_sales.sessions import SaleState, Sitting
from app.marketing.badges import badge
from app.notices.models import Event
from promotions import queries as engine

SALES_MAX = 200
"""Sales listed at most; a shop has a handful."""


def list_sessions(session: Session, *, now: datetime) -> dict[str, Any]:
    """Return the sessions of today and tomorrow that people may see, the soonest first."""
    today = clock.china_day(now)
    midnight = sessions.midnight(today)
    found = [
        *queries.visible(session, now=now),
        *queries.over_since(session, midnight, now=now),
    ][:SALES_MAX]
    goods = catalogue.skus_for_pricing(session, [sku for one in found for sku in one.progress])
    sittings: defaultdict[Sitting, list[Sale]] = defaultdict(list)
    for sale in found:
        for sitting in sessions.of_days(sale.promotion, today):
            sittings[sitting].append(sale)
    return {
        "server_time": now.isoformat(),
        "reminder_template_id": template_id(),
        "sessions": [
            _session(sitting, sittings[sitting], goods, now) for sitting in sorted(sittings)
        ],
    }


def show(session: Session, promotion_id: int, *, now: datetime) -> dict[str, Any]:
    """
    Return one sale: its SKUs with prices and progress, its limits, its session and the next one.

    :raises FlashSaleNotFound: there is none that people may see.
    """
    sale = queries.find(session, promotion_id, now=now)
    goods = catalogue.skus_for_pricing(session, sale.progress)
    sitting, ahead = sale.session(now), sessions.following(sale.promotion, now)
    rule = sale.rule
    limits = engine.limits_of(session, [promotion_id]).get(promotion_id)
    return {
        **_sale(sale, sitting, goods, now),
        "server_time": now.isoformat(),
        "label": badge(sale.promotion),
        "starts_at": sitting.starts_at.isoformat(),
        "ends_at": sitting.ends_at.isoformat(),
        "next_session": None if sale.is_over or ahead in (None, sitting) else _times(ahead),
        "max_units_per_order": rule.max_units_per_order,
        "max_units_per_member": limits and limits.max_units_per_member,
        "max_uses_per_member": limits and limits.max_uses_per_member,
        "member_period": _period(limits),
        "pay_minutes": rule.pay_minutes,
        "with_coupons": rule.with_coupons,
        "with_points": rule.with_points,
        "progress": _pieces(sale.all),
        "reminder_template_id": template_id(),
    }


def badges(
    session: Session, products: Mapping[int, Collection[int]], *, now: datetime
) -> dict[int, dict[str, Any]]:
    """
    Return the sale each product shows, of now or else the soonest; SKUs' ids by the product's.

    Products without a sale are left out. One statement if there is any sale, else none.
    """
    by_sku: defaultdict[int, list[Sale]] = defaultdict(list)
    wanted = [sku_id for skus in products.values() for sku_id in skus]
    for sale in queries.of_skus(session, wanted, now=now):
        for sku_id in sale.progress:
            by_sku[sku_id].append(sale)
    found: dict[int, dict[str, Any]] = {}
    for spu_id, skus in products.items():
        concerning = {
            one.promotion.promotion_id: one for sku in skus for one in by_sku.get(sku, ())
        }
        if concerning:
            found[spu_id] = _badge(list(concerning.values()), skus, now)
    return found


def template_id() -> str | None:
    """What the mini-program asks the user to allow; None: the shop sends no reminders."""
    template = wechat.template_of(Event.SALE_STARTS)
    return template.template_id if template else None


_ORDER = {SaleState.ON_SALE: 0, SaleState.UPCOMING: 1, SaleState.SOLD_OUT: 2, SaleState.ENDED: 3}


def _badge(sales: Sequence[Sale], skus: Collection[int], now: datetime) -> dict[str, Any]:
    def state_of(sale: Sale) -> SaleState:
        own = [sku for sku in skus if sku in sale.progress]
        return min((sale.state(now, sku) for sku in own), key=lambda one: _ORDER[one])

    states = [
        (_ORDER[state_of(one)], one.session(now).starts_at, one.promotion.rank, one)
        for one in sales
    ]
    *_, sale = min(states, key=lambda one: one[:3])
    own = [sku for sku in skus if sku in sale.progress]
    return {
        "promotion_id": sale.promotion.promotion_id,
        "title": sale.promotion.title,
        "label": badge(sale.promotion),
        "state": state_of(sale).value,
        "price_fen": min(sale.rule.price_of[sku] for sku in own),
        **_times(sale.session(now)),
    }


def _session(
    sitting: Sitting, sales: Sequence[Sale], goods: Mapping[int, SellableSku], now: datetime
) -> dict[str, Any]:
    shown = [_sale(sale, sitting, goods, now) for sale in sales]
    is_sold_out = all(sale.all.left == 0 for sale in sales)
    is_over = all(sale.is_over for sale in sales)
    state = SaleState.ENDED if is_over else sitting.state(now, is_sold_out=is_sold_out)
    return {
        "day": clock.china_day(sitting.starts_at).isoformat(),
        **_times(sitting),
        "state": state.value,
        "sales": shown,
    }


def _sale(
    sale: Sale, sitting: Sitting, goods: Mapping[int, SellableSku], now: datetime
) -> dict[str, Any]:
    return {
        "promotion_id": sale.promotion.promotion_id,
        "title": sale.promotion.title,
        "state": _state(sale, sitting, sale.all, now).value,
        "products": [
            _product(sale, sitting, goods[sku_id], now)
            for sku_id in sale.progress
            if sku_id in goods and goods[sku_id].is_on_sale
        ],
    }


def _product(sale: Sale, sitting: Sitting, sku: SellableSku, now: datetime) -> dict[str, Any]:
    progress = sale.progress[sku.sku_id]
    return {
        "spu_id": sku.spu_id,
        "sku_id": sku.sku_id,
        "title": sku.title,
        "spec_text": sku.spec_text,
        "image_url": sku.image_url,
        "price_fen": sale.rule.price_of[sku.sku_id],
        "crossed_out_fen": sku.price_fen,
        "state": _state(sale, sitting, progress, now).value,
        "progress": _pieces(progress),
    }


def _state(sale: Sale, sitting: Sitting, progress: Progress, now: datetime) -> SaleState:
    if sale.is_over:
        return SaleState.ENDED
    return sitting.state(now, is_sold_out=progress.left == 0)


def _pieces(progress: Progress) -> dict[str, int]:
    return {
        "total": progress.total,
        "sold": progress.sold,
        "held": progress.held,
        "left": progress.left,
    }


def _times(sitting: Sitting) -> dict[str, str]:
    return {"starts_at": sitting.starts_at.isoformat(), "ends_at": sitting.ends_at.isoformat()}


def _period(limits: engine.Limits | None) -> str | None:
    if limits is None or (
        limits.max_units_per_member is None and limits.max_uses_per_member is None
    ):
        return None
    return limits.member_period.value
