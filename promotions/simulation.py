"""
What a campaign would have done to carts of the past, or to sample carts: cost, reach, margins.

Each cart is priced twice under the promotions of its own moment: as it was, and with the campaign
among them. Nothing is read or written.

How far it goes: the campaign runs all the time, within its daily slots and for its audience; its
total limits and those per person are used up in the order the carts come; every buyer holds a
coupon of it if it is a coupon template. Buyers do not buy more because it is cheaper.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

from promotions.definitions import Campaign
from promotions.margins import is_below_floor
from promotions.pricing import (
    Allowance,
    Cart,
    GroupMode,
    HeldCoupon,
    Promotion,
    Quote,
    Snapshot,
    price,
)

ALWAYS = datetime(1, 1, 2, tzinfo=UTC)
SNAPSHOTS_MAX = 50
"""How many snapshots with the campaign among them are kept at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """A cart with the promotions of its moment."""

    cart: Cart
    snapshot: Snapshot
    day: date
    member_id: int | None = None
    charged_fen: int | None = None
    """What it brought in, points included; None: price it again."""
    costs_fen: Mapping[int, int] = field(default_factory=dict)
    """What a piece cost the shop, by SKU, where that is known."""


@dataclass(slots=True, kw_only=True)
class Figures:
    """Sums over carts, in fen."""

    carts: int = 0
    affected: int = 0
    """Those the campaign applies to."""
    before_fen: int = 0
    """What they bring in without it, points included."""
    after_fen: int = 0

    @property
    def cost_fen(self) -> int:
        """What the campaign costs: what less comes in."""
        return self.before_fen - self.after_fen

    def add(self, before_fen: int, after_fen: int, *, is_affected: bool) -> None:
        """Count one cart."""
        self.carts += 1
        self.affected += is_affected
        self.before_fen += before_fen
        self.after_fen += after_fen


@dataclass(slots=True, kw_only=True)
class TooCheap:
    """Lines of one SKU sold below the margin floor, and the worst of them."""

    lines: int = 0
    worst_fen: int = 0
    """The most that a line brings in less than it cost."""


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What a simulation found."""

    total: Figures = field(default_factory=Figures)
    days: dict[date, Figures] = field(default_factory=lambda: defaultdict(Figures))
    gifts_fen: int = 0
    """The stated value of the gifts it gives."""
    too_cheap: dict[int, TooCheap] = field(default_factory=lambda: defaultdict(TooCheap))
    """By SKU, among the carts it applies to."""
    lines_without_cost: int = 0
    """Lines it applies to whose cost is not known."""


class Simulation:
    """One campaign tried on carts, which come in the order of their time."""

    def __init__(self, promotion_id: int, campaign: Campaign, *, floor_bp: int = 0) -> None:
        compiled = campaign.compiled(promotion_id)
        self._promotion = replace(compiled, starts_at=ALWAYS, ends_at=None)
        self._alone = Snapshot(0, [self._promotion])
        self._floor_bp = floor_bp
        self._meter = _Meter(promotion_id, campaign)
        self._joined: dict[int, Snapshot] = {}
        self.outcome = Outcome()

    def run(self, history: Iterable[Past]) -> Outcome:
        """Try all of `history` and return what was found so far."""
        for past in history:
            self.add(past)
        return self.outcome

    def add(self, past: Past) -> None:
        """Try one cart."""
        before_fen = self._before(past)
        after_fen, is_affected = before_fen, False
        cart = self._prepared(past)
        if self._alone.candidates(cart):
            quote = price(cart, self._with(past.snapshot))
            is_affected = self._take(past, quote)
            after_fen = _worth(quote)
        for figures in (self.outcome.total, self.outcome.days[past.day]):
            figures.add(before_fen, after_fen, is_affected=is_affected)

    def _before(self, past: Past) -> int:
        was_in_it = self._promotion.promotion_id in past.snapshot.promotions
        if past.charged_fen is not None and not was_in_it:
            return past.charged_fen
        without = Snapshot(past.snapshot.version, self._others(past.snapshot))
        return _worth(price(past.cart, without if was_in_it else past.snapshot))

    def _take(self, past: Past, quote: Quote) -> bool:
        """Count what the campaign gives in `quote`; return whether it applies at all."""
        applied = [
            one for one in quote.adjustments if one.promotion_id == self._promotion.promotion_id
        ]
        for adjustment in applied:
            units = sum(adjustment.units.values())
            gifts: defaultdict[int, int] = defaultdict(int)
            for gift in adjustment.gifts:
                gifts[gift.sku_id] += gift.quantity
                self.outcome.gifts_fen += gift.quantity * gift.value_fen
            self._meter.take(past, adjustment.amount_fen, units, gifts)
            self._check_margins(past, quote)
        return bool(applied)

    def _check_margins(self, past: Past, quote: Quote) -> None:
        for line in quote.lines:
            if all(number != self._promotion.promotion_id for number, _ in line.discounts):
                continue
            cost_fen = past.costs_fen.get(line.sku_id)
            if cost_fen is None:
                self.outcome.lines_without_cost += 1
            elif is_below_floor(line.payable_fen, cost_fen * line.quantity, self._floor_bp):
                found = self.outcome.too_cheap[line.sku_id]
                found.lines += 1
                lost_fen = cost_fen * line.quantity - line.payable_fen
                found.worst_fen = max(found.worst_fen, lost_fen)

    def _prepared(self, past: Past) -> Cart:
        """Return the cart with what is left of the campaign's limits, and a coupon if needed."""
        cart, number = past.cart, self._promotion.promotion_id
        others = tuple(one for one in cart.allowances if one.promotion_id != number)
        cart = replace(cart, allowances=(*others, self._meter.left(past)))
        if not self._promotion.needs_coupon:
            return cart
        coupon = HeldCoupon(
            coupon_id=max((one.coupon_id for one in cart.coupons), default=0) + 1,
            promotion_id=number,
            starts_at=cart.now,
            ends_at=cart.now + timedelta(days=1),
        )
        chosen = None if cart.coupon_ids is None else (*cart.coupon_ids, coupon.coupon_id)
        return replace(cart, coupons=(*cart.coupons, coupon), coupon_ids=chosen)

    def _with(self, snapshot: Snapshot) -> Snapshot:
        kept = self._joined.get(snapshot.version)
        if kept is None:
            if len(self._joined) == SNAPSHOTS_MAX:
                self._joined.clear()
            others = self._others(snapshot)
            kept = Snapshot(snapshot.version, [*others, _fitting(self._promotion, others)])
            self._joined[snapshot.version] = kept
        return kept

    def _others(self, snapshot: Snapshot) -> list[Promotion]:
        own = self._promotion.promotion_id
        return [one for number, one in snapshot.promotions.items() if number != own]


