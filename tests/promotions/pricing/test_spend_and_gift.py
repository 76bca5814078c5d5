"""满赠: gifts, points and coupons from so much on."""

from dataclasses import replace

import pytest
from hypothesis import given

from promotions.pricing import BadTerms, Gift, Lane, Measure, Problem, Shortfall
from promotions.pricing.kinds import GiftTier, SpendAndGift
from promotions.pricing.money import OutOfRange
from tests.builders.promotions import make_line
from tests.promotions.pricing.baskets import basket_of, baskets, offered, shortfall
from tests.promotions.pricing.strategies import RUNS
from tests.promotions.pricing.terms import RULES

CUP = Gift(sku_id=1, quantity=1, value_fen=2_000)
BAG = Gift(sku_id=2, quantity=2, value_fen=500)
PEN = Gift(sku_id=3, quantity=1, value_fen=500)
RULE = SpendAndGift(
    tiers=(
        GiftTier(threshold=19_900, gifts=(CUP,)),
        GiftTier(threshold=39_900, gifts=(CUP,), points=100),
    )
)
ONE_OF_THREE = SpendAndGift(tiers=(GiftTier(threshold=100, gifts=(CUP, BAG, PEN), choose=1),))


def gifts(rule, **more):
    return offered(rule, basket_of(make_line(fen=100), **more)).gifts


def wanted_of(tier, basket):
    """All of the gifts, or those the buyer gets to choose."""
    if tier.choose is None:
        return tier.gifts
    there = [gift for gift in tier.gifts if basket.gifts_left.get(gift.sku_id, 1)]
    liked = [gift for gift in there if gift.sku_id in basket.gift_choice]
    rest = [gift for gift in there if gift.sku_id not in basket.gift_choice]
    return (*liked, *rest)[: tier.choose]


