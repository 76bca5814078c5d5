"""
The rules of combining, written as plainly as they can be: every subset tried, no index, no parts.

Slow and independent of the engine's machinery; only the data types are shared.
"""

from fractions import Fraction
from itertools import combinations

from promotions.pricing import Base, Cart, CartLine, GroupMode, Lane, Promotion, SpendAndSave
from tests.promotions.pricing.kinds import FreightOff

LANES = [Lane.PRICE, Lane.LINE, Lane.ORDER, Lane.COUPON, Lane.SHIPPING]
Left = dict[int | str, int]
"""Fen still payable by line id, and under "freight"."""


def reference_price(cart: Cart, promotions: list[Promotion]) -> tuple[Left, dict[int, int]]:
    """What is left to pay of each line and of freight, and what each applied promotion saved."""
    left: Left = {line.line_id: line.unit_price_fen * line.quantity for line in cart.lines}
    left["freight"] = cart.freight_fen
    saved: dict[int, int] = {}
    held: list[tuple[Promotion, set[int]]] = []
    for lane in LANES:
        applied_here: list[tuple[Promotion, set[int]]] = []
        for lines in [[line] for line in cart.lines] if lane is Lane.PRICE else [list(cart.lines)]:
            chosen = _settle(cart, lines, lane, promotions, left, saved, held)
            applied_here += chosen
        held += applied_here
    return left, saved


def _settle(cart, lines, lane, promotions, left, saved, held):
    options = []
    for promotion in promotions:
        looked_at = _looked_at(cart, lines, promotion, held) if promotion.lane is lane else []
        if looked_at and _saving(cart, promotion, looked_at, left, saved):
            options.append((promotion, looked_at))
    options = _one_per_group(cart, options, left, saved)
    options.sort(key=lambda option: (-option[0].priority, option[0].promotion_id))
    outcomes = [
        (subset, *outcome)
        for size in range(len(options) + 1)
        for subset in combinations(options, size)
        if all(_may_follow(a, b) for a, b in combinations(subset, 2))
        if (outcome := _apply_all(cart, subset, left, saved)) is not None
    ]
    subset, new_left, new_saved = min(outcomes, key=_badness)
    left.update(new_left)
    saved.update(new_saved)
    return [(promotion, _touched(promotion, looked_at)) for promotion, looked_at in subset]


def _badness(outcome):
    subset, left, _ = outcome
    ranks = [(-promotion.priority, promotion.promotion_id) for promotion, _ in subset]
    return (sum(left.values()), len(subset), ranks)


def _looked_at(cart, lines, promotion, held):
    if not _running(promotion, cart):
        return []
    covered = [line for line in lines if promotion.scope.covers(line)]
    if promotion.lane is Lane.SHIPPING:
        return covered
    return [line for line in covered if not _is_held(line, promotion, held)]


def _running(promotion, cart):
    if promotion.ends_at is not None and cart.now >= promotion.ends_at:
        return False
    return cart.now >= promotion.starts_at


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


def _one_per_group(cart, options, left, saved):
    """`first` groups send their first member, `worst` groups the one that saves least."""
    kept = []
    for promotion, lines in options:
        rivals = [option for option in options if _same_group(option[0], promotion)]
        rivals.sort(key=lambda option: (-option[0].priority, option[0].promotion_id))
        if promotion.group_mode is GroupMode.WORST and rivals:
            rivals.sort(key=lambda o: sum(_saving(cart, o[0], o[1], left, saved).values()))
        is_choosy = promotion.group_mode in (GroupMode.FIRST, GroupMode.WORST)
        if not (is_choosy and rivals) or rivals[0][0] is promotion:
            kept.append((promotion, lines))
    return kept


def _apply_all(cart, subset, left, saved):
    left, saved = dict(left), dict(saved)
    for promotion, lines in subset:
        shares = _saving(cart, promotion, lines, left, saved)
        if not shares:
            return None
        for target, share in shares.items():
            left[target] -= share
        saved[promotion.promotion_id] = saved.get(promotion.promotion_id, 0) + sum(shares.values())
    return left, saved


def _saving(cart, promotion, lines, left, saved):
    """What it takes off by target; empty if nothing."""
    before = saved.get(promotion.promotion_id, 0)
    allowance = next(
        (one for one in cart.allowances if one.promotion_id == promotion.promotion_id), None
    )
    if allowance is not None and allowance.uses == 0:
        return {}
    if promotion.base is Base.INITIAL:
        amount = sum(line.unit_price_fen * line.quantity for line in lines)
    else:
        amount = sum(left[line.line_id] for line in lines)
    off = _off(promotion.rule, amount)
    if promotion.lane is Lane.SHIPPING:
        shares = {"freight": min(off, left["freight"])}
    else:
        weights = {line.line_id: left[line.line_id] for line in lines}
        shares = largest_remainder(weights, min(off, sum(weights.values())))
    total = sum(shares.values())
    if promotion.max_discount_fen is not None and total > promotion.max_discount_fen - before:
        shares = largest_remainder(shares, promotion.max_discount_fen - before)
        total = sum(shares.values())
    budget_fen = None if allowance is None else allowance.budget_fen
    is_affordable = budget_fen is None or before + total <= budget_fen
    return shares if total and is_affordable else {}


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
