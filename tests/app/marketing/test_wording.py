"""What shoppers and staff read."""

from dataclasses import replace
from datetime import timedelta

import pytest

from app.marketing import wording
from promotions.coupons.terms import IssueFlaw
from promotions.pricing import (
    Allowance,
    Code,
    Gift,
    GroupMode,
    HeldCoupon,
    Lane,
    Measure,
    Problem,
    SpendAndSave,
    Tier,
)
from promotions.pricing.kinds import CouponAmount, GiftTier, NthPiece, SpendAndGift
from promotions.setups import Flaw
from tests.builders.promotions import (
    NOON,
    make_cart,
    make_line,
    make_promotion,
    quote_of,
    spend_and_save,
)
from tests.promotions.pricing.kinds import FreightOff

WITH_CUP = SpendAndGift(
    tiers=(
        GiftTier(
            threshold=19_900,
            gifts=(Gift(sku_id=9, quantity=2, value_fen=500),),
            points=100,
            coupons=((7, 1),),
        ),
    ),
    max_times=2,
)


@pytest.mark.parametrize(
    ("fen", "text"), [(0, "0"), (5, "0.05"), (2_000, "20"), (2_050, "20.5"), (100_001, "1000.01")]
)
def test_yuan_are_written_without_needless_zeros(fen, text):
    assert wording.yuan(fen) == text


@pytest.mark.parametrize(
    ("off_bp", "text"),
    [(1_500, "打8.5折"), (1_000, "打9折"), (1_250, "打8.75折"), (10_000, "免单")],
)
def test_percentages_are_said_as_shops_say_them(off_bp, text):
    assert wording.discount(off_bp) == text


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (spend_and_save((10_000, 1_000), (20_000, 3_000)), "满100减10；满200减30"),
        (spend_and_save((10_000, 1_000), max_times=3), "每满100减10（最多3次）"),
        (SpendAndSave(tiers=(Tier(threshold=9_990, off_bp=1_500),)), "满99.9打8.5折"),
        (FreightOff(threshold_fen=1, off_fen=1), "活动1"),
    ],
)
def test_a_badge_says_the_terms(rule, text):
    assert wording.badge(make_promotion(rule=rule)) == text


