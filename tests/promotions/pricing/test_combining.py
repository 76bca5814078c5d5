"""Who shares a line with whom: lanes, groups, agreement, stopping, caps and verdicts."""

import pytest

from promotions.pricing import (
    Allowance,
    Cart,
    Code,
    GroupMode,
    Lane,
    Promotion,
    Quote,
    Scope,
    Targets,
)
from tests.builders.promotions import (
    NOON,
    make_cart,
    make_line,
    make_promotion,
    quote_of,
    spend_and_save,
)
from tests.promotions.pricing.kinds import FreightOff

FRIENDS = {"tags": frozenset({"a"}), "agrees_with": frozenset({"a"})}


def off(promotion_id: int, fen: int, *, at: int = 100, **more: object) -> Promotion:
    return make_promotion(promotion_id, spend_and_save((max(at, fen), fen)), **more)  # type: ignore[arg-type]


def on_skus(*sku_ids: int) -> Scope:
    return Scope(include=Targets(sku_ids=frozenset(sku_ids)))


def verdicts(quote: Quote) -> dict[int, tuple[str, int, int | None]]:
    return {one.promotion_id: (one.code.value, one.amount_fen, one.by) for one in quote.trace}


class TestStrangers:
    def test_the_better_of_two_that_share_a_line_applies_alone(self):
        quote = quote_of(make_cart(), off(1, 300), off(2, 500))

        assert quote.discount_fen == 500
        assert verdicts(quote) == {1: ("dominated", 300, 2), 2: ("applied", 500, None)}

    def test_on_different_lines_they_do_not_meet(self):
        cart = make_cart(make_line(1), make_line(2))

        quote = quote_of(cart, off(1, 300, scope=on_skus(1)), off(2, 500, scope=on_skus(2)))

        assert [line.discount_fen for line in quote.lines] == [300, 500]

    def test_two_small_ones_together_may_beat_a_big_one_between_them(self):
        cart = make_cart(make_line(1), make_line(2))
        small = [off(1, 300, scope=on_skus(1)), off(2, 300, scope=on_skus(2))]

        quote = quote_of(cart, *small, off(3, 500))

        assert verdicts(quote)[3] == ("dominated", 500, 1)
        assert quote.discount_fen == 600

    def test_of_three_that_save_the_same_the_first_applies(self):
        quote = quote_of(make_cart(), off(3, 300), off(1, 300), off(2, 300))

        assert [one.promotion_id for one in quote.adjustments] == [1]

    def test_a_tie_goes_to_fewer_promotions_then_priority_then_the_smaller_id(self):
        cart = make_cart(make_line(1), make_line(2))
        halves = [off(1, 250, scope=on_skus(1)), off(2, 250, scope=on_skus(2))]

        assert [a.promotion_id for a in quote_of(cart, *halves, off(3, 500)).adjustments] == [3]
        assert quote_of(cart, off(5, 500), off(4, 500)).adjustments[0].promotion_id == 4
        later = off(6, 500, priority=1)
        assert quote_of(cart, off(4, 500), later).adjustments[0].promotion_id == 6


