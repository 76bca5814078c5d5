"""满减 and 满折: tiers, every X, what is missing, and set-ups that are refused."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promotions.pricing import (
    BadTerms,
    Base,
    Code,
    Measure,
    Problem,
    Scope,
    SpendAndSave,
    Targets,
    Tier,
)
from promotions.pricing.money import NotWhole, OutOfRange
from tests.builders.promotions import (
    make_cart,
    make_line,
    make_promotion,
    quote_of,
    spend_and_save,
)
from tests.promotions.pricing.strategies import RUNS

TWO_TIERS = spend_and_save((10_000, 1_000), (20_000, 3_000))
PERCENT = SpendAndSave(tiers=(Tier(threshold=100, off_bp=1_500),))


def saved(rule: SpendAndSave, fen: int) -> int:
    return quote_of(make_cart(make_line(fen=fen)), make_promotion(rule=rule)).discount_fen


@pytest.mark.parametrize(
    ("fen", "off"), [(0, 0), (9_999, 0), (10_000, 1_000), (19_999, 1_000), (20_000, 3_000)]
)
def test_only_the_highest_tier_reached_counts(fen, off):
    assert saved(TWO_TIERS, fen) == off


@pytest.mark.parametrize(
    ("fen", "off"), [(9_999, 0), (10_000, 1_000), (25_000, 2_000), (30_000, 3_000), (99_999, 3_000)]
)
def test_every_hundred_saves_ten_up_to_its_cap(fen, off):
    assert saved(spend_and_save((10_000, 1_000), max_times=3), fen) == off


def test_a_percentage_is_taken_once_of_the_whole_and_then_shared():
    # 10% of each of 2 × 0.52 yuan rounds to 5 + 5 fen; 10% of 1.04 yuan is 10 as well, but
    # 10% of 3 × 0.05 yuan is 2 fen (half up), where rounding each line gives 3.
    rule = SpendAndSave(tiers=(Tier(threshold=1, off_bp=1_000),))
    cart = make_cart(*(make_line(number, fen=5) for number in (1, 2, 3)))

    quote = quote_of(cart, make_promotion(rule=rule))

    assert quote.discount_fen == 2
    assert [line.discount_fen for line in quote.lines] == [1, 1, 0]


@RUNS
@given(st.lists(st.integers(1, 500), min_size=1, max_size=8), st.integers(1, 50))
def test_splitting_a_line_into_single_units_changes_no_total(prices, quantity):
    # P10, for a rule that does not look at quantities.
    rule = spend_and_save((300, 100), (900, 350))
    together = [make_line(i, fen=fen, quantity=quantity) for i, fen in enumerate(prices)]
    apart = [
        make_line(i * 100 + unit, sku_id=i, fen=fen)
        for i, fen in enumerate(prices)
        for unit in range(quantity)
    ]

    whole_quote = quote_of(make_cart(*together), make_promotion(rule=rule))
    split_quote = quote_of(make_cart(*apart), make_promotion(rule=rule))

    assert whole_quote.payable_fen == split_quote.payable_fen


@RUNS
@given(
    st.lists(st.tuples(st.integers(1, 400), st.integers(1, 50)), min_size=1, max_size=4),
    st.integers(0, 2_000),
)
def test_payable_rises_fen_for_fen_and_drops_by_the_step_at_a_threshold(raises, fen):
    # P9: tiers that rise in threshold and saving, however they are drawn.
    tiers = _rising(raises)
    rule = SpendAndSave(tiers=tiers)
    steps = {tier.threshold: tier.off_fen for tier in tiers}
    below = [off for at, off in steps.items() if at < fen + 1]
    step = steps.get(fen + 1, 0) - (max(below, default=0) if fen + 1 in steps else 0)

    assert (fen + 1 - saved(rule, fen + 1)) - (fen - saved(rule, fen)) == 1 - step


def _rising(raises: Sequence[tuple[int, int]]) -> tuple[Tier, ...]:
    tiers, at, off = [], 0, 0
    for more, bonus in raises:
        at, off = at + max(more, bonus), off + bonus
        tiers.append(Tier(threshold=at, off_fen=off))
    return tuple(tiers)


class TestWhatIsMissing:
    def test_short_of_the_first_tier_the_gap_and_the_saving_are_told(self):
        (verdict,) = quote_of(make_cart(make_line(fen=8_000)), make_promotion(rule=TWO_TIERS)).trace

        assert verdict.code is Code.CONDITION_FAILED
        assert verdict.shortfall is not None
        assert verdict.shortfall.to_json() == {
            "measure": "amount_fen",
            "need": 10_000,
            "have": 8_000,
            "gap": 2_000,
            "saves_fen": 1_000,
        }

    @pytest.mark.parametrize(
        ("rule", "fen", "gap", "saves"),
        [
            (TWO_TIERS, 15_000, 5_000, 3_000),
            (spend_and_save((10_000, 1_000), max_times=3), 15_000, 5_000, 2_000),
            (spend_and_save((10_000, 1_000), max_times=3), 25_000, 5_000, 3_000),
            (SpendAndSave(tiers=(Tier(threshold=100, off_bp=1_000),)), 90, 10, 10),
        ],
    )
    def test_the_next_step_is_told_whether_one_is_reached_or_not(self, rule, fen, gap, saves):
        (verdict,) = quote_of(make_cart(make_line(fen=fen)), make_promotion(rule=rule)).trace

        assert verdict.shortfall is not None
        assert (verdict.shortfall.gap, verdict.shortfall.saves_fen) == (gap, saves)

    @pytest.mark.parametrize(
        ("rule", "fen"), [(TWO_TIERS, 20_000), (spend_and_save((100, 1), max_times=3), 300)]
    )
    def test_after_the_last_step_nothing_is_missing(self, rule, fen):
        (verdict,) = quote_of(make_cart(make_line(fen=fen)), make_promotion(rule=rule)).trace

        assert (verdict.code, verdict.shortfall) == (Code.APPLIED, None)

    def test_buying_what_is_missing_saves_what_was_promised(self):
        promotion = make_promotion(rule=TWO_TIERS)
        (verdict,) = quote_of(make_cart(make_line(fen=14_000)), promotion).trace
        assert verdict.shortfall is not None

        richer = quote_of(make_cart(make_line(fen=14_000 + verdict.shortfall.gap)), promotion)

        assert richer.discount_fen == verdict.shortfall.saves_fen


class TestScopeAndBase:
    def test_only_goods_in_scope_count_and_only_they_are_discounted(self):
        scope = Scope(
            include=Targets(sku_ids=frozenset({1, 2})), exclude=Targets(spu_ids=frozenset({2}))
        )
        cart = make_cart(make_line(1, fen=12_000), make_line(2, fen=5_000), make_line(3))

        quote = quote_of(cart, make_promotion(rule=TWO_TIERS, scope=scope))

        assert [line.discount_fen for line in quote.lines] == [1_000, 0, 0]

    @pytest.mark.parametrize(("base", "off"), [(Base.RUNNING, 0), (Base.INITIAL, 1_000)])
    def test_a_threshold_looks_at_list_prices_or_at_what_is_left(self, base, off):
        friends = {"tags": frozenset({"a"}), "agrees_with": frozenset({"a"})}
        first = make_promotion(1, spend_and_save((10_000, 500)), priority=9, **friends)
        second = make_promotion(2, spend_and_save((10_000, 1_000)), base=base, **friends)
        cart = make_cart(make_line(fen=10_400))

        # After the first, 99 yuan are left of 104: below the threshold of the second.
        quote = quote_of(cart, first, second)

        assert quote.discount_fen == (1_500 if off else 1_000)

    def test_a_cap_limits_what_one_order_saves(self):
        cart = make_cart(make_line(1, fen=3_000), make_line(2, fen=7_000))

        quote = quote_of(cart, make_promotion(rule=PERCENT, max_discount_fen=1_000))

        assert [line.discount_fen for line in quote.lines] == [300, 700]


class TestRefusedTerms:
    @pytest.mark.parametrize(
        ("fields", "problem"),
        [
            ({"off_fen": 1, "price_fen": 1}, Problem.AMBIGUOUS),
            ({"off_fen": 1, "off_max_fen": 1}, Problem.NEEDS_PERCENTAGE),
        ],
    )
    def test_a_tier_that_contradicts_itself(self, fields, problem):
        with pytest.raises(BadTerms) as refused:
            Tier(threshold=100, **fields)

        assert (refused.value.field, refused.value.problem) == ("tiers", problem)

    def test_one_price_for_an_amount(self):
        with pytest.raises(BadTerms) as refused:
            SpendAndSave(tiers=(Tier(threshold=100, price_fen=1),))

        assert refused.value.problem is Problem.NEEDS_PIECES

    def test_a_higher_tier_without_the_free_freight_of_the_lower(self):
        with pytest.raises(BadTerms) as refused:
            SpendAndSave(
                tiers=(Tier(threshold=100, free_freight=True), Tier(threshold=200, off_fen=50))
            )

        assert refused.value.problem is Problem.NOT_WORTH_IT

    @pytest.mark.parametrize(
        ("lower", "higher", "is_fine"),
        [
            ({"off_fen": 10}, {"off_fen": 10}, False),
            ({"off_fen": 200}, {"off_fen": 300}, True),
            ({"off_bp": 1_000}, {"off_bp": 1_000}, False),
            ({"off_bp": 1_000}, {"off_bp": 2_000}, True),
            ({"price_fen": 100}, {"price_fen": 150}, False),
            ({"price_fen": 100}, {"price_fen": 149}, True),
            ({"price_fen": 100}, {"off_fen": 1}, True),
            ({"off_fen": 100}, {"off_bp": 1}, True),
            ({"free_freight": True}, {"off_fen": 1, "free_freight": True}, True),
        ],
    )
    def test_by_pieces_only_tiers_of_one_sort_can_be_compared(self, lower, higher, is_fine):
        tiers = (Tier(threshold=2, **lower), Tier(threshold=3, **higher))
        if is_fine:
            assert SpendAndSave(tiers=tiers, measure=Measure.PIECES).tiers == tiers
        else:
            with pytest.raises(BadTerms):
                SpendAndSave(tiers=tiers, measure=Measure.PIECES)

    def test_every_x_with_free_freight(self):
        with pytest.raises(BadTerms) as refused:
            SpendAndSave(tiers=(Tier(threshold=100, off_fen=1, free_freight=True),), max_times=2)

        assert (refused.value.field, refused.value.problem) == ("max_times", Problem.NOT_TOGETHER)

    @pytest.mark.parametrize(
        ("steps", "problem"),
        [
            ([], Problem.EMPTY),
            ([(100, 10), (100, 20)], Problem.NOT_RISING),
            ([(200, 10), (100, 20)], Problem.NOT_RISING),
            ([(100, 10), (200, 10)], Problem.NOT_WORTH_IT),
            ([(100, 0)], Problem.AMBIGUOUS),
            ([(100, 101)], Problem.MORE_THAN_PAID),
        ],
    )
    def test_tiers_that_contradict_themselves(self, steps, problem):
        with pytest.raises(BadTerms) as refused:
            spend_and_save(*steps)

        assert (refused.value.field, refused.value.problem) == ("tiers", problem)

    def test_an_amount_and_a_percentage_at_once(self):
        with pytest.raises(BadTerms):
            Tier(threshold=100, off_fen=1, off_bp=1)

    def test_a_higher_tier_that_saves_less_than_the_percentage_below_it(self):
        with pytest.raises(BadTerms):
            SpendAndSave(
                tiers=(Tier(threshold=100, off_bp=5_000), Tier(threshold=200, off_fen=100))
            )

    @pytest.mark.parametrize(
        "tiers",
        [
            (Tier(threshold=100, off_fen=1), Tier(threshold=200, off_fen=2)),
            (Tier(threshold=100, off_bp=1),),
        ],
    )
    def test_every_x_with_several_tiers_or_a_percentage(self, tiers):
        with pytest.raises(BadTerms) as refused:
            SpendAndSave(tiers=tiers, max_times=2)

        assert refused.value.problem is Problem.NOT_TOGETHER

    @pytest.mark.parametrize(
        "fields",
        [
            {"threshold": 0},
            {"threshold": -100},
            {"off_fen": -1},
            {"off_bp": 10_001},
            {"off_max_fen": 0},
            {"price_fen": -1},
        ],
    )
    def test_numbers_out_of_range(self, fields):
        with pytest.raises(OutOfRange):
            Tier(**{"threshold": 100, **fields})

    def test_numbers_that_are_not_whole(self):
        with pytest.raises(NotWhole):
            SpendAndSave(tiers=(Tier(threshold=100, off_fen=1),), max_times=True)


def test_terms_are_read_as_they_are_written():
    for rule in (TWO_TIERS, PERCENT, spend_and_save((100, 1), max_times=7)):
        assert SpendAndSave.parse(rule.to_json()) == rule


def test_terms_stored_before_thresholds_could_be_pieces_are_still_read():
    assert SpendAndSave.parse({"tiers": [{"threshold_fen": 100, "off_bp": 1_500}]}) == PERCENT
