"""Coupons in the buyer's hands, audiences, and what the buyer declines: one verdict for each."""

from datetime import timedelta
from typing import Any

from promotions.pricing import Audience, Buyer, HeldCoupon, Lane, Promotion, Quote, Scope, Targets
from tests.builders.promotions import (
    NOON,
    make_cart,
    make_line,
    make_promotion,
    quote_of,
    spend_and_save,
)

HOUR = timedelta(hours=1)
FRIENDS = {"tags": frozenset("a"), "agrees_with": frozenset("a")}


def template(promotion_id: int, off_fen: int = 500, **more: Any) -> Promotion:
    rule = spend_and_save((1_000, off_fen))
    return make_promotion(promotion_id, rule, lane=Lane.COUPON, needs_coupon=True, **more)


def held(coupon_id: int, promotion_id: int = 1, **more: Any) -> HeldCoupon:
    fields = {"starts_at": NOON - HOUR, "ends_at": NOON + HOUR, **more}
    return HeldCoupon(coupon_id=coupon_id, promotion_id=promotion_id, **fields)


def verdicts(quote: Quote) -> list[tuple[int, int | None, str, int | None]]:
    return [(one.promotion_id, one.coupon_id, one.code.value, one.by) for one in quote.trace]


class TestCoupons:
    def test_a_template_without_a_coupon_is_no_candidate(self):
        quote = quote_of(make_cart(), template(1))

        assert (quote.payable_fen, quote.trace) == (10_000, ())

    def test_the_coupon_is_named_where_it_applies(self):
        quote = quote_of(make_cart(coupons=(held(7),)), template(1))

        assert quote.payable_fen == 9_500
        assert verdicts(quote) == [(1, 7, "applied", None)]
        assert [one.coupon_id for one in quote.adjustments] == [7]
        assert quote.to_json()["adjustments"][0]["coupon_id"] == 7
        assert quote.to_json()["trace"][0]["coupon_id"] == 7

    def test_of_several_the_one_that_ends_first_competes_then_the_smaller_id(self):
        coupons = (held(3, ends_at=NOON + 2 * HOUR), held(2), held(1, ends_at=NOON + 9 * HOUR))

        quote = quote_of(make_cart(coupons=(*coupons, held(4))), template(1))

        assert verdicts(quote) == [
            (1, 2, "applied", None),
            (1, 4, "dominated", 1),
            (1, 3, "dominated", 1),
            (1, 1, "dominated", 1),
        ]

    def test_it_is_valid_from_its_start_until_its_end(self):
        tick = timedelta(microseconds=1)
        coupons = (
            held(1, ends_at=NOON),
            held(2, starts_at=NOON + tick),
            held(3, starts_at=NOON, ends_at=NOON + tick),
        )

        quote = quote_of(make_cart(coupons=coupons), template(1))

        assert [one.amount_fen for one in quote.trace if one.code != "applied"] == [0, 0]
        assert sorted(verdicts(quote)) == [
            (1, 1, "expired", None),
            (1, 2, "not_yet", None),
            (1, 3, "applied", None),
        ]

    def test_the_best_one_is_chosen_unless_the_buyer_chooses(self):
        coupons = (held(1, 1), held(2, 2))
        small, big = template(1, 300), template(2, 700)

        best = quote_of(make_cart(coupons=coupons), small, big)
        chosen = quote_of(make_cart(coupons=coupons, coupon_ids=(1,)), small, big)
        none = quote_of(make_cart(coupons=coupons, coupon_ids=()), small, big)

        assert verdicts(best) == [(1, 1, "dominated", 2), (2, 2, "applied", None)]
        assert verdicts(chosen) == [(1, 1, "applied", None), (2, 2, "declined", None)]
        assert verdicts(none) == [(1, 1, "declined", None), (2, 2, "declined", None)]
        assert [q.discount_fen for q in (best, chosen, none)] == [700, 300, 0]

    def test_another_coupon_of_the_template_may_be_chosen(self):
        coupons = (held(1), held(2, ends_at=NOON + 2 * HOUR))

        quote = quote_of(make_cart(coupons=coupons, coupon_ids=(2,)), template(1))

        assert verdicts(quote) == [(1, 2, "applied", None), (1, 1, "declined", None)]

    def test_two_stack_if_they_agree(self):
        coupons = (held(1, 1), held(2, 2))

        quote = quote_of(make_cart(coupons=coupons), template(1, **FRIENDS), template(2, **FRIENDS))

        assert quote.discount_fen == 1_000

    def test_it_says_what_the_cart_lacks(self):
        (verdict,) = quote_of(make_cart(make_line(fen=900), coupons=(held(7),)), template(1)).trace

        assert (verdict.code.value, verdict.coupon_id) == ("condition_failed", 7)
        assert verdict.shortfall is not None
        assert verdict.shortfall.gap == 100

    def test_it_is_blocked_like_any_promotion(self):
        special = make_promotion(9, spend_and_save((1, 1)), lane=Lane.PRICE)

        quote = quote_of(make_cart(coupons=(held(7),)), special, template(1))

        assert verdicts(quote)[1] == (1, 7, "blocked", 9)

    def test_one_for_other_goods_gets_no_verdict(self):
        elsewhere = Scope(include=Targets(sku_ids=frozenset({999})))

        quote = quote_of(make_cart(coupons=(held(7),)), template(1, scope=elsewhere))

        assert quote.trace == ()

    def test_it_looks_at_the_lines_in_its_scope_only(self):
        cart = make_cart(make_line(1), make_line(2), coupons=(held(7),))
        scope = Scope(exclude=Targets(sku_ids=frozenset({1})))

        quote = quote_of(cart, template(1, scope=scope))

        assert [line.discount_fen for line in quote.lines] == [0, 500]


class TestAudience:
    def test_a_stranger_to_the_audience_is_told_so(self):
        promotion = make_promotion(audience=Audience(is_new=True))

        assert verdicts(quote_of(make_cart(), promotion)) == [(1, None, "not_for_you", None)]
        newcomer = make_cart(buyer=Buyer(is_new=True))
        assert quote_of(newcomer, promotion).discount_fen == 1_000

    def test_a_coupon_asks_for_its_audience_when_it_is_used(self):
        promotion = template(1, audience=Audience(levels=frozenset({3})))
        coupons = (held(1), held(2, ends_at=NOON))

        quote = quote_of(make_cart(coupons=coupons), promotion)

        assert sorted(verdicts(quote)) == [(1, 1, "not_for_you", None), (1, 2, "expired", None)]


class TestDeclined:
    def test_what_the_buyer_declines_makes_room_for_the_next(self):
        promotions = [make_promotion(1), make_promotion(2, spend_and_save((1_000, 300)))]

        quote = quote_of(make_cart(declined=frozenset({1})), *promotions)

        assert verdicts(quote) == [(1, None, "declined", None), (2, None, "applied", None)]

    def test_a_template_may_be_declined_with_all_its_coupons(self):
        cart = make_cart(coupons=(held(1), held(2)), declined=frozenset({1}))

        assert [verdict[2] for verdict in verdicts(quote_of(cart, template(1)))] == ["declined"] * 2