class TestAgreement:
    def test_both_must_accept_a_tag_of_the_other(self):
        willing = off(1, 300, tags=frozenset({"a"}), agrees_with=frozenset({"b"}))
        unwilling = off(2, 500, tags=frozenset({"b"}))
        equally = off(2, 500, tags=frozenset({"b"}), agrees_with=frozenset({"a"}))

        assert quote_of(make_cart(), willing, unwilling).discount_fen == 500
        assert quote_of(make_cart(), willing, equally).discount_fen == 800

    def test_the_one_of_higher_priority_applies_first(self):
        quote = quote_of(make_cart(), off(1, 300, **FRIENDS), off(2, 500, priority=1, **FRIENDS))

        assert [one.promotion_id for one in quote.adjustments] == [2, 1]
        assert quote.lines[0].discounts == ((2, 500), (1, 300))

    def test_one_that_spoils_a_better_one_is_left_out(self):
        # After 10 yuan off, 90 are left: too few for the 20 yuan at 100.
        spoiler = off(1, 1_000, priority=1, **FRIENDS)

        quote = quote_of(make_cart(), spoiler, off(2, 2_000, at=10_000, **FRIENDS))

        assert verdicts(quote) == {
            1: ("not_chosen", 1_000, None),
            2: ("applied", 2_000, None),
        }

    def test_nothing_more_can_be_taken_off_what_is_free(self):
        everything = off(1, 10_000, at=10_000, priority=1, **FRIENDS)

        quote = quote_of(make_cart(), everything, off(2, 100, **FRIENDS))

        assert quote.payable_fen == 0
        assert [one.promotion_id for one in quote.adjustments] == [1]

    def test_stopping_keeps_later_ones_off_its_lines_only(self):
        stops = off(1, 300, priority=1, stop_after=True, scope=on_skus(1), **FRIENDS)
        follows = off(2, 400, lane=Lane.COUPON, **FRIENDS)
        cart = make_cart(make_line(1, fen=1_000), make_line(2, fen=1_000))

        quote = quote_of(cart, stops, follows)

        assert [line.discounts for line in quote.lines] == [((1, 300),), ((2, 400),)]

    def test_one_that_stops_loses_to_a_better_one_of_its_lane(self):
        stops = off(1, 300, priority=1, stop_after=True, **FRIENDS)

        assert verdicts(quote_of(make_cart(), stops, off(2, 400, **FRIENDS))) == {
            1: ("dominated", 300, 2),
            2: ("applied", 400, None),
        }


class TestGroups:
    @pytest.mark.parametrize(
        ("mode", "applied"),
        [
            (GroupMode.ALL, {1, 2, 3}),
            (GroupMode.FIRST, {2}),
            (GroupMode.BEST, {3}),
            (GroupMode.WORST, {1}),
        ],
    )
    def test_the_mode_decides_how_many_apply(self, mode, applied):
        grouped = {"group": "双11", "group_mode": mode}
        promotions = [
            off(1, 300, **grouped),
            off(2, 400, priority=5, **grouped),
            off(3, 500, **grouped),
        ]

        quote = quote_of(make_cart(), *promotions)

        assert {one.promotion_id for one in quote.adjustments} == applied

    def test_the_first_that_has_an_effect_is_the_first(self):
        grouped = {"group": "g", "group_mode": GroupMode.FIRST}

        quote = quote_of(
            make_cart(),
            off(1, 900, at=99_999, **grouped),
            off(2, 300, **grouped),
            off(3, 500, **grouped),
        )

        assert verdicts(quote) == {
            1: ("condition_failed", 0, None),
            2: ("applied", 300, None),
            3: ("not_chosen", 500, 2),
        }

    def test_a_stranger_before_a_group_leaves_its_mode_alone(self):
        grouped = {"group": "g", "group_mode": GroupMode.FIRST}

        quote = quote_of(make_cart(), off(1, 100), off(2, 300, **grouped), off(3, 500, **grouped))

        assert verdicts(quote) == {
            1: ("dominated", 100, 2),
            2: ("applied", 300, None),
            3: ("not_chosen", 500, 2),
        }

    def test_of_two_that_save_least_the_first_is_sent(self):
        grouped = {"group": "g", "group_mode": GroupMode.WORST}

        quote = quote_of(make_cart(), off(2, 300, **grouped), off(1, 300, **grouped))

        assert verdicts(quote) == {1: ("applied", 300, None), 2: ("not_chosen", 300, 1)}

    def test_one_of_a_group_applies_even_where_they_share_no_line(self):
        cart = make_cart(make_line(1), make_line(2))
        one = off(1, 300, group="g", scope=on_skus(1))

        quote = quote_of(cart, one, off(2, 500, group="g", scope=on_skus(2)))

        assert verdicts(quote) == {1: ("dominated", 300, 2), 2: ("applied", 500, None)}

    def test_groups_of_the_same_name_in_two_lanes_are_two_groups(self):
        one = off(1, 300, group="g", **FRIENDS)

        quote = quote_of(make_cart(), one, off(2, 500, group="g", lane=Lane.COUPON, **FRIENDS))

        assert quote.discount_fen == 800


