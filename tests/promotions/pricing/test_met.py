"""What gifts were earned with, as a quote keeps it for whoever takes goods back."""

from promotions.pricing import Base, Gift, GiftTier, Measure, SpendAndGift
from promotions.pricing.rule import Met
from tests.builders.promotions import (
    make_cart,
    make_line,
    make_promotion,
    quote_of,
    spend_and_save,
)


def gift_from(threshold, **more):
    gift = Gift(sku_id=99, quantity=1, value_fen=500)
    return SpendAndGift(tiers=(GiftTier(threshold=threshold, gifts=(gift,)),), **more)


class TestWhatEarnedIt:
    """The quote keeps the condition, so that taking goods back needs no terms and no prices."""

    def test_each_line_counts_what_was_payable_for_it_then(self):
        cart = make_cart(make_line(1, fen=6_000), make_line(2, fen=4_000, quantity=2))
        agreed = {"tags": frozenset({"a"}), "agrees_with": frozenset({"a"})}

        quote = quote_of(
            cart,
            make_promotion(1, spend_and_save((10_000, 1_400)), priority=1, **agreed),
            make_promotion(2, gift_from(6_000, max_times=3), **agreed),
        )

        met = quote.adjustments[1].to_json()["met"]
        assert (met["measure"], met["need"], met["times"]) == ("amount_fen", 6_000, 2)
        assert met["counted"] == [
            {"line_id": 1, "amount": 5_400},
            {"line_id": 2, "amount": 7_200},
        ]

    def test_by_initial_amounts_promotions_before_it_do_not_count(self):
        cart = make_cart(make_line(1, fen=10_000))
        agreed = {"tags": frozenset({"a"}), "agrees_with": frozenset({"a"})}

        quote = quote_of(
            cart,
            make_promotion(1, spend_and_save((10_000, 1_400)), priority=1, **agreed),
            make_promotion(2, gift_from(10_000), base=Base.INITIAL, **agreed),
        )

        assert dict(quote.adjustments[1].met.counted) == {1: 10_000}

    def test_by_pieces_pieces_count(self):
        cart = make_cart(make_line(1, fen=1, quantity=3))

        quote = quote_of(cart, make_promotion(1, gift_from(2, measure=Measure.PIECES)))

        assert dict(quote.adjustments[0].met.counted) == {1: 3}
        assert (quote.adjustments[0].met.need, quote.adjustments[0].met.times) == (2, 1)

    def test_points_and_coupons_keep_their_condition_too(self):
        rule = SpendAndGift(tiers=(GiftTier(threshold=1, points=5),))

        quote = quote_of(make_cart(), make_promotion(1, rule))

        (adjustment,) = quote.adjustments
        met = Met(measure=Measure.AMOUNT_FEN, need=1, times=1, counted={1: 10_000})
        assert (adjustment.points, adjustment.met) == (5, met)
