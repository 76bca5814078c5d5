"""
Discount bugs of other shops, each with its arithmetic in small, shown wrong, and ours on the same.

Facts and places: the list of bugs that this project was planned with.
"""

from dataclasses import replace
from fractions import Fraction

import pytest

from promotions.pricing import (
    Allowance,
    BadTerms,
    Code,
    HeldCoupon,
    Measure,
    Scope,
    Snapshot,
    SpendAndSave,
    Targets,
    Tier,
    apportion,
    price,
    units_share,
)
from promotions.pricing.kinds import (
    CouponAmount,
    CouponPercent,
    LimitedTime,
    OverLimit,
    SkuPrice,
)
from promotions.pricing.money import OutOfRange
from tests.builders.promotions import (
    NOON,
    make_cart,
    make_line,
    make_promotion,
    quote_of,
    spend_and_save,
)

FLASH = LimitedTime(prices=(SkuPrice(sku_id=1, price_fen=5_000),))


def with_coupon(*lines, coupon_ids=None, **more):
    """A cart of a buyer who holds coupon 70 of promotion 7."""
    held = HeldCoupon(
        coupon_id=70, promotion_id=7, starts_at=NOON, ends_at=NOON.replace(year=NOON.year + 1)
    )
    return make_cart(*lines, coupons=(held,), coupon_ids=coupon_ids, **more)


def coupon(rule, **more):
    return make_promotion(7, rule, needs_coupon=True, **more)