class TestLanes:
    def test_each_line_takes_its_own_best_price(self):
        cart = make_cart(make_line(1), make_line(2), make_line(3))
        left = off(1, 300, lane=Lane.PRICE, scope=on_skus(1, 2), **FRIENDS)

        quote = quote_of(cart, left, off(2, 500, lane=Lane.PRICE, scope=on_skus(2, 3), **FRIENDS))

        assert [line.discounts for line in quote.lines] == [((1, 300),), ((2, 500),), ((2, 500),)]
        assert verdicts(quote) == {1: ("applied", 300, None), 2: ("applied", 1_000, None)}

    def test_a_cap_holds_over_all_lines_a_price_is_set_on(self):
        cart = make_cart(make_line(1), make_line(2), make_line(3))

        quote = quote_of(cart, off(1, 300, lane=Lane.PRICE, max_discount_fen=400))

        assert [line.discount_fen for line in quote.lines] == [300, 100, 0]

    def test_a_budget_holds_over_all_lines_a_price_is_set_on(self):
        cart = make_cart(
            make_line(1), make_line(2), allowances=(Allowance(promotion_id=1, budget_fen=599),)
        )

        quote = quote_of(cart, off(1, 300, lane=Lane.PRICE))

        assert [line.discount_fen for line in quote.lines] == [300, 0]

    def test_every_holder_of_an_earlier_lane_keeps_its_line(self):
        specials = [off(n, 300, lane=Lane.PRICE, scope=on_skus(n)) for n in (1, 2)]
        cart = make_cart(make_line(1), make_line(2), make_line(3))

        quote = quote_of(cart, *specials, off(3, 500))

        assert [line.discounts for line in quote.lines] == [((1, 300),), ((2, 300),), ((3, 500),)]

    def test_lines_held_by_an_earlier_lane_do_not_count_for_a_stranger(self):
        # 100 + 100 yuan in the cart, but line 1 has its price: 满150 is short by 50.
        special = off(1, 300, lane=Lane.PRICE, scope=on_skus(1))
        cart = make_cart(make_line(1), make_line(2))

        (_, verdict) = quote_of(cart, special, off(2, 2_000, at=15_000)).trace

        assert verdict.code is Code.CONDITION_FAILED
        assert verdict.shortfall is not None
        assert verdict.shortfall.gap == 5_000

    def test_one_whose_lines_are_all_held_is_blocked(self):
        special = off(1, 300, lane=Lane.PRICE)

        assert verdicts(quote_of(make_cart(), special, off(2, 500))) == {
            1: ("applied", 300, None),
            2: ("blocked", 0, 1),
        }

    def test_of_several_that_hold_a_line_the_last_is_named(self):
        friends = [off(1, 300, lane=Lane.PRICE, **FRIENDS), off(2, 300, lane=Lane.LINE, **FRIENDS)]

        assert verdicts(quote_of(make_cart(), *friends, off(3, 500)))[3] == ("blocked", 0, 2)

    def test_the_one_that_blocks_is_the_one_that_holds_its_lines(self):
        specials = [off(n, 300, lane=Lane.PRICE, scope=on_skus(n)) for n in (1, 2)]
        cart = make_cart(make_line(1), make_line(2))

        quote = quote_of(cart, *specials, off(3, 500, scope=on_skus(1)))

        assert verdicts(quote)[3] == ("blocked", 0, 1)

    def test_freight_is_reduced_beside_whatever_the_goods_have(self):
        cart = make_cart(freight_fen=800)
        free = make_promotion(2, FreightOff(threshold_fen=5_000, off_fen=9_999))

        quote = quote_of(cart, off(1, 1_000), free)

        assert (quote.freight_list_fen, quote.freight_fen) == (800, 0)
        assert (quote.items_fen, quote.discount_fen, quote.payable_fen) == (10_000, 1_000, 9_000)
        assert quote.adjustments[1].to_json()["freight_fen"] == 800

    def test_a_threshold_after_other_lanes_sees_what_is_left(self):
        free = make_promotion(2, FreightOff(threshold_fen=9_500, off_fen=800))

        quote = quote_of(make_cart(freight_fen=800), off(1, 1_000), free)

        assert verdicts(quote)[2] == ("condition_failed", 0, None)

    def test_a_cap_limits_freight_too(self):
        free = make_promotion(2, FreightOff(threshold_fen=1, off_fen=800), max_discount_fen=500)

        assert quote_of(make_cart(freight_fen=800), free).freight_fen == 300