class TestDescribe:
    def messages(self, cart, *promotions):
        described = wording.describe(quote_of(cart, *promotions).to_json())
        return {one["promotion_id"]: one["message"] for one in described["trace"]}

    def test_a_nudge_says_what_is_missing_and_what_it_brings(self):
        cart = make_cart(make_line(fen=8_000))

        assert self.messages(cart, make_promotion()) == {1: "还差 20 元，可减 10 元"}

    def test_what_applies_says_what_it_saved_and_the_next_step(self):
        steps = make_promotion(rule=spend_and_save((10_000, 1_000), (20_000, 3_000)))

        assert self.messages(make_cart(), make_promotion()) == {1: "已省 10 元"}
        assert self.messages(make_cart(), steps) == {1: "已省 10 元，再买 100 元，可减 30 元"}

    def test_what_loses_names_the_winner(self):
        better = make_promotion(2, spend_and_save((10_000, 2_000)), title="满100减20")

        assert self.messages(make_cart(), make_promotion(1), better) == {
            1: "已为您选用更划算的「满100减20」",
            2: "已省 20 元",
        }

    def test_what_is_blocked_names_the_holder(self):
        special = make_promotion(2, lane=Lane.PRICE, title="限时价")

        assert self.messages(make_cart(), make_promotion(1), special)[1] == "与「限时价」不可同享"

    def test_what_its_group_left_out_names_the_member_it_sent(self):
        grouped = {"group": "g", "group_mode": GroupMode.FIRST}
        first = make_promotion(1, title="老大", **grouped)

        messages = self.messages(make_cart(), first, make_promotion(2, **grouped))

        assert messages[2] == "同组活动「老大」优先"

    def test_what_spoils_a_better_deal_says_so(self):
        friends = {"tags": frozenset("a"), "agrees_with": frozenset("a")}
        spoiler = make_promotion(1, priority=1, **friends)
        better = make_promotion(2, spend_and_save((10_000, 2_000)), **friends)

        assert self.messages(make_cart(), spoiler, better)[1] == "不用它更划算"

    def test_what_has_run_out_says_so(self):
        cart = make_cart(
            allowances=(Allowance(promotion_id=1, uses=0), Allowance(promotion_id=2, budget_fen=1))
        )

        messages = self.messages(cart, make_promotion(1), make_promotion(2))

        assert messages == {1: "优惠已抢完", 2: "优惠已抢完"}

    def test_what_brings_nothing_says_so(self):
        free = make_promotion(rule=FreightOff(threshold_fen=1, off_fen=1))

        assert self.messages(make_cart(), free) == {1: "本单用不上该优惠"}

    def test_missing_pieces_are_counted(self):
        half = make_promotion(rule=NthPiece(nth=2, off_bp=5_000))

        assert self.messages(make_cart(), half) == {1: "再买 1 件，可减 50 元"}

    def test_what_is_missing_for_a_gift_names_it(self):
        gift = make_promotion(rule=WITH_CUP, title="满199送杯子")
        pieces = make_promotion(2, rule=replace(WITH_CUP, measure=Measure.PIECES), title="送杯子")

        assert self.messages(make_cart(), gift) == {1: "还差 99 元，可享「满199送杯子」"}
        assert self.messages(make_cart(), pieces) == {2: "再买 19899 件，可享「送杯子」"}

    def test_gifts_points_and_coupons_are_told(self):
        cart = make_cart(make_line(fen=30_000))

        messages = self.messages(cart, make_promotion(rule=WITH_CUP))

        assert messages == {1: "送赠品 2 件、100 积分、优惠券 1 张，再买 98 元，可享下一档"}

    def test_what_was_saved_comes_before_what_was_given(self):
        quote = quote_of(make_cart(make_line(fen=99_900)), make_promotion(rule=WITH_CUP)).to_json()
        (verdict,) = quote["trace"]
        quote["trace"] = [{**verdict, "amount_fen": 500, "shortfall": None}]

        (described,) = wording.describe(quote)["trace"]

        assert described["message"] == "已省 5 元，送赠品 4 件、200 积分、优惠券 2 张"

    def test_an_order_from_before_there_were_gifts_is_still_described(self):
        quote = quote_of(make_cart(), make_promotion()).to_json()
        for adjustment in quote["adjustments"]:
            for newer in ("gifts", "points", "coupons"):
                del adjustment[newer]

        (described,) = wording.describe(quote)["trace"]

        assert described["message"] == "已省 10 元"

    def test_of_two_coupons_of_one_kind_the_later_is_kept(self):
        ends = [NOON + timedelta(days=days) for days in (1, 2)]
        coupons = tuple(
            HeldCoupon(coupon_id=number, promotion_id=1, starts_at=NOON, ends_at=at)
            for number, at in enumerate(ends, 70)
        )
        rule = make_promotion(rule=CouponAmount(off_fen=100), needs_coupon=True)

        quote = quote_of(make_cart(coupons=coupons), rule)
        described = wording.describe(quote.to_json())["trace"]

        assert {one["coupon_id"]: one["message"] for one in described} == {
            70: "已省 1 元",
            71: "已选用同款优惠券中先到期的一张",
        }

    def test_the_rest_of_the_quote_stays_as_it_is(self):
        quote = quote_of(make_cart(), make_promotion()).to_json()

        described = wording.describe(quote)

        assert {**described, "trace": quote["trace"]} == quote


def test_every_code_and_every_refusal_has_its_words():
    assert set(wording.REASONS) == {*Flaw, *Problem, *IssueFlaw}
    spoken_elsewhere = {Code.APPLIED, Code.CONDITION_FAILED, Code.NOT_CHOSEN}
    assert set(wording.MESSAGES) | spoken_elsewhere == set(Code)
