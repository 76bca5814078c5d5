"""
The rules of combining, written as plainly as they can be: every subset tried, no index, no parts.

Slow and independent of the engine's machinery; only the data types are shared, and the arithmetic
of kinds that have a reference model of their own beside their tests.
"""

from copy import deepcopy
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import combinations

from promotions.pricing import (
    Base,
    Basket,
    Cart,
    CartLine,
    GroupMode,
    Lane,
    Measure,
    Promotion,
    Shortfall,
    SpendAndSave,
)
from tests.promotions.pricing.kinds import FreightOff
from tests.promotions.pricing.toy_kinds import GiftFrom, OnePrice

LANES = [Lane.PRICE, Lane.LINE, Lane.ORDER, Lane.COUPON, Lane.SHIPPING]


@dataclass
class State:
    left: dict[int | str, int]
    """Fen still payable by line id, and under "freight"."""
    saved: dict[int, int] = field(default_factory=dict)
    units: dict[int, dict[int, int]] = field(default_factory=dict)
    gives: dict[int, tuple] = field(default_factory=dict)
    """(gifts, points, coupons) by promotion."""
    refusals: set[tuple[int, int, int]] = field(default_factory=set)
    tender: dict[int, int] = field(default_factory=dict)

    @property
    def worth(self) -> tuple[int, int, int]:
        gifts = [gift for given, _, _ in self.gives.values() for gift in given]
        coupons = [count for _, _, given in self.gives.values() for _, count in given]
        return (
            sum(gift.value_fen * gift.quantity for gift in gifts),
            sum(points for _, points, _ in self.gives.values()),
            sum(gift.quantity for gift in gifts) + sum(coupons),
        )


@dataclass
class Benefit:
    shares: dict[int | str, int] = field(default_factory=dict)
    units: dict[int, int] = field(default_factory=dict)
    refuses: dict[int, int] = field(default_factory=dict)
    gives: tuple = ((), 0, ())

    @property
    def is_something(self) -> bool:
        return sum(self.shares.values()) > 0 or any(self.gives)


def reference_price(cart: Cart, promotions: list[Promotion]) -> State:
    """What is left to pay of each line and of freight, and what each applied promotion did."""
    base = {line.line_id: _price(line) * line.quantity for line in cart.lines}
    state = State({**base, "freight": cart.freight_fen})
    promotions = [one for one in promotions if is_let_in(cart, one)]
    held: list[tuple[Promotion, set[int]]] = []
    for lane in LANES:
        applied_here: list[tuple[Promotion, set[int]]] = []
        for lines in [[line] for line in cart.lines] if lane is Lane.PRICE else [list(cart.lines)]:
            state, chosen = _settle(cart, lines, lane, promotions, state, held)
            applied_here += chosen
        held += applied_here
    goods = {line.line_id: state.left[line.line_id] for line in cart.lines}
    state.tender = largest_remainder(goods, min(cart.points_fen, sum(goods.values())))
    return state


def is_let_in(cart: Cart, promotion: Promotion) -> bool:
    """Whether it runs, is for this buyer, is not declined, and has a usable coupon if needed."""
    return (
        _running(promotion, cart)
        and _is_for(promotion.audience, cart.buyer)
        and promotion.promotion_id not in cart.declined
        and (not promotion.needs_coupon or coupon_of(cart, promotion) is not None)
    )


def coupon_of(cart: Cart, promotion: Promotion) -> int | None:
    """The usable coupon that ends first."""
    usable = [
        (one.ends_at, one.coupon_id)
        for one in cart.coupons
        if one.promotion_id == promotion.promotion_id
        and one.starts_at <= cart.now < one.ends_at
        and (cart.coupon_ids is None or one.coupon_id in cart.coupon_ids)
    ]
    return min(usable)[1] if usable else None


def _is_for(audience, buyer):
    if audience.levels and buyer.level not in audience.levels:
        return False
    if audience.tags and not audience.tags & buyer.tags:
        return False
    return audience.is_new is None or audience.is_new == buyer.is_new


def _settle(cart, lines, lane, promotions, state, held):
    options = []
    refusing = []
    for promotion in promotions:
        looked_at = _looked_at(lines, promotion, held) if promotion.lane is lane else []
        if looked_at:
            benefit, refuses = _benefit(cart, promotion, looked_at, state)
            if benefit is not None:
                options.append((promotion, looked_at))
            else:
                refusing += [(line, promotion.promotion_id, most) for line, most in refuses]
    options = _one_per_group(cart, options, state)
    options.sort(key=lambda option: (-option[0].priority, option[0].promotion_id))
    outcomes = [
        (subset, outcome)
        for size in range(len(options) + 1)
        for subset in combinations(options, size)
        if all(_may_follow(a, b) for a, b in combinations(subset, 2))
        if (outcome := _apply_all(cart, subset, state)) is not None
    ]
    subset, state = min(outcomes, key=_badness)
    if not subset:
        state.refusals |= set(refusing)
    return state, [(promotion, _touched(promotion, looked_at)) for promotion, looked_at in subset]


