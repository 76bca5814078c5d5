"""Prices for so many pieces, gifts while there are any, free freight, level prices and points."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promotions.pricing import (
    KINDS,
    Allowance,
    Base,
    Code,
    Gift,
    GiftChoice,
    Quote,
    Rule,
    Scope,
    Targets,
    units_share,
)
from tests.builders.promotions import (
    make_cart,
    make_line,
    make_promotion,
    quote_of,
    spend_and_save,
)
from tests.promotions.pricing.kinds import FreightOff
from tests.promotions.pricing.strategies import RUNS
from tests.promotions.pricing.toy_kinds import GiftFrom, OnePrice

CUP = Gift(sku_id=90, quantity=1, value_fen=1_500)
BAG = Gift(sku_id=91, quantity=2, value_fen=800)
FRIENDS = {"tags": frozenset("a"), "agrees_with": frozenset("a")}


def left(promotion_id: int = 1, **more: Any) -> dict[str, Any]:
    return {"allowances": (Allowance(promotion_id=promotion_id, **more),)}


def refusals(quote: Quote) -> list[tuple[int, int, int]]:
    return [(one.line_id, one.promotion_id, one.most) for one in quote.refusals]


class TestPieces:
    def test_pieces_above_the_limit_cost_what_they_cost(self):
        cart = make_cart(make_line(1, fen=1_000, quantity=5), **left(units=2))

        quote = quote_of(cart, make_promotion(1, OnePrice(price_fen=700)))

        assert quote.payable_fen == 2 * 700 + 3 * 1_000
        assert quote.adjustments[0].units == {1: 2}
        assert quote.to_json()["adjustments"][0]["units"] == [{"line_id": 1, "quantity": 2}]
        assert quote.refusals == ()

    def test_the_limit_holds_over_all_lines_in_their_order(self):
        lines = [make_line(n, fen=1_000, quantity=2) for n in (1, 2, 3)]

        quote = quote_of(
            make_cart(*lines, **left(units=3)), make_promotion(1, OnePrice(price_fen=700))
        )

        assert quote.adjustments[0].units == {1: 2, 2: 1}
        assert [line.discount_fen for line in quote.lines] == [600, 300, 0]

    def test_what_the_terms_give_an_order_holds_over_all_lines_too(self):
        lines = [make_line(n, fen=1_000, quantity=2) for n in (1, 2)]

        quote = quote_of(make_cart(*lines), make_promotion(1, OnePrice(price_fen=700, most=3)))

        assert quote.adjustments[0].units == {1: 2, 2: 1}

    def test_without_a_piece_left_it_says_so(self):
        quote = quote_of(make_cart(**left(units=0)), make_promotion(1, OnePrice(price_fen=1)))

        assert quote.trace[0].code is Code.UNITS_REACHED
        assert (quote.adjustments, quote.refusals) == ((), ())

    def test_terms_that_refuse_name_the_most_a_line_may_have(self):
        rule = OnePrice(price_fen=700, refuses=True)
        lines = [make_line(n, fen=1_000, quantity=2) for n in (1, 2, 3)]

        quote = quote_of(make_cart(*lines, **left(units=3)), make_promotion(1, rule))

        assert refusals(quote) == [(2, 1, 1), (3, 1, 0)]
        assert quote.to_json()["refusals"] == [
            {"promotion_id": 1, "line_id": 2, "most": 1},
            {"promotion_id": 1, "line_id": 3, "most": 0},
        ]

    def test_they_refuse_even_when_no_piece_is_left_at_all(self):
        rule = OnePrice(price_fen=700, refuses=True)

        quote = quote_of(make_cart(**left(units=0)), make_promotion(1, rule))

        assert (quote.trace[0].code, refusals(quote)) == (Code.UNITS_REACHED, [(1, 1, 0)])

    def test_a_line_that_has_another_price_is_not_refused(self):
        refusing = make_promotion(1, OnePrice(price_fen=700, refuses=True))
        other = make_promotion(2, OnePrice(price_fen=9_000))

        quote = quote_of(make_cart(**left(units=0)), refusing, other)

        assert (quote.payable_fen, quote.refusals) == (9_000, ())

    def test_the_lowest_of_a_lines_prices_counts(self):
        prices = [make_promotion(n, OnePrice(price_fen=9_000 - n)) for n in (1, 3, 2)]

        quote = quote_of(make_cart(), *prices)

        assert quote.payable_fen == 8_997
        assert [(one.code.value, one.by) for one in quote.trace] == [
            ("dominated", 3),
            ("dominated", 3),
            ("applied", None),
        ]


class TestGifts:
    def test_they_come_with_the_order_and_cost_nothing(self):
        quote = quote_of(
            make_cart(), make_promotion(1, GiftFrom(pieces=1, gifts=(CUP, BAG), choose=2))
        )

        assert quote.payable_fen == 10_000
        assert [
            (one.promotion_id, one.sku_id, one.quantity, one.value_fen) for one in quote.gifts
        ] == [
            (1, 90, 1, 1_500),
            (1, 91, 2, 800),
        ]
        assert quote.to_json()["gifts"][1] == {
            "promotion_id": 1,
            "sku_id": 91,
            "quantity": 2,
            "value_fen": 800,
        }

    def test_they_vanish_when_the_condition_fails(self):
        rule = GiftFrom(pieces=2, gifts=(CUP,))

        assert quote_of(make_cart(make_line(quantity=2)), make_promotion(1, rule)).gifts
        short = quote_of(make_cart(), make_promotion(1, rule))

        assert (short.gifts, short.trace[0].code) == ((), Code.CONDITION_FAILED)
        assert short.to_json()["trace"][0]["shortfall"]["measure"] == "pieces"

    def test_only_what_is_left_is_given(self):
        rule = GiftFrom(pieces=1, gifts=(CUP, BAG), choose=2)

        quote = quote_of(make_cart(**left(gifts=((90, 1), (91, 1)))), make_promotion(1, rule))

        assert [one.sku_id for one in quote.gifts] == [90]

    def test_when_none_is_left_it_says_so(self):
        rule = GiftFrom(pieces=1, gifts=(CUP,))

        quote = quote_of(make_cart(**left(gifts=((90, 0),))), make_promotion(1, rule))

        assert (quote.gifts, quote.trace[0].code) == ((), Code.GIFT_OUT)

    def test_the_buyer_chooses(self):
        rule = GiftFrom(pieces=1, gifts=(CUP, BAG))
        choice = (GiftChoice(promotion_id=1, sku_ids=(91,)),)

        assert (
            quote_of(make_cart(gift_choices=choice), make_promotion(1, rule)).gifts[0].sku_id == 91
        )
        assert quote_of(make_cart(), make_promotion(1, rule)).gifts[0].sku_id == 90

    def test_money_comes_before_gifts_and_gifts_by_their_worth(self):
        cup = make_promotion(1, GiftFrom(pieces=1, gifts=(CUP,)))
        bags = make_promotion(2, GiftFrom(pieces=1, gifts=(BAG,)))
        fen = make_promotion(3, spend_and_save((1, 1)))

        assert [one.promotion_id for one in quote_of(make_cart(), cup, bags).adjustments] == [2]
        assert [one.promotion_id for one in quote_of(make_cart(), cup, fen).adjustments] == [3]

    @pytest.mark.parametrize(
        "rule",
        [
            GiftFrom(pieces=1, gifts=(Gift(sku_id=90, quantity=1, value_fen=0),)),
            GiftFrom(pieces=1, points=10),
            GiftFrom(pieces=1, coupons=((77, 1),)),
        ],
    )
    def test_what_has_no_stated_worth_is_given_all_the_same(self, rule):
        save = make_promotion(2, spend_and_save((1, 1)), **FRIENDS)

        quote = quote_of(make_cart(), make_promotion(1, rule, **FRIENDS), save)

        assert [one.promotion_id for one in quote.adjustments] == [1, 2]

    def test_points_and_coupons_are_told(self):
        rule = GiftFrom(pieces=1, points=10, coupons=((77, 2),))

        (adjustment,) = quote_of(make_cart(), make_promotion(1, rule)).to_json()["adjustments"]

        assert (adjustment["points"], adjustment["amount_fen"]) == (10, 0)
        assert adjustment["coupons"] == [{"promotion_id": 77, "count": 2}]

    def test_more_points_win_between_equals(self):
        few = make_promotion(1, GiftFrom(pieces=1, points=10))
        many = make_promotion(2, GiftFrom(pieces=1, points=20))

        assert [one.promotion_id for one in quote_of(make_cart(), few, many).adjustments] == [2]


class TestFreeFreight:
    FREE = GiftFrom(pieces=1, frees_freight=True)

    def test_an_order_promotion_may_free_it(self):
        quote = quote_of(make_cart(freight_fen=800), make_promotion(1, self.FREE))

        assert (quote.freight_fen, quote.payable_fen) == (0, 10_000)
        assert quote.adjustments[0].freight_fen == 800

    def test_what_it_is_worth_counts_beside_a_small_percentage(self):
        rule = KINDS["spend_and_save"].parse(
            {"tiers": [{"threshold": 100, "off_bp": 100, "free_freight": True}]}
        )
        small = make_promotion(1, spend_and_save((10_000, 5)), **FRIENDS)

        quote = quote_of(make_cart(freight_fen=800), small, make_promotion(2, rule, **FRIENDS))

        assert [one.amount_fen for one in quote.adjustments] == [5, 900]

    def test_it_is_freed_once_even_by_two_on_different_goods(self):
        promotions = [
            make_promotion(n, self.FREE, scope=Scope(include=Targets(sku_ids=frozenset({n}))))
            for n in (1, 2)
        ]

        quote = quote_of(make_cart(make_line(1), make_line(2), freight_fen=800), *promotions)

        assert quote.freight_fen == 0
        assert [one.promotion_id for one in quote.adjustments] == [1]
        assert [one.code.value for one in quote.trace] == ["applied", "not_chosen"]

    def test_it_does_not_keep_freight_from_the_shipping_lane(self):
        half = make_promotion(1, self.FREE, max_discount_fen=500)
        rest = make_promotion(2, FreightOff(threshold_fen=1, off_fen=900))

        quote = quote_of(make_cart(freight_fen=800), half, rest)

        assert [one.freight_fen for one in quote.adjustments] == [500, 300]

    def test_nothing_is_left_for_the_shipping_lane_then(self):
        rest = make_promotion(2, FreightOff(threshold_fen=1, off_fen=900))

        quote = quote_of(make_cart(freight_fen=800), make_promotion(1, self.FREE), rest)

        assert quote.trace[1].code is Code.NO_EFFECT


class TestLevelPrice:
    def test_promotions_start_from_it(self):
        cart = make_cart(make_line(fen=10_000, quantity=2, member_price_fen=9_000))

        quote = quote_of(cart, make_promotion(1, spend_and_save((18_001, 1)), base=Base.INITIAL))

        assert (quote.items_fen, quote.member_saves_fen, quote.payable_fen) == (
            20_000,
            2_000,
            18_000,
        )
        assert quote.trace[0].code is Code.CONDITION_FAILED

    def test_the_line_tells_both(self):
        cart = make_cart(make_line(fen=10_000, member_price_fen=9_000))

        (line,) = quote_of(cart, make_promotion(1, spend_and_save((500, 500)))).lines

        assert (line.amount_fen, line.base_price_fen, line.payable_fen) == (10_000, 9_000, 8_500)
        assert (line.member_saves_fen, line.discount_fen) == (1_000, 500)


class TestPoints:
    def test_they_pay_goods_in_proportion_and_never_freight(self):
        cart = make_cart(
            make_line(1, fen=200), make_line(2, fen=100), freight_fen=50, points_fen=90
        )

        quote = quote_of(cart)

        assert [line.tender_fen for line in quote.lines] == [60, 30]
        assert [line.payable_fen for line in quote.lines] == [200, 100]
        assert (quote.tender_fen, quote.payable_fen) == (90, 260)

    def test_no_more_than_the_goods_cost_is_taken(self):
        quote = quote_of(make_cart(make_line(fen=200), freight_fen=50, points_fen=999))

        assert (quote.tender_fen, quote.payable_fen) == (200, 50)

    def test_they_come_after_all_promotions(self):
        quote = quote_of(make_cart(points_fen=99_999), make_promotion(1))

        assert quote.tender_fen == 9_000


class TestInvariants:
    @RUNS
    @given(st.integers(1, 30_000))
    def test_between_thresholds_the_price_rises_fen_for_fen(self, fen):
        promotion = make_promotion(1, spend_and_save((10_000, 1_000), (20_000, 3_000)))

        before, after = (
            quote_of(make_cart(make_line(fen=spent)), promotion).payable_fen
            for spent in (fen - 1, fen)
        )

        step = {10_000: 1_000, 20_000: 2_000}.get(fen, 0)
        assert after - before == 1 - step

    @RUNS
    @given(st.integers(2, 6), st.integers(1, 500), st.integers(1, 10_000))
    def test_cutting_a_line_into_pieces_changes_no_total(self, quantity, fen, off_bp):
        promotion = make_promotion(1, make_percentage(off_bp))
        whole = make_cart(make_line(1, fen=fen, quantity=quantity))
        cut = make_cart(*(make_line(n, sku_id=1, fen=fen) for n in range(1, quantity + 1)))

        assert quote_of(whole, promotion).payable_fen == quote_of(cut, promotion).payable_fen

    @RUNS
    @given(st.integers(1, 9), st.integers(1, 999), st.integers(1, 9_999), st.randoms())
    def test_refunds_in_any_order_come_to_what_was_paid(self, quantity, fen, off_bp, random):
        cart = make_cart(make_line(1, fen=fen, quantity=quantity), points_fen=fen // 2)
        (line,) = quote_of(cart, make_promotion(1, make_percentage(off_bp))).lines
        paid_fen = line.payable_fen - line.tender_fen
        pieces = random.sample(range(quantity), quantity)

        refunds = [units_share(paid_fen, quantity, piece, piece + 1) for piece in pieces]

        assert sum(refunds) == paid_fen
        assert all(0 <= refund <= paid_fen for refund in refunds)


def make_percentage(off_bp: int) -> Rule:
    return KINDS["spend_and_save"].parse({"tiers": [{"threshold": 1, "off_bp": off_bp}]})