class _Meter:
    """What is left of a campaign's limits, in all and for each member."""

    def __init__(self, promotion_id: int, campaign: Campaign) -> None:
        self._promotion_id = promotion_id
        self._campaign = campaign
        self._uses = self._units = self._spent_fen = 0
        self._gifts: defaultdict[int, int] = defaultdict(int)
        self._by_member: defaultdict[tuple[int, date | None], list[int]] = defaultdict(
            lambda: [0, 0]
        )

    def left(self, past: Past) -> Allowance:
        """Return what the campaign may still give the buyer of `past`."""
        campaign = self._campaign
        uses, units = self._by_member.get(self._key(past), (0, 0))
        return Allowance(
            promotion_id=self._promotion_id,
            uses=_least(campaign.max_uses, self._uses, campaign.member_max_uses, uses),
            units=_least(campaign.max_units, self._units, campaign.member_max_units, units),
            budget_fen=_least(campaign.budget_fen, self._spent_fen),
            gifts=tuple(
                (one["sku_id"], one["total"] - self._gifts[one["sku_id"]])
                for one in campaign.gift_stock
            ),
        )

    def take(self, past: Past, amount_fen: int, units: int, gifts: Mapping[int, int]) -> None:
        """Use up what one order takes."""
        self._uses += 1
        self._units += units
        self._spent_fen += amount_fen
        for sku_id, quantity in gifts.items():
            self._gifts[sku_id] += quantity
        if past.member_id is not None:
            mine = self._by_member[self._key(past)]
            mine[0] += 1
            mine[1] += units

    def _key(self, past: Past) -> tuple[int, date | None]:
        is_daily = self._campaign.member_period == "day"
        return past.member_id or 0, past.day if is_daily else None


def _least(most: int | None, taken: int, others: int | None = None, mine: int = 0) -> int | None:
    """Return what is left of the tighter of two caps; None if there is neither."""
    left = [cap - used for cap, used in ((most, taken), (others, mine)) if cap is not None]
    return min(left, default=None)


def _worth(quote: Quote) -> int:
    """Return what an order at this quote brings in: money and points."""
    return quote.payable_fen + quote.tender_fen


def _fitting(promotion: Promotion, others: Iterable[Promotion]) -> Promotion:
    """Return `promotion` with the mode its group had then, so that both may stand together."""
    modes: dict[str | None, GroupMode] = {
        one.group: one.group_mode for one in others if one.lane is promotion.lane
    }
    if promotion.group is None or promotion.group not in modes:
        return promotion
    return replace(promotion, group_mode=modes[promotion.group])