def _badness(outcome):
    subset, state = outcome
    ranks = [(-promotion.priority, promotion.promotion_id) for promotion, _ in subset]
    worth = [-part for part in state.worth]
    return (sum(state.left.values()), worth, len(subset), ranks)


def _looked_at(lines, promotion, held):
    covered = [line for line in lines if promotion.scope.covers(line)]
    if promotion.lane is Lane.SHIPPING:
        return covered
    return [line for line in covered if not _is_held(line, promotion, held)]


def _running(promotion, cart):
    if promotion.ends_at is not None and cart.now >= promotion.ends_at:
        return False
    if cart.now < promotion.starts_at:
        return False
    hour = (cart.now.hour + 8) % 24
    weekday = (cart.now.weekday() + (cart.now.hour + 8) // 24) % 7
    minute = hour * 60 + cart.now.minute
    return not promotion.slots or any(
        slot.from_minute <= minute < slot.until_minute
        and (weekday in slot.weekdays or not slot.weekdays)
        for slot in promotion.slots
    )


def _is_held(line: CartLine, promotion, held):
    return any(
        line.line_id in lines and (other.stop_after or not _friends(other, promotion))
        for other, lines in held
    )


def _same_group(one, other):
    return one.group is not None and one.group == other.group and one.lane == other.lane


def _friends(one, other):
    if _same_group(one, other):
        return one.group_mode is GroupMode.ALL
    return bool(one.tags & other.agrees_with) and bool(other.tags & one.agrees_with)


def _touched(promotion, looked_at):
    return {"freight"} if promotion.lane is Lane.SHIPPING else {one.line_id for one in looked_at}


def _may_follow(first, second):
    one, other = first[0], second[0]
    if _same_group(one, other) and one.group_mode is not GroupMode.ALL:
        return False
    if not _touched(*first) & _touched(*second):
        return True
    if one.lane is Lane.PRICE:
        return False
    return _friends(one, other) and not one.stop_after


def _one_per_group(cart, options, state):
    """`first` groups send their first member, `worst` groups the one that saves least."""
    kept = []
    for promotion, lines in options:
        rivals = [option for option in options if _same_group(option[0], promotion)]
        rivals.sort(key=lambda option: (-option[0].priority, option[0].promotion_id))
        if promotion.group_mode is GroupMode.WORST and rivals:
            rivals.sort(key=lambda o: sum(_benefit(cart, *o, state)[0].shares.values()))
        is_choosy = promotion.group_mode in (GroupMode.FIRST, GroupMode.WORST)
        if not (is_choosy and rivals) or rivals[0][0] is promotion:
            kept.append((promotion, lines))
    return kept


def _apply_all(cart, subset, state):
    state = deepcopy(state)
    for promotion, lines in subset:
        benefit, _ = _benefit(cart, promotion, lines, state)
        if benefit is None:
            return None
        promotion_id = promotion.promotion_id
        for target, share in benefit.shares.items():
            state.left[target] -= share
        total = sum(benefit.shares.values())
        state.saved[promotion_id] = state.saved.get(promotion_id, 0) + total
        state.units.setdefault(promotion_id, {}).update(benefit.units)
        state.gives[promotion_id] = benefit.gives
        for line_id, most in benefit.refuses.items():
            state.refusals.add((line_id, promotion_id, most))
    return state


def _benefit(cart, promotion, lines, state):
    """What it takes and gives, or None; and the lines it refuses all the same."""
    before = state.saved.get(promotion.promotion_id, 0)
    mine = [one for one in cart.allowances if one.promotion_id == promotion.promotion_id]
    allowance = mine[0] if mine else None
    if allowance is not None and allowance.uses == 0:
        return None, []
    benefit = _uncapped(cart, promotion, lines, state, allowance)
    if benefit is None:
        return None, []
    cap = promotion.max_discount_fen
    if cap is not None and sum(benefit.shares.values()) > cap - before:
        freight = min(cap - before, benefit.shares.pop("freight", 0))
        benefit.shares = largest_remainder(benefit.shares, cap - before - freight)
        benefit.shares["freight"] = freight
    if not benefit.is_something:
        return None, benefit.refuses.items()
    budget = None if allowance is None else allowance.budget_fen
    if budget is not None and before + sum(benefit.shares.values()) > budget:
        return None, []
    return benefit, []


def _uncapped(cart, promotion, lines, state, allowance):
    rule = promotion.rule
    if isinstance(rule, OnePrice):
        return _one_price(rule, promotion, lines[0], state, allowance)
    if isinstance(rule, GiftFrom):
        return _gift(cart, rule, promotion, lines, state, allowance)
    by_pieces = isinstance(rule, SpendAndSave) and rule.measure is Measure.PIECES
    if by_pieces or not isinstance(rule, FreightOff | SpendAndSave):
        return _asked(cart, promotion, lines, state, allowance)
    if promotion.base is Base.INITIAL:
        amount = sum(_price(line) * line.quantity for line in lines)
    else:
        amount = sum(state.left[line.line_id] for line in lines)
    off = _off(rule, amount)
    if promotion.lane is Lane.SHIPPING:
        return Benefit({"freight": min(off, state.left["freight"])})
    weights = {line.line_id: state.left[line.line_id] for line in lines}
    return Benefit(largest_remainder(weights, min(off, sum(weights.values()))))


def _price(line):
    if line.member_price_fen is not None and line.member_price_fen < line.unit_price_fen:
        return line.member_price_fen
    return line.unit_price_fen


def _one_price(rule, promotion, line, state, allowance):
    """Piece after piece, as long as one is left."""
    taken = sum(state.units.get(promotion.promotion_id, {}).values())
    units = None if allowance is None else allowance.units
    pieces = 0
    for _ in range(line.quantity):
        if rule.most is not None and taken + pieces >= rule.most:
            break
        if units is not None and taken + pieces >= units:
            break
        pieces += 1
    off = pieces * max(0, _price(line) - rule.price_fen)
    is_refused = rule.refuses and pieces < line.quantity
    return Benefit(
        {line.line_id: off},
        units={line.line_id: pieces} if pieces else {},
        refuses={line.line_id: pieces} if is_refused else {},
    )


def _gift(cart, rule, promotion, lines, state, allowance):
    if sum(line.quantity for line in lines) < rule.pieces:
        return None
    left = dict(allowance.gifts) if allowance is not None else {}
    liked = [one.sku_ids for one in cart.gift_choices if one.promotion_id == promotion.promotion_id]
    there = [
        one for one in rule.gifts if one.sku_id not in left or left[one.sku_id] >= one.quantity
    ]
    if rule.gifts and not there:
        return Benefit()
    ordered = [one for one in there if liked and one.sku_id in liked[0]]
    ordered += [one for one in there if one not in ordered]
    shares = {"freight": state.left["freight"] if rule.frees_freight else 0}
    return Benefit(shares, gives=(tuple(ordered[: rule.choose]), rule.points, rule.coupons))


def _asked(cart, promotion, lines, state, allowance):
    """What the rule itself says; it is tested beside its own reference model."""
    taken = sum(state.units.get(promotion.promotion_id, {}).values())
    units = None if allowance is None or allowance.units is None else allowance.units - taken
    liked = [one.sku_ids for one in cart.gift_choices if one.promotion_id == promotion.promotion_id]
    offer = promotion.rule.offer(
        Basket(
            lines=tuple(lines),
            running={line.line_id: state.left[line.line_id] for line in cart.lines},
            freight_fen=state.left["freight"],
            base=promotion.base,
            units_left=units,
            units_taken=taken,
            gifts_left={} if allowance is None else dict(allowance.gifts),
            gift_choice=liked[0] if liked else (),
        )
    )
    if isinstance(offer, Shortfall):
        return None
    return Benefit(
        {**offer.shares, "freight": offer.freight_fen},
        units=dict(offer.units),
        refuses=dict(offer.refuses),
        gives=(offer.gifts, offer.points, offer.coupons),
    )


def _off(rule, amount):
    if isinstance(rule, FreightOff):
        return rule.off_fen if amount >= rule.threshold_fen else 0
    assert isinstance(rule, SpendAndSave)
    off = 0
    for tier in rule.tiers:
        if amount >= tier.threshold:
            times = min(amount // tier.threshold, rule.max_times)
            off = tier.off_fen * times or int(
                Fraction(amount * tier.off_bp, 10_000) + Fraction(1, 2)
            )
    return off


def largest_remainder(weights, amount):
    """Exact fractions, floors, and the spare fen one by one to the largest remainder."""
    total = sum(weights.values())
    if not total:
        return dict(weights)
    exact = {key: Fraction(weight * amount, total) for key, weight in weights.items()}
    shares = {key: int(part) for key, part in exact.items()}
    order = sorted(weights, key=lambda key: (shares[key] - exact[key], -weights[key], key))
    for key in order[: amount - sum(shares.values())]:
        shares[key] += 1
    return shares
