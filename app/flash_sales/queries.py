"""
Flash sales as the pages read them: the campaign, its sessions, and what is left of its pieces.

Which sales there are comes from the process's snapshot, what is left from `promotion_stock`: one
statement, however many sales. Nothing here decides about a piece.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from weakref import WeakKeyDictionary

from sqlalchemy import and_, exists, or_, select
from sqlalchemy.orm import Session

from app.core import clock
from app.flash_sales import sessions
from app.flash_sales.sales import FlashSaleNotFound
from app.flash_sales.sessions import SaleState, Sitting
from app.marketing.shown import SOMEBODY
from app.marketing.snapshot import snapshot
from promotions import pricing, stock
from promotions import queries as engine
from promotions.definitions import compiled_of
from promotions.models import Promotion, PromotionCounter, PromotionStock, SnapshotLog
from promotions.pricing.kinds import FlashSale
from promotions.states import CampaignStatus


@dataclass(frozen=True, slots=True)
class Progress:
    """The pieces of one SKU, or of all: set aside, paid, waiting for their money, left."""

    total: int
    sold: int
    held: int
    left: int
    """What somebody may still buy; nothing once the sale's pieces went back to the shelf."""

    def __add__(self, other: "Progress") -> "Progress":
        return Progress(
            self.total + other.total,
            self.sold + other.sold,
            self.held + other.held,
            self.left + other.left,
        )


NOTHING = Progress(0, 0, 0, 0)


@dataclass(frozen=True)
class Sale:
    """One flash sale, and its pieces at one moment."""

    promotion: pricing.Promotion
    progress: Mapping[int, Progress]
    """By SKU id, in the order of its prices."""
    is_over: bool = False
    """Staff have ended it, or its window has passed."""

    @cached_property
    def rule(self) -> FlashSale:
        """Its terms."""
        rule = self.promotion.rule
        assert isinstance(rule, FlashSale)
        return rule

    @cached_property
    def all(self) -> Progress:
        """The pieces of all SKUs together."""
        return sum(self.progress.values(), NOTHING)

    def session(self, now: datetime) -> Sitting:
        """The session a page counts down to: that of now, else the next, else the last."""
        found = None if self.is_over else sessions.current(self.promotion, now)
        if found is None and not self.is_over:
            found = sessions.following(self.promotion, now)
        if found is not None:
            return found
        assert self.promotion.ends_at is not None, "every deal has an end"
        last_day = clock.china_day(self.promotion.ends_at - timedelta.resolution)
        week = sessions.of_days(
            self.promotion, last_day - (sessions.AHEAD - 1) * sessions.ONE, sessions.AHEAD
        )
        return week[-1] if week else Sitting(self.promotion.starts_at, self.promotion.ends_at)

    def state(self, now: datetime, sku_id: int | None = None) -> SaleState:
        """What the sale is now or, with a SKU's id, that product in it."""
        if self.is_over:
            return SaleState.ENDED
        progress = self.all if sku_id is None else self.progress[sku_id]
        return self.session(now).state(now, is_sold_out=progress.left == 0)


def visible(session: Session, *, now: datetime) -> list[Sale]:
    """Return the sales people may see that are not over, the first of the sort first."""
    seen = [one for one in _known(snapshot(session, now=now)) if _is_visible(one, now)]
    return _with_stock(session, seen, now)


def over_since(session: Session, since: datetime, *, now: datetime) -> list[Sale]:
    """Return the published sales whose window passed at `since` or later, and before `now`."""
    rows = session.execute(
        select(Promotion, PromotionCounter)
        .join(PromotionCounter, PromotionCounter.promotion_id == Promotion.id, isouter=True)
        .where(
            Promotion.kind == FlashSale.kind,
            Promotion.status == CampaignStatus.PUBLISHED,
            Promotion.ends_at > since,
            Promotion.ends_at <= now,
        )
        .order_by(Promotion.priority.desc(), Promotion.id)
    )
    return _with_stock(session, [compiled_of(row, counter) for row, counter in rows], now)