class TestCrmeb:
    def test_b1_a_coupon_does_not_join_an_activity_price_on_any_path(self):
        def naive(goods_fen, coupon_fen, *, said_to_be_activity):
            return goods_fen if said_to_be_activity else goods_fen - coupon_fen

        shown = naive(5_000, 3_000, said_to_be_activity=True)  # The preview says so.
        assert naive(5_000, 3_000, said_to_be_activity=False) != shown  # Placing forgets to.

        snapshot = Snapshot(1, [make_promotion(1, FLASH), coupon(CouponAmount(off_fen=3_000))])
        previewed = price(with_coupon(make_line(1)), snapshot)
        placed = price(with_coupon(make_line(1), coupon_ids=(70,)), snapshot)
        assert (previewed.payable_fen, placed.payable_fen) == (5_000, 5_000)
        assert placed.trace[1].code is Code.BLOCKED

    def test_b2_an_activity_price_ends_with_its_window_even_if_the_cart_is_older(self):
        def naive(cached_price_fen, _now):
            return cached_price_fen

        rule = make_promotion(1, FLASH, ends_at=NOON.replace(hour=5))
        during = quote_of(make_cart(make_line(1)), rule).payable_fen
        after = NOON.replace(hour=5)
        assert naive(during, after) == 5_000

        assert quote_of(make_cart(make_line(1), now=after), rule).payable_fen == 10_000

    def test_b6_shares_of_a_coupon_above_the_total_sum_to_what_was_taken(self):
        lines = {1: 1_200, 2: 800}

        def naive(face_fen):
            total = sum(lines.values())
            return {one: fen - face_fen * fen // total for one, fen in lines.items()}

        assert sum(naive(3_000).values()) == -1_000  # The order itself is capped at 0.

        quote = quote_of(
            with_coupon(*(make_line(one, fen=fen) for one, fen in lines.items())),
            coupon(CouponAmount(off_fen=3_000)),
        )
        assert [line.payable_fen for line in quote.lines] == [0, 0]
        assert sum(line.payable_fen for line in quote.lines) == quote.payable_fen

    def test_b6_pieces_refunded_one_by_one_give_back_all_that_was_paid(self):
        def naive(paid_fen, quantity):
            return paid_fen // quantity * quantity

        assert naive(2_000, 3) == 1_998

        assert sum(units_share(2_000, 3, unit, unit + 1) for unit in range(3)) == 2_000

    def test_b18_pieces_a_buyer_had_before_count_against_the_limit(self):
        def naive(in_cart, limit):
            return min(in_cart, limit)

        assert naive(2, 2) == 2  # Again and again, cart after cart.

        cart = make_cart(make_line(1, quantity=2), allowances=(Allowance(promotion_id=1, units=1),))
        quote = quote_of(cart, make_promotion(1, FLASH, is_capped=True))
        assert quote.payable_fen == 5_000 + 10_000

        strict = replace(FLASH, over_limit=OverLimit.REFUSE)
        (refusal,) = quote_of(cart, make_promotion(1, strict, is_capped=True)).refusals
        assert refusal.most == 1


class TestYudao:
    def test_a_reward_by_pieces_is_capped_by_what_the_pieces_cost(self):
        def naive(goods_fen, reward_fen):
            return goods_fen - reward_fen

        assert naive(600, 1_000) == -400

        rule = SpendAndSave(tiers=(Tier(threshold=2, off_fen=1_000),), measure=Measure.PIECES)
        quote = quote_of(make_cart(make_line(fen=300, quantity=2)), make_promotion(rule=rule))
        assert (quote.payable_fen, quote.discount_fen) == (0, 600)

    def test_the_remainder_of_a_division_is_not_lost_with_an_unselected_last_line(self):
        lines = [(100, True), (100, True), (100, True), (100, False)]

        def naive(amount):
            total = sum(fen for fen, is_selected in lines if is_selected)
            shares = []
            for number, (fen, is_selected) in enumerate(lines):
                is_last = number == len(lines) - 1
                share = amount - sum(shares) if is_last else int(fen / total * amount)
                shares.append(share if is_selected else 0)
            return shares

        assert sum(naive(100)) == 99

        assert sum(apportion({1: 100, 2: 100, 3: 100}, 100).values()) == 100

    def test_the_last_line_never_gets_more_than_it_costs(self):
        weights = {1: 199, 2: 99, 3: 99, 4: 0}

        def naive(amount):
            total = sum(weights.values())
            shares = [weight * amount // total for weight in weights.values()]
            return [*shares[:-1], amount - sum(shares[:-1])]

        assert naive(294)[-1] > weights[4]  # 2 fen off a line that costs nothing.

        assert apportion(weights, 294)[4] == 0

    def test_a_percentage_of_a_large_amount_does_not_overflow(self):
        def naive(fen, percent):
            product = fen * percent & 0xFFFF_FFFF
            return (product - 2**32 if product >= 2**31 else product) // 100

        assert naive(30_000_000, 90) < 0

        rule = CouponPercent(off_bp=9_000)
        quote = quote_of(with_coupon(make_line(fen=30_000_000)), coupon(rule))
        assert quote.discount_fen == 27_000_000

    def test_points_worth_more_than_the_goods_pay_them_and_no_more(self):
        def naive(goods_fen, points_fen):
            if points_fen > goods_fen:
                raise ValueError("the price may not fall below zero")
            return goods_fen - points_fen

        with pytest.raises(ValueError, match="below zero"):
            naive(1_000, 1_500)

        quote = quote_of(make_cart(make_line(fen=1_000), freight_fen=800, points_fen=1_500))
        assert (quote.tender_fen, quote.payable_fen) == (1_000, 800)


class TestLikeshop:
    def test_a_negative_quantity_is_no_line(self):
        def naive(lines):
            return sum(fen * quantity for fen, quantity in lines if quantity)

        assert naive([(10_000, 1), (9_999, -1)]) == 1

        for quantity in (-1, 0):
            with pytest.raises(OutOfRange):
                make_line(quantity=quantity)

    def test_a_bargain_price_is_for_its_own_sku_only(self):
        launches = {5: {"sku_id": 1, "price_fen": 100}}

        def naive(_sku_id, launch_id):
            return launches[launch_id]["price_fen"]

        assert naive(2, 5) == 100  # Any other item, for the price of the launch.

        rule = LimitedTime(prices=(SkuPrice(sku_id=1, price_fen=100),))
        quote = quote_of(make_cart(make_line(1), make_line(2)), make_promotion(rule=rule))
        assert [line.payable_fen for line in quote.lines] == [100, 10_000]

    def test_somebody_elses_coupon_takes_nothing_off(self):
        coupons = {71: 3_000}

        def naive(goods_fen, coupon_id):
            return goods_fen - coupons[coupon_id]

        assert naive(10_000, 71) == 7_000  # Whoever's it is.

        rule = coupon(CouponAmount(off_fen=3_000))
        assert quote_of(with_coupon(coupon_ids=(71,)), rule).payable_fen == 10_000
        assert quote_of(with_coupon(coupon_ids=(70,)), rule).payable_fen == 7_000


class TestLilishop:
    def test_sku_1_is_not_in_a_scope_of_sku_12(self):
        def naive(sku_id, scope):
            return str(sku_id) in scope

        assert naive(1, "12,34")

        only = Scope(include=Targets(sku_ids=frozenset({12, 34})))
        cart = make_cart(make_line(1), make_line(12))
        quote = quote_of(cart, make_promotion(scope=only))
        assert [line.discount_fen for line in quote.lines] == [0, 1_000]

    def test_twenty_yuan_for_three_pieces_never_refund_more(self):
        def naive(paid_fen, quantity, pieces):
            return int(Fraction(paid_fen, quantity) + Fraction(1, 2)) * pieces

        assert naive(2_000, 3, 1) + naive(2_000, 3, 2) == 2_001

        assert units_share(2_000, 3, 0, 1) + units_share(2_000, 3, 1, 3) == 2_000


class TestMall:
    def test_a_coupon_above_the_goods_never_pays_the_buyer(self):
        def naive(goods_fen, coupon_fen):
            return goods_fen - coupon_fen

        assert naive(17_600, 100_000) == -82_400  # -824 yuan, five times over.

        quote = quote_of(with_coupon(make_line(fen=17_600)), coupon(CouponAmount(off_fen=100_000)))
        assert (quote.payable_fen, quote.discount_fen) == (0, 17_600)

    def test_one_coupon_takes_off_once_however_often_it_is_named(self):
        def naive(goods_fen, coupon_fen, named):
            return goods_fen - coupon_fen * len(named)

        assert naive(10_000, 3_000, [70] * 5) == -5_000

        rule = coupon(CouponAmount(off_fen=3_000))
        assert quote_of(with_coupon(coupon_ids=(70,) * 5), rule).payable_fen == 7_000

    def test_a_split_in_three_leaves_no_fen_behind(self):
        weights = {1: 500, 2: 500, 3: 500}

        def naive(amount):
            total = sum(weights.values())
            in_thousandths = [weight * 1_000 // total for weight in weights.values()]
            return [amount * part // 1_000 for part in in_thousandths]

        assert sum(naive(1_000)) == 999

        assert sum(apportion(weights, 1_000).values()) == 1_000


class TestCoreShop:
    def test_an_amount_off_a_piece_comes_off_every_piece(self):
        def naive(unit_fen, quantity, off_fen):
            return unit_fen * quantity - off_fen

        assert naive(1_000, 3, 100) == 2_900

        rule = LimitedTime(off_fen=100)
        quote = quote_of(make_cart(make_line(fen=1_000, quantity=3)), make_promotion(rule=rule))
        assert quote.payable_fen == 2_700

    def test_a_coupon_reaches_every_line_in_its_scope(self):
        lines = [1_000, 5_000]

        def naive(off_fen):
            return [max(lines[0] - off_fen, 0), *lines[1:]]

        assert sum(naive(3_000)) == 5_000  # 20 yuan of the coupon are lost on the first line.

        cart = with_coupon(*(make_line(number, fen=fen) for number, fen in enumerate(lines)))
        assert quote_of(cart, coupon(CouponAmount(off_fen=3_000))).payable_fen == 3_000


class TestOthers:
    def test_saleor_a_percentage_per_line_is_not_the_percentage_of_the_whole(self):
        lines = [5, 5, 5, 5]

        def naive(rate_bp):
            return sum((fen * rate_bp + 5_000) // 10_000 for fen in lines)

        assert naive(1_000) == 4  # A fifth of 20 fen, where a tenth was meant.

        rule = SpendAndSave(tiers=(Tier(threshold=1, off_bp=1_000),))
        cart = make_cart(*(make_line(number, fen=fen) for number, fen in enumerate(lines)))
        assert quote_of(cart, make_promotion(rule=rule)).discount_fen == 2

    def test_sylius_a_free_line_is_never_charged(self):
        weights = {1: 0, 2: 10, 3: 10}

        def naive(amount):
            total = sum(weights.values())
            shares = [(2 * weight * amount + total) // (2 * total) for weight in weights.values()]
            return [shares[0] + amount - sum(shares), *shares[1:]]

        assert naive(13)[0] == -1

        assert apportion(weights, 13) == {1: 0, 2: 7, 3: 6}

    def test_vendure_a_coupon_that_saves_nothing_is_not_used_up(self):
        def naive(matches, _saves_fen):
            return 1 if matches else 0

        assert naive(True, 0) == 1

        quote = quote_of(with_coupon(make_line(fen=0)), coupon(CouponAmount(off_fen=100)))
        assert not quote.adjustments
        assert quote.trace[0].code is Code.NO_EFFECT

    def test_odoo_a_full_discount_leaves_no_fen(self):
        def naive(paid_fen, quantity):
            return paid_fen - paid_fen // quantity * quantity

        assert naive(1_000, 3) == 1  # All of it off three pieces at 3.33.

        three_for_ten = SpendAndSave(
            tiers=(Tier(threshold=3, price_fen=1_000),), measure=Measure.PIECES
        )
        friends = {"tags": frozenset("a"), "agrees_with": frozenset("a")}
        all_off = coupon(CouponPercent(off_bp=10_000), **friends)
        cart = with_coupon(make_line(fen=500, quantity=3))
        quote = quote_of(cart, make_promotion(1, three_for_ten, **friends), all_off)
        assert ([one.amount_fen for one in quote.adjustments], quote.payable_fen) == (
            [500, 1_000],
            0,
        )

    def test_odoo_the_order_of_coupons_does_not_change_the_total(self):
        def naive(goods_fen, *steps):
            for kind, value in steps:
                goods_fen -= value if kind == "fen" else goods_fen * value // 10_000
            return goods_fen

        fen, rate = ("fen", 3_000), ("bp", 5_000)
        assert naive(10_000, fen, rate) != naive(10_000, rate, fen)

        friends = {"tags": frozenset("a"), "agrees_with": frozenset("a")}
        first = make_promotion(1, CouponAmount(off_fen=3_000), **friends)
        second = make_promotion(2, CouponPercent(off_bp=5_000), **friends)
        cart = make_cart()
        assert (
            quote_of(cart, first, second).canonical() == quote_of(cart, second, first).canonical()
        )


def test_a_discount_above_its_threshold_is_refused_before_anybody_gets_it():
    def naive(threshold_fen, off_fen):
        return threshold_fen - off_fen

    assert naive(100, 200) < 0

    with pytest.raises(BadTerms):
        spend_and_save((100, 200))
    with pytest.raises(BadTerms):
        CouponAmount(threshold_fen=100, off_fen=200)
