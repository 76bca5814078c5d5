"""Rates against real rows: which counts, what is refused, and what accruals make of them."""

from datetime import timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from distribution import commissions, queries
from distribution.commissions import PaidLine, rates
from distribution.commissions.earning import Rate, Target
from distribution.commissions.models import Commission
from distribution.commissions.policy import Pay
from distribution.commissions.rates import UnknownGrade, UnknownRate
from distribution.commissions.rules import BadRules
from distribution.commissions.states import BaseKind, Scope
from distribution.team.states import BindingMode
from tests.builders.distribution import (
    NOON,
    bind,
    give_grade,
    make_binding_rules,
    make_grade,
    make_rate,
    make_rules,
    mature,
    pay,
    refund,
)

BUYER, NEAR, FAR = 1, 2, 3
PATH = (4, 5, 6)
SKU = Target(Scope.SKU, 1)


def earned(session):
    columns = (Commission.beneficiary_id, Commission.amount_fen, Commission.rule, Commission.reason)
    return [tuple(row) for row in session.execute(select(*columns).order_by(Commission.id))]


class TestSetting:
    def test_the_latest_counts_until_it_is_withdrawn(self, session):
        make_rate(session, level1_bp=100)
        second = make_rate(session, level1_bp=200, level2_bp=50)
        other = make_rate(session, "spu", 1, level1_bp=300)

        assert [each.rate.id for each in rates.in_force(session)] == [other, second]

        rates.withdraw(session, second, changed_by="staff:2", now=NOON)

        assert [each.rate.id for each in rates.in_force(session)] == [other]
        history = rates.history(session, SKU, grade_id=None)
        assert [each.rate.is_withdrawn for each in history] == [True, False, False]
        assert history[0].changed_by == "staff:2"

    def test_rates_of_grades_stand_beside_the_one_for_everybody(self, session):
        gold, silver = make_grade(session), make_grade(session, rank=2)
        everybody = make_rate(session, level1_bp=100)
        golden = make_rate(session, grade_id=gold, level1_bp=200)
        make_rate(session, grade_id=silver, level1_bp=300)

        found = rates.find(session, [SKU, SKU], grade_ids=[gold, None])

        assert {rate.id for rate in found} == {everybody, golden}
        assert [each.rate.id for each in rates.in_force(session, grade_id=gold)] == [golden]

    def test_the_list_pages_and_asks_for_scope_and_target(self, session):
        ids = [make_rate(session, "sku", number, level1_bp=1) for number in (1, 2, 3)]
        make_rate(session, "category", 2, level1_bp=1)

        first = rates.in_force(session, scope=Scope.SKU, limit=2)
        rest = rates.in_force(session, scope=Scope.SKU, before=first[-1].rate.id)

        assert [each.rate.id for each in (*first, *rest)] == ids[::-1]
        (one,) = rates.in_force(session, scope=Scope.SKU, target_id=2)
        assert one.rate.id == ids[1]

    @pytest.mark.parametrize(
        "rate",
        [
            Rate(SKU, None),
            Rate(Target(Scope.SKU, 0), None, Pay(rate_bp=1)),
            Rate(Target(Scope.SKU, -1), None, Pay(rate_bp=1)),
            Rate(Target(Scope.SHOP, 1), 1, Pay(rate_bp=1)),
            Rate(Target(Scope.SHOP, 0), None, Pay(rate_bp=1)),
            Rate(Target(Scope.SPU, 1), None, Pay(piece_fen=1)),
            Rate(Target(Scope.CATEGORY, 1), None, level2=Pay(piece_fen=1)),
            Rate(SKU, None, Pay(rate_bp=1, piece_fen=1)),
            Rate(SKU, None, Pay()),
            Rate(SKU, None, Pay(rate_bp=-1)),
            Rate(SKU, None, Pay(piece_fen=-1)),
            Rate(SKU, None, Pay(piece_fen=rates.MOST_PIECE_FEN + 1)),
            Rate(SKU, None, Pay(rate_bp=5_001)),
            Rate(SKU, None, Pay(rate_bp=3_000), Pay(rate_bp=2_001)),
            Rate(SKU, None, is_off=True),
            Rate(Target(Scope.SPU, 1), 1, is_off=True),
        ],
    )
    def test_what_contradicts_itself_or_the_cap_is_refused(self, session, rate):
        with pytest.raises(BadRules):
            rates.set_rate(session, rate, changed_by="staff:1", now=NOON)

        assert rates.in_force(session) == []

    def test_the_grade_must_exist(self, session):
        with pytest.raises(UnknownGrade):
            make_rate(session, grade_id=99, level1_bp=1)

    def test_only_what_is_in_force_can_be_withdrawn(self, session):
        first = make_rate(session, level1_bp=100)
        second = make_rate(session, level1_bp=200)
        rates.withdraw(session, second, changed_by="staff:1", now=NOON)

        for rate_id in (first, second, second + 99):
            with pytest.raises(UnknownRate):
                rates.withdraw(session, rate_id, changed_by="staff:1", now=NOON)

    @pytest.mark.parametrize(
        "columns",
        [
            "scope = 'shop', target_id = 1",
            "scope = 'spu', level1_fen = 1, level1_bp = NULL",
            "level1_fen = 1",
            "level1_bp = -1",
            "level1_bp = 6000, level2_bp = 4001",
            "level2_fen = -1",
            "is_off = true",
        ],
    )
    def test_the_database_refuses_it_too(self, session, columns):
        make_rate(session, level1_bp=100)
        session.execute(text("SET LOCAL session_replication_role = replica"))

        with pytest.raises(IntegrityError):
            session.execute(text(f"UPDATE commission_rate SET {columns}"))