def find(session: Session, promotion_id: int, *, now: datetime) -> Sale:
    """
    Return one sale that people may see, over or not.

    :raises FlashSaleNotFound: there is none, or it is a draft, paused, or not to be seen yet.
    """
    promotion = snapshot(session, now=now).promotions.get(promotion_id)
    if promotion is None:
        promotion = _past(session, promotion_id, now)
    elif not isinstance(promotion.rule, FlashSale) or not _is_visible(promotion, now):
        promotion = None
    if promotion is None:
        raise FlashSaleNotFound
    is_ended = promotion.ends_at is not None and promotion.ends_at <= now
    is_live = promotion_id in snapshot(session, now=now).promotions and not is_ended
    (sale,) = _with_stock(session, [promotion], now, is_over=not is_live)
    return sale


def of_skus(session: Session, sku_ids: Collection[int], *, now: datetime) -> list[Sale]:
    """Return the visible sales that sell any of these SKUs; reads nothing if there are none."""
    by_sku = _by_sku(snapshot(session, now=now))
    found = {one.promotion_id: one for sku_id in sku_ids for one in by_sku.get(sku_id, ())}
    seen = [one for one in found.values() if _is_visible(one, now)]
    return _with_stock(session, sorted(seen, key=lambda one: one.rank), now)


def progress_of(session: Session, promotion_ids: Iterable[int]) -> dict[int, dict[int, Progress]]:
    """Return the pieces of each deal, by SKU."""
    found = stock.of(session, promotion_ids)
    return {id_: {row.sku_id: _progress(row) for row in rows} for id_, rows in found.items()}


def _progress(row: PromotionStock) -> Progress:
    left = 0 if row.closed_at else row.max_units - row.units_used - row.units_reserved
    return Progress(row.max_units, row.units_used, row.units_reserved, left)


def _with_stock(
    session: Session,
    promotions: Sequence[pricing.Promotion],
    now: datetime,
    *,
    is_over: bool = False,
) -> list[Sale]:
    if not promotions:
        return []
    pieces = progress_of(session, [one.promotion_id for one in promotions])
    return [
        Sale(
            one,
            {
                sku_id: pieces.get(one.promotion_id, {}).get(sku_id, NOTHING)
                for sku_id in sorted(one.rule.sku_ids or ())
            },
            is_over=is_over or (one.ends_at is not None and one.ends_at <= now),
        )
        for one in promotions
    ]


def _past(session: Session, promotion_id: int, now: datetime) -> pricing.Promotion | None:
    """Return a sale that was published and is over; one published just now is not known yet."""
    row = session.scalar(
        select(Promotion).where(
            Promotion.id == promotion_id,
            Promotion.kind == FlashSale.kind,
            or_(
                Promotion.status == CampaignStatus.ENDED,
                and_(Promotion.status == CampaignStatus.PUBLISHED, Promotion.ends_at <= now),
            ),
            exists().where(SnapshotLog.promotion_id == promotion_id),
        )
    )
    if row is None:
        return None
    return compiled_of(*engine.with_limits(session, promotion_id))


def _is_visible(promotion: pricing.Promotion, now: datetime) -> bool:
    rule = promotion.rule
    assert isinstance(rule, FlashSale)
    return sessions.is_visible(promotion, now, warm_up_minutes=rule.warm_up_minutes)


_sales: WeakKeyDictionary[pricing.Snapshot, tuple[pricing.Promotion, ...]] = WeakKeyDictionary()
_skus: WeakKeyDictionary[pricing.Snapshot, Mapping[int, Sequence[pricing.Promotion]]] = (
    WeakKeyDictionary()
)


def _known(current: pricing.Snapshot) -> Sequence[pricing.Promotion]:
    """The flash sales of a snapshot that are not for a segment alone, found once for each."""
    if current not in _sales:
        found = (
            one
            for one in current.promotions.values()
            if isinstance(one.rule, FlashSale) and any(map(one.audience.admits, SOMEBODY))
        )
        _sales[current] = tuple(sorted(found, key=lambda one: one.rank))
    return _sales[current]


def _by_sku(current: pricing.Snapshot) -> Mapping[int, Sequence[pricing.Promotion]]:
    if current not in _skus:
        filed: defaultdict[int, list[pricing.Promotion]] = defaultdict(list)
        for one in _known(current):
            for sku_id in one.rule.sku_ids or ():
                filed[sku_id].append(one)
        _skus[current] = filed
    return _skus[current]
