"""Promotions of every kind in one cart: what the engine promises holds for all of them."""

from dataclasses import replace
from datetime import timedelta
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from promotions.pricing import (
    Base,
    Basket,
    Cart,
    Code,
    HeldCoupon,
    Lane,
    Scope,
    Snapshot,
    Targets,
    price,
)
from tests.builders.promotions import NOON, make_promotion
from tests.promotions.pricing.baskets import lines_of, offered
from tests.promotions.pricing.strategies import RUNS
from tests.promotions.pricing.terms import any_rule

MANNERS = st.sampled_from(
    [{}, {}, {"tags": frozenset("a"), "agrees_with": frozenset("a")}, {"stop_after": True}]
)


@st.composite
def campaigns(draw):
    """Up to six promotions of any kinds; those whose terms name SKUs are about these."""
    found = []
    for number in range(1, draw(st.integers(0, 6)) + 1):
        rule = draw(any_rule)
        named = rule.sku_ids
        found.append(
            make_promotion(
                number,
                rule,
                scope=Scope(include=None if named is None else Targets(sku_ids=named)),
                base=draw(st.sampled_from(Base)),
                needs_coupon=rule.kind.startswith("coupon_"),
                **draw(MANNERS),
            )
        )
    return found


@st.composite
def carts(draw, promotions):
    """A cart of a buyer who holds a coupon of most templates, sometimes two."""
    coupons = [
        HeldCoupon(
            coupon_id=one.promotion_id * 10 + number,
            promotion_id=one.promotion_id,
            starts_at=NOON,
            ends_at=NOON + timedelta(days=1 + number),
        )
        for one in promotions
        if one.needs_coupon
        for number in range(draw(st.sampled_from([0, 1, 1, 2])))
    ]
    return Cart(
        lines=draw(lines_of()),
        now=NOON,
        freight_fen=draw(st.sampled_from([0, 50, 120])),
        coupons=tuple(coupons),
        points_fen=draw(st.sampled_from([0, 0, 40, 9_999])),
    )


shops = campaigns().flatmap(lambda found: st.tuples(st.just(found), carts(found)))


@RUNS
@given(shops)
def test_the_parts_of_a_quote_sum_to_what_is_paid(shop):
    promotions, cart = shop

    quote = price(cart, Snapshot(1, promotions))

    left = sum(line.payable_fen for line in quote.lines)
    assert left + quote.freight_fen - quote.tender_fen == quote.payable_fen
    taken = sum(sum(one.shares.values()) for one in quote.adjustments)
    assert taken == quote.discount_fen == sum(line.discount_fen for line in quote.lines)
    assert sum(one.freight_fen for one in quote.adjustments) == cart.freight_fen - quote.freight_fen
    assert sum(line.tender_fen for line in quote.lines) == quote.tender_fen <= cart.points_fen
    for line in quote.lines:
        assert 0 <= line.tender_fen <= line.payable_fen <= line.base_price_fen * line.quantity


@RUNS
@given(shops, st.randoms())
def test_no_order_of_anything_changes_a_byte(shop, random):
    promotions, cart = shop
    first = price(cart, Snapshot(1, promotions)).canonical()

    lines, coupons = (random.sample(items, len(items)) for items in (cart.lines, cart.coupons))
    random.shuffle(promotions)
    again = replace(cart, lines=tuple(lines), coupons=tuple(coupons))

    assert price(again, Snapshot(1, promotions)).canonical() == first
    assert price(Cart.from_json(cart.to_json()), Snapshot(1, promotions)).canonical() == first


@RUNS
@given(shops)
def test_every_candidate_has_one_verdict_and_what_applied_is_what_was_taken(shop):
    promotions, cart = shop

    quote = price(cart, Snapshot(1, promotions))

    named = [(verdict.promotion_id, verdict.coupon_id) for verdict in quote.trace]
    assert len(set(named)) == len(named)
    applied = {v.promotion_id: v.amount_fen for v in quote.trace if v.code is Code.APPLIED}
    assert applied == {one.promotion_id: one.amount_fen for one in quote.adjustments}
    gifts = [(one.promotion_id, gift) for one in quote.adjustments for gift in one.gifts]
    assert [(line.promotion_id, line.sku_id, line.quantity) for line in quote.gifts] == [
        (promotion_id, gift.sku_id, gift.quantity) for promotion_id, gift in gifts
    ]


@RUNS
@given(shops)
def test_of_promotions_that_stand_alone_the_best_is_taken(shop):
    promotions, cart = shop
    apart = [one for one in promotions if not (one.tags or one.stop_after)]

    for lane in {one.lane for one in apart}:
        rivals = [replace(one, scope=Scope()) for one in apart if one.lane is lane]
        together = price(cart, Snapshot(1, rivals)).payable_fen
        singles = [price(cart, Snapshot(1, [one])).payable_fen for one in rivals]
        assert together <= min(singles)


FRIENDS = {"tags": frozenset("a"), "agrees_with": frozenset("a")}
order_rules = any_rule.filter(lambda rule: rule.lane not in (Lane.PRICE, Lane.SHIPPING))


def brute_force(cart, promotions):
    """The least that any of the combinations leaves to pay, each applied in turn."""
    best = sum(line.base_amount_fen for line in cart.lines) + cart.freight_fen
    for size in range(1, len(promotions) + 1):
        for chosen in combinations(promotions, size):
            running = {line.line_id: line.base_amount_fen for line in cart.lines}
            freight = cart.freight_fen
            for one in chosen:
                offer = offered(
                    one.rule,
                    Basket(lines=cart.lines, running=running, freight_fen=freight, base=one.base),
                )
                running = {
                    line_id: left - offer.shares.get(line_id, 0)
                    for line_id, left in running.items()
                }
                freight -= offer.freight_fen
            best = min(best, sum(running.values()) + freight)
    return best


@RUNS
@given(lines_of(), st.lists(order_rules, min_size=1, max_size=5), st.data())
def test_the_best_deal_is_what_trying_every_combination_gives(lines, rules, data):
    promotions = [
        make_promotion(
            number, rule, lane=Lane.ORDER, base=data.draw(st.sampled_from(Base)), **FRIENDS
        )
        for number, rule in enumerate(rules, 1)
    ]
    cart = Cart(lines=lines, now=NOON, freight_fen=90)

    quote = price(cart, Snapshot(1, promotions))

    assert quote.is_optimal
    assert quote.payable_fen == brute_force(cart, promotions)
