"""Who earns what of a line: named cases, and random rules against a plain reference."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distribution.commissions import earning
from distribution.commissions.earning import Earner, PaidLine, Rate, RateBook, Target
from distribution.commissions.policy import Pay
from distribution.commissions.rules import CommissionRules
from distribution.commissions.states import BaseKind, Scope
from distribution.team.states import DistributorStatus

ACTIVE, FROZEN = DistributorStatus.ACTIVE, DistributorStatus.FROZEN
SKU, SPU, CATEGORIES = 1, 7, (4, 5, 6)
GOLD, SILVER = 31, 32
TWO_LEVELS = CommissionRules(levels=2, level1_bp=1000, level2_bp=500)


def line(paid_fen=10_000, **more):
    return PaidLine("order:1/1", SKU, SPU, paid_fen, CATEGORIES, **more)


def people(*grades, status=ACTIVE):
    return [
        Earner(level, 100 + level, status, grade_id, binding_log_id=level)
        for level, grade_id in enumerate(grades, start=1)
    ]


def rate(scope, target_id, grade_id=None, level1=None, level2=None, **more):
    pays = [None if each is None else Pay(**each) for each in (level1, level2)]
    return Rate(Target(scope, target_id), grade_id, *pays, **more)


def bp(rate_bp):
    return {"rate_bp": rate_bp}


def piece(fen):
    return {"piece_fen": fen}


def earn(bought=None, *set_rates, earners=None, rules=TWO_LEVELS):
    found = earning.earned(
        bought or line(),
        people(GOLD, SILVER) if earners is None else earners,
        rules=rules,
        rates=RateBook(set_rates),
    )
    return [(each.amount_fen, each.rule.value, each.reason) for each in found]


class TestPriority:
    LADDER = (
        rate(Scope.SKU, SKU, GOLD, level1=piece(77)),
        rate(Scope.SKU, SKU, GOLD, level1=bp(100)),
        rate(Scope.SKU, SKU, None, level1=bp(200)),
        rate(Scope.SPU, SPU, GOLD, level1=bp(300)),
        rate(Scope.SPU, SPU, None, level1=bp(400)),
        rate(Scope.CATEGORY, 6, None, level1=bp(500)),
        rate(Scope.CATEGORY, 5, GOLD, level1=bp(600)),
        rate(Scope.CATEGORY, 4, None, level1=bp(700)),
        rate(Scope.SHOP, 0, GOLD, level1=bp(800)),
    )
    NAMES = (
        "sku_grade", "sku_grade", "sku", "spu_grade", "spu", "category", "category_grade",
        "category", "grade", "shop",
    )  # fmt: skip
    FEN = (77, 100, 200, 300, 400, 500, 600, 700, 800, 1000)

    @pytest.mark.parametrize("stronger", range(10))
    def test_the_nearest_rule_counts_and_the_shops_rules_when_there_is_none(self, stronger):
        ladder = self.LADDER[stronger:]
        # A fixed amount and a rate for the same goods and grade are one row: the last one counts.
        weaker_first = sorted(ladder, key=lambda each: each.level1.piece_fen is not None)

        (found, *_) = earn(None, *weaker_first)

        assert found == (self.FEN[stronger], self.NAMES[stronger], None)

    def test_each_level_follows_its_own_nearest_rule_and_the_grade_of_who_stands_there(self):
        found = earn(
            None,
            rate(Scope.SKU, SKU, GOLD, level1=bp(2000)),
            rate(Scope.SPU, SPU, SILVER, level2=bp(300)),
        )

        assert found == [(2_000, "sku_grade", None), (300, "spu_grade", None)]

    def test_a_rate_for_another_grade_concerns_nobody_else(self):
        found = earn(
            None,
            rate(Scope.SKU, SKU, GOLD, level1=bp(2000), level2=bp(2000)),
            earners=people(SILVER, None),
        )

        assert found == [(1_000, "shop", None), (500, "shop", None)]

    def test_a_rate_of_nothing_is_a_rate_and_hides_what_comes_after(self):
        (found, *_) = earn(
            None, rate(Scope.SKU, SKU, level1=bp(0)), rate(Scope.SPU, SPU, level1=bp(9))
        )

        assert found == (0, "sku", "no_rate")


class TestAmounts:
    def test_a_fixed_amount_is_for_each_piece(self):
        (found, *_) = earn(line(quantity=3), rate(Scope.SKU, SKU, level1=piece(250)))

        assert found == (750, "sku", None)

    def test_fixed_amounts_stop_at_the_cap_of_the_base_and_level_1_is_served_first(self):
        found = earn(
            line(1_001, quantity=10), rate(Scope.SKU, SKU, level1=piece(40), level2=piece(40))
        )

        assert found == [(400, "sku", None), (100, "sku", None)]

    def test_what_level_1_leaves_nothing_of_is_capped_with_the_reason(self):
        found = earn(line(1_000), rate(Scope.SKU, SKU, level1=piece(900), level2=bp(100)))

        assert found == [(500, "sku", None), (0, "sku", "capped")]

    def test_a_cap_of_everything_still_never_pays_more_than_was_paid(self):
        everything = CommissionRules(levels=2, level1_bp=1, level2_bp=1, cap_bp=10_000)

        found = earn(line(99), rate(Scope.SKU, SKU, level1=piece(10_000)), rules=everything)

        assert [fen for fen, *_ in found] == [99, 0]

    def test_a_lower_cap_than_when_the_rate_was_set_limits_it(self):
        lower = CommissionRules(levels=2, level1_bp=0, level2_bp=0, cap_bp=4_000)

        found = earn(None, rate(Scope.SKU, SKU, level1=bp(3000), level2=bp(2000)), rules=lower)

        assert [fen for fen, *_ in found] == [3_000, 1_000]

    @pytest.mark.parametrize(("paid_fen", "fen"), [(9, 0), (10, 1), (19, 1), (20, 2)])
    def test_a_share_is_rounded_down_to_a_whole_fen(self, paid_fen, fen):
        ((found, _, reason), *_) = earn(line(paid_fen))

        assert (found, reason) == (fen, None if fen else "too_small")

    def test_what_cost_nothing_earns_nothing_even_by_fixed_amounts(self):
        found = earn(line(0), rate(Scope.SKU, SKU, level1=piece(100)))

        assert found == [(0, "sku", "too_small"), (0, "shop", "too_small")]


class TestProfit:
    RULES = CommissionRules(levels=2, level1_bp=1000, level2_bp=500, base_kind=BaseKind.PROFIT)

    def test_the_share_is_of_what_is_left_of_the_payment_after_the_cost(self):
        found = earn(line(10_000, cost_fen=7_001), rules=self.RULES)

        assert [fen for fen, *_ in found] == [299, 149]

    def test_the_cap_is_of_the_profit_too(self):
        found = earn(
            line(10_000, cost_fen=9_000),
            rate(Scope.SKU, SKU, level1=piece(400), level2=piece(400)),
            rules=self.RULES,
        )

        assert [fen for fen, *_ in found] == [400, 100]

    @pytest.mark.parametrize("cost_fen", [10_000, 10_001])
    def test_without_profit_there_is_no_commission(self, cost_fen):
        (found, other) = earn(
            line(10_000, cost_fen=cost_fen),
            rate(Scope.SKU, SKU, level1=piece(400)),
            rules=self.RULES,
        )

        assert (found[2], other[2]) == ("no_profit", "no_profit")

    def test_goods_of_unknown_cost_earn_nothing_with_the_reason(self):
        (found, *_) = earn(
            line(cost_fen=None), rate(Scope.SKU, SKU, level1=piece(9)), rules=self.RULES
        )

        assert found == (0, "sku", "no_cost")

    def test_the_cost_does_not_matter_where_the_base_is_what_was_paid(self):
        (found, *_) = earn(line(cost_fen=9_999))

        assert found[0] == 1_000


class TestSwitches:
    OFF = rate(Scope.SPU, SPU, level1=bp(900), is_off=True)

    def test_a_product_that_is_off_pays_nobody_whatever_else_is_set(self):
        found = earn(None, self.OFF, rate(Scope.SKU, SKU, GOLD, level1=piece(100)))

        assert [(fen, reason) for fen, _, reason in found] == [(0, "product_off")] * 2

    def test_a_campaign_that_is_off_pays_nobody(self):
        found = earn(line(is_commissioned=False))

        assert [(fen, reason) for fen, _, reason in found] == [(0, "campaign_off")] * 2

    def test_another_product_that_is_off_does_not_matter(self):
        (found, *_) = earn(None, rate(Scope.SPU, SPU + 1, is_off=True))

        assert found[0] == 1_000

    @pytest.mark.parametrize(
        ("status", "reason"),
        [
            ("pending", "upline_pending"),
            ("frozen", "upline_frozen"),
            ("left", "upline_left"),
        ],
    )
    def test_only_who_is_active_earns_and_nobody_gets_what_others_lose(self, status, reason):
        barred, active = people(GOLD, SILVER)
        barred = Earner(1, 101, DistributorStatus(status), GOLD, 1)
        tight = CommissionRules(levels=2, level1_bp=300, level2_bp=200, cap_bp=500)

        found = earn(
            None,
            rate(Scope.SKU, SKU, level1=bp(500), level2=bp(500)),
            earners=[barred, active],
            rules=tight,
        )

        assert found == [(0, "sku", reason), (0, "sku", "capped")]

    def test_every_status_but_active_has_a_reason(self):
        for status in DistributorStatus:
            ((fen, _, reason),) = earn(None, earners=people(None, status=status))
            assert (fen > 0, reason is None) == (status == ACTIVE, status == ACTIVE)


FEN = st.one_of(st.integers(0, 300), st.integers(0, 10**9))
PAYS = st.one_of(
    st.none(),
    st.builds(Pay, rate_bp=st.integers(0, 10_000)),
)
FIXED = st.one_of(PAYS, st.builds(Pay, rate_bp=st.none(), piece_fen=FEN))
GRADES = st.sampled_from([None, GOLD, SILVER])
TARGETS = st.sampled_from(
    [Target(Scope.SKU, SKU), Target(Scope.SPU, SPU), Target(Scope.SHOP, 0), Target(Scope.SKU, 99)]
    + [Target(Scope.CATEGORY, each) for each in CATEGORIES]
)


@st.composite
def stored_rates(draw):
    target = draw(TARGETS)
    pays = FIXED if target.scope == Scope.SKU else PAYS
    return Rate(
        target,
        draw(GRADES),
        draw(pays),
        draw(pays),
        is_off=target.scope == Scope.SPU and draw(st.integers(0, 9)) == 0,
    )


def by_hand(bought, earners, rules, rows):
    """The rule as a merchant would apply it with a pencil: the last row of each key counts."""
    sheet = {(*row.target, row.grade_id): row for row in rows}
    off = sheet.get((Scope.SPU, SPU, None))
    base = bought.paid_fen
    if rules.base_kind == BaseKind.PROFIT:
        base = None if bought.cost_fen is None else max(bought.paid_fen - bought.cost_fen, 0)
    stopped = (off is not None and off.is_off) or not bought.is_commissioned or base is None
    left = Fraction(base or 0) * rules.cap_bp / 10_000 // 1
    amounts = []
    for earner in earners:
        said = looked_up(sheet, earner, (rules.level1_bp, rules.level2_bp))
        if said.piece_fen is not None:
            share = min(said.piece_fen * bought.quantity, left)
        else:
            share = min(Fraction(base or 0) * said.rate_bp / 10_000 // 1, left)
        left -= share
        amounts.append(0 if stopped or earner.status != ACTIVE else int(share))
    return amounts


def looked_up(sheet, earner, defaults):
    """The first word on the earner's level, going from the SKU out to the shop."""
    places = [(Scope.SKU, SKU), (Scope.SPU, SPU), (Scope.SHOP, 0)]
    places[2:2] = [(Scope.CATEGORY, each) for each in (6, 5, 4)]
    for place in places:
        for grade in (earner.grade_id, None):
            row = sheet.get((*place, grade))
            said = row and (row.level1, row.level2)[earner.level - 1]
            if said is not None:
                return said
    return Pay(rate_bp=defaults[earner.level - 1])


