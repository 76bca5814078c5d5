"""N件M元, 满N件减, 满包邮: spend-and-save by pieces and for freight; a plain count beside it."""

import pytest
from hypothesis import given

from promotions.pricing import Base, Basket, Measure, SpendAndSave, Tier
from promotions.pricing.money import OutOfRange
from tests.builders.promotions import make_line
from tests.promotions.pricing.baskets import (
    basket_of,
    baskets,
    half_up,
    nonzero,
    offered,
    pieces_of,
    saved,
    shared,
    shortfall,
)
from tests.promotions.pricing.strategies import RUNS
from tests.promotions.pricing.terms import RULES


class TestReference:
    def reference(self, rule: SpendAndSave, basket: Basket) -> tuple[dict[int, int], int]:
        """Each tier reached tried in turn, sets counted off one by one; shares and freight."""
        pieces = pieces_of(basket)
        have = basket.amount_fen if rule.measure is Measure.AMOUNT_FEN else len(pieces)
        best: tuple[int, dict[int, int], int] = (-1, {}, 0)
        for tier in rule.tiers:
            if have < tier.threshold:
                continue
            times = min(have // tier.threshold, rule.max_times)
            off, picked = tier.off_fen * times, pieces
            if tier.off_bp:
                most = basket.amount_fen if tier.off_max_fen is None else tier.off_max_fen
                off = min(half_up(basket.amount_fen, tier.off_bp), most)
            if tier.price_fen is not None:
                off, picked = 0, []
                for number in range(times):
                    some = pieces[number * tier.threshold : (number + 1) * tier.threshold]
                    if sum(cost for cost, _ in some) > tier.price_fen:
                        off += sum(cost for cost, _ in some) - tier.price_fen
                        picked = picked + some
            freight = basket.freight_fen if tier.free_freight else 0
            if off + freight >= best[0]:
                best = (off + freight, shared(basket, picked, off), freight)
        return best[1], best[2]

    @RUNS
    @given(RULES["spend_and_save"], baskets())
    def test_it_saves_what_a_plain_reckoning_saves(self, rule, basket):
        offer = offered(rule, basket)

        shares, freight = self.reference(rule, basket)
        assert (nonzero(offer.shares), offer.freight_fen) == (nonzero(shares), freight)


class TestPieces:
    ANY_3_FOR_59 = SpendAndSave(
        tiers=(Tier(threshold=3, price_fen=5_900),), measure=Measure.PIECES, max_times=2
    )

    def priced(self, *fen: int) -> Basket:
        return basket_of(*(make_line(number, fen=each) for number, each in enumerate(fen, 1)))

    @pytest.mark.parametrize(
        ("pieces", "off"),
        [
            ((3_000, 2_500), 0),
            ((3_000, 2_500, 2_000), 1_600),
            ((1_000, 3_000, 2_500, 2_000), 1_600),
            ((3_000, 3_000, 3_000, 2_000, 2_000, 2_000), 3_100 + 100),
            ((3_000, 3_000, 3_000, 1_000, 1_000, 1_000), 3_100),
            ((1_000, 1_000, 1_000), 0),
        ],
    )
    def test_so_many_of_the_dearest_pieces_at_one_price(self, pieces, off):
        assert saved(self.ANY_3_FOR_59, self.priced(*pieces)) == off

    def test_the_price_falls_on_the_pieces_it_is_for(self):
        offer = offered(self.ANY_3_FOR_59, self.priced(1_000, 3_000, 2_500, 2_000))

        assert nonzero(offer.shares) == {2: 640, 3: 533, 4: 427}

    def test_of_several_prices_the_one_that_saves_most_counts(self):
        tiers = (Tier(threshold=2, price_fen=9_900), Tier(threshold=3, price_fen=12_900))
        rule = SpendAndSave(tiers=tiers, measure=Measure.PIECES)

        assert saved(rule, self.priced(8_000, 8_000, 8_000)) == 11_100
        assert saved(rule, self.priced(8_000, 8_000, 1_000)) == 6_100

    @pytest.mark.parametrize(
        ("tier", "off"),
        [
            (Tier(threshold=2, off_fen=300), 300),
            (Tier(threshold=2, off_bp=2_000), 600),
            (Tier(threshold=2, off_bp=2_000, off_max_fen=500), 500),
            (Tier(threshold=4, off_fen=300), 0),
        ],
    )
    def test_amounts_and_percentages_by_pieces(self, tier, off):
        rule = SpendAndSave(tiers=(tier,), measure=Measure.PIECES)

        assert saved(rule, self.priced(1_000, 1_000, 1_000)) == off

    @pytest.mark.parametrize(
        ("tier", "saved_fen"),
        [
            (Tier(threshold=3, off_fen=300), 300),
            (Tier(threshold=3, off_bp=1_000), 400),
            (Tier(threshold=3, price_fen=1_500), 2_500),
        ],
    )
    def test_missing_pieces_are_taken_to_cost_what_the_cheapest_does(self, tier, saved_fen):
        rule = SpendAndSave(tiers=(tier,), measure=Measure.PIECES)

        step = shortfall(rule, self.priced(2_000, 1_000))

        assert (step.measure, step.gap, step.saves_fen) == (Measure.PIECES, 1, saved_fen)

    def test_a_set_that_costs_just_the_price_is_left_alone(self):
        rule = SpendAndSave(
            tiers=(Tier(threshold=1, price_fen=1_000),), measure=Measure.PIECES, max_times=3
        )

        offer = offered(rule, self.priced(3_000, 1_000, 1_000))

        assert dict(offer.shares) == {1: 2_000}

    def test_it_happens_once_at_least(self):
        with pytest.raises(OutOfRange):
            SpendAndSave(tiers=(Tier(threshold=1, off_fen=1),), max_times=0)

    def test_a_price_may_come_with_free_freight(self):
        tier = Tier(threshold=3, price_fen=5_900, free_freight=True)
        rule = SpendAndSave(tiers=(tier,), measure=Measure.PIECES)
        lines = [make_line(number, fen=fen) for number, fen in enumerate((3_000, 2_500, 2_000), 1)]

        offer = offered(rule, basket_of(*lines, freight_fen=800))

        assert (offer.goods_fen, offer.freight_fen, offer.saves_fen) == (1_600, 800, 2_400)

    def test_a_next_step_that_brings_no_more_is_not_told(self):
        offer = offered(self.ANY_3_FOR_59, self.priced(4_000, 4_000, 1_000))

        assert (offer.saves_fen, offer.next_step) == (3_100, None)


class TestPromisedRate:
    """What lets the search stop early: see `Offer.rate_bp`."""

    RISING = (Tier(threshold=1, off_bp=1_000), Tier(threshold=2, off_bp=2_000))

    @pytest.mark.parametrize(
        ("tiers", "base", "rate"),
        [
            (RISING, Base.RUNNING, 2_000),
            (RISING, Base.INITIAL, None),
            ((*RISING, Tier(threshold=3, off_bp=3_000)), Base.RUNNING, 2_000),
            ((Tier(threshold=1, off_fen=1), *RISING[1:]), Base.RUNNING, None),
            ((Tier(threshold=1, price_fen=1), *RISING[1:]), Base.RUNNING, None),
            ((Tier(threshold=1, free_freight=True),), Base.RUNNING, 0),
        ],
    )
    def test_only_percentages_of_what_is_left_promise_one(self, tiers, base, rate):
        rule = SpendAndSave(tiers=tiers, measure=Measure.PIECES)

        assert offered(rule, basket_of(make_line(quantity=2), base=base)).rate_bp == rate


class TestFreeFreight:
    FROM_99 = SpendAndSave(tiers=(Tier(threshold=9_900, free_freight=True),))

    @pytest.mark.parametrize(("fen", "freight"), [(9_899, 0), (9_900, 1_200)])
    def test_from_so_much_on_freight_is_free(self, fen, freight):
        offer = offered(self.FROM_99, basket_of(make_line(fen=fen), freight_fen=1_200))

        assert (offer.freight_fen, offer.saves_fen) == (freight, freight)

    def test_it_may_come_with_a_benefit(self):
        tier = Tier(threshold=9_900, off_fen=500, free_freight=True)
        offer = offered(
            SpendAndSave(tiers=(tier,)), basket_of(make_line(fen=9_900), freight_fen=1_200)
        )

        assert (dict(offer.shares), offer.freight_fen) == ({1: 500}, 1_200)

    def test_the_nudge_counts_the_freight(self):
        step = shortfall(self.FROM_99, basket_of(make_line(fen=9_800), freight_fen=1_200))

        assert (step.gap, step.saves_fen) == (100, 1_200)

    def test_a_higher_tier_may_add_it(self):
        tiers = (
            Tier(threshold=100, off_fen=10),
            Tier(threshold=200, off_fen=10, free_freight=True),
        )

        assert SpendAndSave(tiers=tiers).tiers == tiers