class TestLimitsAndNothing:
    def test_one_without_a_use_left_says_so(self):
        cart = make_cart(allowances=(Allowance(promotion_id=1, uses=0),))

        assert verdicts(quote_of(cart, off(1, 300))) == {1: ("limit_reached", 0, None)}

    def test_one_whose_budget_does_not_cover_the_saving_says_so(self):
        cart = make_cart(allowances=(Allowance(promotion_id=1, uses=3, budget_fen=299),))

        assert verdicts(quote_of(cart, off(1, 300))) == {1: ("budget_exhausted", 0, None)}

    def test_a_budget_that_just_covers_it_is_enough(self):
        cart = make_cart(allowances=(Allowance(promotion_id=1, budget_fen=300),))

        assert quote_of(cart, off(1, 300)).discount_fen == 300

    def test_one_that_would_save_nothing_is_not_used_up(self):
        free = make_promotion(1, FreightOff(threshold_fen=1, off_fen=800))

        quote = quote_of(make_cart(freight_fen=0), free)

        assert verdicts(quote) == {1: ("no_effect", 0, None)}
        assert quote.adjustments == ()

    def test_an_empty_cart_costs_its_freight(self):
        quote = quote_of(Cart(lines=(), now=NOON, freight_fen=800))

        assert (quote.payable_fen, quote.trace) == (800, ())


class TestBeyondTheExactSearch:
    def test_the_best_single_one_is_found_and_the_quote_says_it_is_not_proven(self):
        quote = quote_of(make_cart(), off(3, 500), *(off(10 + n, 10 + n) for n in range(12)))

        assert not quote.is_optimal
        assert quote.discount_fen == 500

    def test_one_part_that_is_not_proven_is_enough_to_say_so(self):
        crowd = [off(10 + n, 10 + n, lane=Lane.LINE, scope=on_skus(1)) for n in range(13)]
        cart = make_cart(make_line(1), make_line(2))

        quote = quote_of(cart, *crowd, off(1, 500, scope=on_skus(2)))

        assert not quote.is_optimal

    def test_a_swap_finds_what_greed_misses(self):
        # 1 saves most alone, but leaves 90 yuan: 3 then saves 0.5 yuan. After 2 it saves 5.
        after = {"tags": frozenset({"b"}), "agrees_with": frozenset({"a", "c"})}
        steps = spend_and_save((5_000, 50), (9_100, 500))
        promotions = [
            off(1, 1_000, tags=frozenset({"a"}), agrees_with=frozenset({"b"})),
            off(2, 900, tags=frozenset({"c"}), agrees_with=frozenset({"b"})),
            make_promotion(3, steps, priority=-1, **after),
            *(off(10 + n, 10 + n) for n in range(10)),
        ]

        quote = quote_of(make_cart(), *promotions)

        assert not quote.is_optimal
        assert [one.promotion_id for one in quote.adjustments] == [2, 3]
        assert quote.discount_fen == 1_400

    def test_twelve_are_still_searched_exactly(self):
        quote = quote_of(make_cart(), *(off(n, 100 + n, **FRIENDS) for n in range(1, 13)))

        assert quote.is_optimal
        assert quote.discount_fen == sum(100 + n for n in range(1, 13))