@given(
    rows=st.lists(stored_rates(), max_size=12),
    bought=st.builds(
        line,
        FEN,
        quantity=st.integers(1, 999),
        cost_fen=st.one_of(st.none(), FEN),
        is_commissioned=st.sampled_from([True, True, True, False]),
    ),
    grades=st.lists(GRADES, min_size=1, max_size=2),
    status=st.sampled_from([ACTIVE, ACTIVE, FROZEN]),
    level1_bp=st.integers(0, 5_000),
    level2_bp=st.integers(0, 5_000),
    cap_bp=st.integers(0, 10_000),
    base_kind=st.sampled_from(BaseKind),
)
def test_any_rules_and_rates_pay_what_the_reference_says(
    rows, bought, grades, status, level1_bp, level2_bp, cap_bp, base_kind
):
    rules = CommissionRules(
        levels=2, level1_bp=level1_bp, level2_bp=level2_bp, cap_bp=cap_bp, base_kind=base_kind
    )
    earners = [*people(*grades)]
    earners[-1] = Earner(len(grades), 109, status, grades[-1], 9)

    found = earning.earned(bought, earners, rules=rules, rates=RateBook(rows))

    assert [each.amount_fen for each in found] == by_hand(bought, earners, rules, rows)
    both_fen = sum(each.amount_fen for each in found)
    assert both_fen * 10_000 <= bought.paid_fen * cap_bp
    assert all((each.amount_fen == 0) == (each.reason is not None) for each in found)
