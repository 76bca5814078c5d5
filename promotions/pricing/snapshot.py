"""
An immutable set of promotions, compiled once per version and shared by every quote of a worker.

The candidate index makes the cost of a quote depend on the promotions that concern its lines, not
on how many there are: a promotion is filed under its scope's keys, or under its own id if a cart
must name it, as a coupon or a deal, and only while it is running. Between two moments at which some
window or slot opens or closes nothing changes, so the index of that epoch is built once and kept;
it may be built ahead.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime

from promotions.pricing.cart import Cart, CartLine
from promotions.pricing.money import whole
from promotions.pricing.promotion import GroupMode, Promotion, minute_of_week
from promotions.pricing.rule import PROMOTION_LANES, Lane
from promotions.pricing.scope import Key, keys_of

Match = tuple[Promotion, tuple[CartLine, ...]]

EPOCHS_KEPT = 3
"""The present epoch, the next, and one that somebody asks about."""

_LANE_ORDER = {lane: position for position, lane in enumerate(PROMOTION_LANES)}


class DuplicatePromotion(ValueError):
    """Two promotions of one snapshot carry the same id."""


class MixedGroup(ValueError):
    """Promotions of one group disagree about the group's mode; `group` names it."""

    def __init__(self, group: str) -> None:
        super().__init__(f"group {group!r} has more than one mode")
        self.group = group


def require_one_mode_per_group(promotions: Iterable[Promotion]) -> None:
    """
    Check that a group's members agree on its mode.

    :raises MixedGroup: two of them do not.
    """
    modes: dict[tuple[Lane, str], GroupMode] = {}
    for promotion in promotions:
        if promotion.group is not None:
            key = (promotion.lane, promotion.group)
            if modes.setdefault(key, promotion.group_mode) is not promotion.group_mode:
                raise MixedGroup(promotion.group)


class Snapshot:
    """
    The promotions of one version, ready for `price`.

    :raises DuplicatePromotion: an id occurs twice.
    :raises MixedGroup: a group has two modes.
    """

    def __init__(self, version: int, promotions: Iterable[Promotion] = ()) -> None:
        self.version = whole(version, "version")
        kept = [*promotions]
        self.promotions = {promotion.promotion_id: promotion for promotion in kept}
        if len(self.promotions) < len(kept):
            raise DuplicatePromotion("a promotion id occurs twice")
        self.has_coupons = any(promotion.needs_coupon for promotion in kept)
        """Whether a coupon in the buyer's hands could matter."""
        require_one_mode_per_group(kept)
        self._in_order = sorted(kept, key=lambda one: (_LANE_ORDER[one.lane], *one.rank))
        ends = {one.ends_at for one in kept if one.ends_at is not None}
        self._boundaries = sorted({one.starts_at for one in kept} | ends)
        slots = {slot for one in kept for slot in one.slots}
        self._minutes = sorted({minute for slot in slots for minute in slot.minutes_of_week()})
        self._all: _Index | None = None
        self._indexes: dict[tuple[int, int], _Index] = {}

    def candidates(self, cart: Cart) -> list[Match]:
        """
        Return each running promotion with the lines in its scope, by lane and then by rank.

        A coupon template is among them only if the cart holds a coupon of it, a deal only if it is
        the cart's; then nothing else is but the coupons that the deal allows.
        """
        index = self._index_at(cart.now)
        templates = {coupon.promotion_id for coupon in cart.coupons}
        if cart.deal is None:
            return index.lookup(cart.lines, templates)
        deal = self.promotions.get(cart.deal.promotion_id)
        if deal is None or not deal.is_deal:
            return []
        with_it = templates if deal.with_coupons else ()
        return index.named(cart.lines, {deal.promotion_id, *with_it})

    def limited(self, cart: Cart) -> list[int]:
        """Return the candidates whose limits the cart must bring as allowances."""
        return [one.promotion_id for one, _ in self.candidates(cart) if one.is_capped]

    def running(self, now: datetime) -> list[Promotion]:
        """Return the promotions running at `now`, by lane and then by rank."""
        return [one for one in self._in_order if one.is_running(now)]

    def coming(self, lines: Iterable[CartLine], now: datetime) -> list[Match]:
        """
        Return the promotions that are not running at `now` but may later, with the lines in scope.

        Coupon templates and deals are not among them.
        """
        return [
            (one, concerned)
            for one, concerned in self._of_any_time().lookup(tuple(lines), ())
            if not one.is_running(now) and (one.ends_at is None or now < one.ends_at)
        ]

    def prepare(self, *moments: datetime) -> None:
        """Build what is asked for at these moments, so that whoever asks need not wait for it."""
        for moment in moments:
            self._index_at(moment)
        self._of_any_time()

    def _index_at(self, now: datetime) -> "_Index":
        minute = bisect_right(self._minutes, minute_of_week(now)) if self._minutes else 0
        epoch = (bisect_right(self._boundaries, now), minute)
        index = self._indexes.get(epoch)
        if index is None:
            index = _Index(self.running(now))
            latest = list(self._indexes.items())[1 - EPOCHS_KEPT :]
            # One assignment: threads see the old ones or the new ones.
            self._indexes = dict([*latest, (epoch, index)])
        return index

    def _of_any_time(self) -> "_Index":
        if self._all is None:
            self._all = _Index(self._in_order)
        return self._all


class _Index:
    """The promotions running in one epoch, by the keys of their scopes."""

    def __init__(self, running: Iterable[Promotion]) -> None:
        self._running = tuple(running)
        filed: defaultdict[Key, list[int]] = defaultdict(list)
        self._named: dict[int, tuple[int, frozenset[Key]]] = {}
        """By promotion id: where each template and deal is, and the keys of its scope."""
        for position, promotion in enumerate(self._running):
            keys = promotion.scope.index_keys()
            if promotion.is_named:
                self._named[promotion.promotion_id] = position, frozenset(keys)
                continue
            for key in keys:
                filed[key].append(position)
        self._filed = dict(filed)
        self._excludes = [one.scope.exclude or None for one in self._running]

    def lookup(self, lines: tuple[CartLine, ...], templates: Iterable[int]) -> list[Match]:
        """Return what concerns any of `lines`, in order, each with its lines; no deals."""
        return self._found(lines, templates, self._filed)

    def named(self, lines: tuple[CartLine, ...], promotion_ids: Iterable[int]) -> list[Match]:
        """Return those of the templates and deals that concern any of `lines`, each with its."""
        return self._found(lines, promotion_ids, {})

    def _found(
        self, lines: tuple[CartLine, ...], named: Iterable[int], filed: Mapping[Key, list[int]]
    ) -> list[Match]:
        found: defaultdict[int, list[CartLine]] = defaultdict(list)
        held = [self._named[one] for one in named if one in self._named]
        for line in lines:
            keys = tuple(keys_of(line))
            concerned = {position for position, scope in held if not scope.isdisjoint(keys)}
            for key in keys:
                concerned.update(filed.get(key, ()))
            for position in concerned:
                exclude = self._excludes[position]
                if exclude is None or not exclude.covers(line):
                    found[position].append(line)
        return [(self._running[position], tuple(found[position])) for position in sorted(found)]