def reference(rule, basket):
    """What each tier reached would bring, the best of them last."""
    have = basket.amount_fen
    if rule.measure is Measure.PIECES:
        have = sum(line.quantity for line in basket.lines)
    outcomes = [(0, 0, 0, -1, ([], 0, []))]
    for number, tier in enumerate(rule.tiers):
        if have < tier.threshold:
            continue
        times = min(have // tier.threshold, rule.max_times)
        given = []
        for gift in wanted_of(tier, basket):
            count = gift.quantity * times
            if gift.sku_id in basket.gifts_left:
                count = min(count, basket.gifts_left[gift.sku_id])
            if count:
                given.append(Gift(sku_id=gift.sku_id, quantity=count, value_fen=gift.value_fen))
        if tier.gifts and not given:
            continue
        coupons = [(promotion_id, count * times) for promotion_id, count in tier.coupons]
        worth = sum(gift.value_fen * gift.quantity for gift in given)
        things = sum(gift.quantity for gift in given) + sum(count for _, count in coupons)
        brought = (given, tier.points * times, coupons)
        outcomes.append((worth, tier.points * times, things, number, brought))
    return max(outcomes, key=lambda outcome: outcome[:4])[-1]


@RUNS
@given(RULES["spend_and_gift"], baskets())
def test_it_gives_what_a_plain_reckoning_gives(rule, basket):
    offer = offered(rule, basket)

    assert (list(offer.gifts), offer.points, list(offer.coupons)) == reference(rule, basket)
    assert offer.saves_fen == 0


@pytest.mark.parametrize(
    ("fen", "cups", "points"),
    [(19_899, 0, 0), (19_900, 1, 0), (39_899, 1, 0), (39_900, 1, 100), (99_999, 1, 100)],
)
def test_only_the_highest_tier_reached_counts(fen, cups, points):
    offer = offered(RULE, basket_of(make_line(fen=fen)))

    assert (sum(gift.quantity for gift in offer.gifts), offer.points) == (cups, points)


def test_pieces_may_be_what_is_counted():
    rule = SpendAndGift(tiers=(GiftTier(threshold=3, gifts=(CUP,)),), measure=Measure.PIECES)

    assert offered(rule, basket_of(make_line(quantity=3))).gifts == (CUP,)
    assert rule.offer(basket_of(make_line(quantity=2))) == Shortfall(
        measure=Measure.PIECES, need=3, have=2, saves_fen=0
    )


def test_every_so_much_gives_again_up_to_its_limit():
    tier = GiftTier(threshold=100, gifts=(BAG,), points=10, coupons=((7, 1),))
    rule = SpendAndGift(tiers=(tier,), max_times=3)

    offer = offered(rule, basket_of(make_line(fen=299)))
    last = offered(rule, basket_of(make_line(fen=999)))

    assert (offer.gifts[0].quantity, offer.points, offer.coupons) == (4, 20, ((7, 2),))
    assert (last.gifts[0].quantity, last.points, last.coupons) == (6, 30, ((7, 3),))


class TestGiftStock:
    def test_without_a_choice_what_has_run_out_is_missing(self):
        rule = SpendAndGift(tiers=(GiftTier(threshold=100, gifts=(CUP, BAG)),))

        assert gifts(rule, gifts_left={1: 0}) == (BAG,)
        assert gifts(rule, gifts_left={2: 1}) == (CUP, replace(BAG, quantity=1))

    def test_with_a_choice_what_has_run_out_is_passed_over(self):
        assert gifts(ONE_OF_THREE, gifts_left={1: 0}) == (BAG,)
        assert gifts(ONE_OF_THREE, gifts_left={1: 0, 2: 0, 3: 0}) == ()

    def test_once_all_gifts_are_gone_the_points_stay_too(self):
        rule = SpendAndGift(tiers=(GiftTier(threshold=100, gifts=(CUP,), points=10),))

        offer = offered(rule, basket_of(make_line(fen=100), gifts_left={1: 0}))

        assert not offer.has_effect

    def test_a_lower_tier_steps_in_for_one_whose_gifts_are_gone(self):
        tiers = (GiftTier(threshold=50, gifts=(PEN,)), GiftTier(threshold=100, gifts=(CUP,)))

        assert gifts(SpendAndGift(tiers=tiers)) == (CUP,)
        assert gifts(SpendAndGift(tiers=tiers), gifts_left={1: 0}) == (PEN,)


class TestChoice:
    def test_the_first_listed_come_unless_the_buyer_chooses(self):
        assert gifts(ONE_OF_THREE) == (CUP,)
        assert gifts(ONE_OF_THREE, gift_choice=(3,)) == (PEN,)

    def test_a_choice_of_something_else_counts_for_nothing(self):
        assert gifts(ONE_OF_THREE, gift_choice=(99,)) == (CUP,)

    def test_too_few_chosen_are_filled_up_and_too_many_cut(self):
        two = SpendAndGift(tiers=(replace(ONE_OF_THREE.tiers[0], choose=2),))

        assert gifts(two, gift_choice=(3,)) == (PEN, CUP)
        assert gifts(two, gift_choice=(1, 2, 3)) == (CUP, BAG)


class TestWhatIsMissing:
    @pytest.mark.parametrize(("fen", "gap"), [(15_000, 4_900), (19_900, 20_000)])
    def test_the_next_tier_is_told(self, fen, gap):
        step = shortfall(RULE, basket_of(make_line(fen=fen)))

        assert (step.gap, step.saves_fen) == (gap, 0)

    def test_or_the_next_repetition(self):
        rule = SpendAndGift(tiers=(GiftTier(threshold=100, points=10),), max_times=2)

        assert shortfall(rule, basket_of(make_line(fen=150))).gap == 50
        assert offered(rule, basket_of(make_line(fen=200))).next_step is None


class TestTerms:
    @pytest.mark.parametrize(
        ("tiers", "field", "problem"),
        [
            ([], "tiers", Problem.EMPTY),
            ([{"threshold": 1}], "tiers", Problem.EMPTY),
            ([{"threshold": 1, "gifts": (CUP, CUP)}], "tiers", Problem.DUPLICATE),
            ([{"threshold": 1, "coupons": ((7, 1), (7, 2))}], "tiers", Problem.DUPLICATE),
            ([{"threshold": 1, "gifts": (CUP, BAG), "choose": 2}], "tiers", Problem.NO_CHOICE),
            ([{"threshold": 1, "points": 1, "choose": 1}], "tiers", Problem.NO_CHOICE),
            ([{"threshold": 2, "points": n} for n in (1, 2)], "tiers", Problem.NOT_RISING),
            ([{"threshold": n, "points": 5} for n in (1, 2)], "tiers", Problem.NOT_WORTH_IT),
            ([{"threshold": n, "points": 9 - n} for n in (1, 2)], "tiers", Problem.NOT_WORTH_IT),
            (
                [{"threshold": 1, "gifts": (CUP,)}, {"threshold": 2, "gifts": (BAG,)}],
                "tiers",
                Problem.NOT_WORTH_IT,
            ),
        ],
    )
    def test_terms_that_contradict_themselves(self, tiers, field, problem):
        with pytest.raises(BadTerms) as refused:
            SpendAndGift(tiers=tuple(GiftTier(**tier) for tier in tiers))

        assert (refused.value.field, refused.value.problem) == (field, problem)

    def test_several_tiers_that_repeat(self):
        with pytest.raises(BadTerms) as refused:
            SpendAndGift(tiers=RULE.tiers, max_times=2)

        assert (refused.value.field, refused.value.problem) == ("max_times", Problem.NOT_TOGETHER)

    @pytest.mark.parametrize(
        "fields",
        [
            {"threshold": 0},
            {"points": -1},
            {"choose": 0},
            {"gifts": (replace(CUP, quantity=0), BAG)},
            {"gifts": (replace(CUP, value_fen=-1),)},
            {"coupons": ((7, 0),)},
        ],
    )
    def test_numbers_out_of_range(self, fields):
        with pytest.raises(OutOfRange):
            GiftTier(**{"threshold": 1, "gifts": (CUP, BAG), **fields})

    def test_it_is_about_its_scope(self):
        assert (RULE.lane, RULE.sku_ids) == (Lane.ORDER, None)