class TestAccrual:
    def test_grades_count_for_whoever_has_them_on_each_level(self, session, graded):
        make_rate(session, "spu", 7, grade_id=graded, level1_bp=2000, level2_bp=900)
        make_rate(session, "category", 5, level1_bp=100, level2_bp=300)

        pay(session, buyer_id=BUYER, category_path=PATH)

        assert earned(session) == [
            (NEAR, 2_000, "spu_grade", None),
            (FAR, 300, "category", None),
        ]

    def test_a_fixed_amount_is_for_each_piece_and_capped(self, session, graded):
        make_rate(session, level1_fen=700, level2_fen=700)

        pay(session, buyer_id=BUYER, paid_fen=(2_001,), quantity=1)
        pay(session, buyer_id=BUYER, order="order:2", paid_fen=(2_001,), quantity=3)

        assert [row[1] for row in earned(session)] == [700, 300, 1_000, 0]
        assert earned(session)[-1] == (FAR, 0, "sku", "capped")

    def test_a_claw_back_of_a_fixed_amount_is_exact_and_whole_in_the_end(self, session, graded):
        make_rate(session, level1_fen=333)
        pay(session, buyer_id=BUYER, paid_fen=(10_000,), quantity=2)
        mature(session)

        refund(session, total_fen=3_333)
        assert queries.summary(session, NEAR).available_fen == 666 - 666 * 3_333 // 10_000
        refund(session, total_fen=10_000, source="refund:2")
        assert queries.summary(session, NEAR).available_fen == 0

    def test_profit_is_the_base_where_the_rules_say_so_and_refunds_are_of_what_was_paid(
        self, session, graded
    ):
        make_rules(session, base_kind=BaseKind.PROFIT)
        pay(session, buyer_id=BUYER, paid_fen=(10_000,), cost_fen=6_001)

        assert [row[1] for row in earned(session)] == [399, 199]
        refund(session, total_fen=5_000)
        assert queries.summary(session, NEAR).frozen_fen == 399 - 199
        refund(session, total_fen=10_000, source="refund:2")
        assert queries.summary(session, NEAR).frozen_fen == 0

    def test_a_cost_nobody_knows_earns_nothing_and_says_so(self, session, graded):
        make_rules(session, base_kind=BaseKind.PROFIT)

        pay(session, buyer_id=BUYER)

        assert [row[3] for row in earned(session)] == ["no_cost", "no_cost"]

    def test_products_and_campaigns_that_are_off_earn_nothing_and_say_so(self, session, graded):
        pay(session, buyer_id=BUYER, is_commissioned=False)
        make_rate(session, "spu", 7, level1_bp=100, is_off=True)
        pay(session, buyer_id=BUYER, order="order:2")

        reasons = [row[3] for row in earned(session)]
        assert reasons == ["campaign_off", "campaign_off", "product_off", "product_off"]
        assert queries.summary(session, NEAR).earned_fen == 0

    def test_what_was_withdrawn_or_changed_later_does_not_matter(self, session, graded):
        rate_id = make_rate(session, level1_bp=2000)
        pay(session, buyer_id=BUYER)
        rates.withdraw(session, rate_id, changed_by="staff:1", now=NOON)
        give_grade(session, NEAR, None)
        pay(session, buyer_id=BUYER, order="order:2")

        (first, *_), (then, *_) = (queries.explain(session, f"order:{n}") for n in (1, 2))
        assert (first.rate_id, first.rate_bp, first.grade_id) == (rate_id, 2000, graded)
        assert (first.grade_name, first.rule) == ("金牌", "sku")
        assert (then.rate_id, then.rate_bp, then.grade_id) == (None, 1000, None)

    def test_many_lines_are_decided_by_one_query_and_one_statement(
        self, session, graded, statements
    ):
        for number in range(1, 6):
            make_rate(session, "sku", number, level1_bp=number * 100)
        lines = [PaidLine(f"order:1/{number}", number, 7, 10_000, PATH) for number in range(1, 9)]

        with statements() as seen:
            commissions.accrue(
                session, order_source="order:1", buyer_id=BUYER, lines=lines, now=NOON
            )

        assert len(seen) == 2
        amounts = [fen for member, fen, *_ in earned(session) if member == NEAR]
        assert amounts == [100, 200, 300, 400, 500, 1_000, 1_000, 1_000]

    def test_the_question_is_planned_once_and_not_for_every_payment(self, session, graded):
        for number in range(20):
            pay(session, buyer_id=BUYER, order=f"order:{number}")

        plans = session.execute(
            text(
                "SELECT sum(generic_plans) AS generic, max(custom_plans) AS custom"
                " FROM pg_prepared_statements"
                " WHERE statement LIKE '%self_account_id%'"
            )
        ).one()
        assert plans.generic > 0
        assert plans.custom <= 5

    def test_a_binding_whose_protection_is_over_brings_nobody_anything(self, session, graded):
        make_binding_rules(session, mode=BindingMode.PROTECTED, protect_days=15)
        bind(session, member_id=8, upline_id=NEAR)
        bind(session, member_id=FAR, upline_id=9)
        over = NOON + timedelta(days=15)

        pay(session, buyer_id=8, now=over - timedelta(seconds=1))
        pay(session, buyer_id=8, order="order:2", now=over)
        pay(session, buyer_id=NEAR, order="order:3", now=over)

        assert [row[0] for row in earned(session)] == [NEAR, FAR, FAR]
