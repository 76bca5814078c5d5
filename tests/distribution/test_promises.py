"""Own purchases, what a sharer is promised, and what a merchant may try out."""

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from distribution import commissions, queries
from distribution.commissions import PaidLine, promises
from distribution.commissions.earning import Rate, Target
from distribution.commissions.models import Commission
from distribution.commissions.policy import Pay
from distribution.commissions.rules import BadRules, CommissionRules
from distribution.commissions.states import Scope
from distribution.team import joining
from tests.builders.distribution import (
    NOON,
    bind,
    give_grade,
    make_distributor,
    make_rate,
    make_rules,
    pay,
)

BUYER, NEAR, FAR = 1, 2, 3
PATH = (4, 5, 6)
SKU = Target(Scope.SKU, 1)


def earned(session):
    columns = (Commission.beneficiary_id, Commission.amount_fen, Commission.rule, Commission.reason)
    return [tuple(row) for row in session.execute(select(*columns).order_by(Commission.id))]


class TestSelfPurchase:
    @pytest.fixture
    def own(self, session, graded):
        """The buyer is a distributor too, of the grade `gold`, and the shop pays them."""
        make_rules(session, pays_self_purchase=True)
        make_distributor(session, member_id=BUYER)
        give_grade(session, BUYER, graded)

    def test_the_buyer_is_level_1_and_their_upline_level_2(self, session, own, graded):
        make_rate(session, grade_id=graded, level1_bp=1500)

        pay(session, buyer_id=BUYER)

        assert earned(session) == [(BUYER, 1_500, "sku_grade", None), (NEAR, 500, "shop", None)]
        (first, second) = queries.explain(session, "order:1")
        assert (first.is_self_purchase, first.bound_at) == (True, None)
        assert (second.is_self_purchase, second.bound_at) == (False, NOON)

    def test_a_buyer_whom_nobody_brought_earns_too(self, session, own):
        make_distributor(session, member_id=9)

        pay(session, buyer_id=9)

        assert earned(session) == [(9, 1_000, "shop", None)]

    def test_on_one_level_only_the_buyer_earns(self, session, own):
        make_rules(session, levels=1, pays_self_purchase=True)

        pay(session, buyer_id=BUYER)

        assert [row[0] for row in earned(session)] == [BUYER]

    def test_a_buyer_who_is_frozen_or_no_distributor_is_a_buyer_like_others(self, session, own):
        joining.freeze(session, member_id=BUYER, reason="刷单", now=NOON)
        bind(session, member_id=8, upline_id=NEAR)

        pay(session, buyer_id=BUYER)
        pay(session, buyer_id=8, order="order:2")

        assert [row[0] for row in earned(session)] == [NEAR, FAR, NEAR, FAR]

    def test_without_the_setting_nobody_earns_on_their_own_order(self, session, own):
        make_rules(session)
        make_distributor(session, member_id=9)

        pay(session, buyer_id=9)
        pay(session, buyer_id=BUYER, order="order:2")

        assert [row[0] for row in earned(session)] == [NEAR, FAR]

    @pytest.mark.parametrize(
        "change",
        [
            "beneficiary_id = buyer_id",
            "is_self_purchase = true",
            "is_self_purchase = true, beneficiary_id = buyer_id, binding_log_id = NULL, level = 2",
            "binding_log_id = NULL",
            "level = 3",
            "level = 0",
        ],
    )
    def test_the_database_pays_buyers_only_on_level_1_and_says_so(self, session, graded, change):
        make_rules(session, levels=1)
        pay(session, buyer_id=BUYER)
        session.commit()

        with pytest.raises(IntegrityError):
            session.execute(text(f"UPDATE commission SET {change}"))
        session.rollback()


class TestPromises:
    LINES = (
        PaidLine("1", 1, 7, 19_900, PATH),
        PaidLine("2", 2, 7, 9_900, PATH, cost_fen=9_000),
        PaidLine("3", 3, 8, 100),
    )

    def test_a_distributor_is_promised_what_an_order_would_bring(self, session, graded, statements):
        make_rate(session, "sku", 1, grade_id=graded, level1_fen=1_234)
        make_rate(session, "spu", 8, is_off=True)

        with statements() as seen:
            found = promises.promise(session, self.LINES, member_id=NEAR, now=NOON)

        assert found == {"1": 1_234, "2": 990, "3": 0}
        assert len(seen) == 1

    def test_who_is_no_active_distributor_is_promised_nothing(self, session, graded):
        joining.freeze(session, member_id=FAR, reason="刷单", now=NOON)
        bind(session, member_id=8, upline_id=NEAR)

        for member_id in (FAR, 8, 99):
            assert promises.promise(session, self.LINES, member_id=member_id, now=NOON) == {}

    def test_what_is_promised_is_what_a_sale_then_brings(self, session, graded):
        make_rate(session, "category", 5, level1_bp=777)
        promised = promises.promise(session, self.LINES, member_id=NEAR, now=NOON)

        commissions.accrue(
            session, order_source="order:1", buyer_id=BUYER, lines=self.LINES, now=NOON
        )

        paid = [fen for member, fen, *_ in earned(session) if member == NEAR]
        assert paid == list(promised.values())

    def test_a_preview_takes_rules_and_rates_that_are_not_stored(self, session, graded):
        make_rate(session, level1_bp=100, level2_bp=100)
        trial = promises.Trial(
            rules=CommissionRules(levels=2, level1_bp=0, level2_bp=600),
            rates=[Rate(SKU, None, level1=Pay(piece_fen=50))],
            level1_grade_id=graded,
        )

        found = promises.preview(session, [PaidLine("1", 1, 7, 10_000, quantity=2)], trial)

        assert [(each.level, each.amount_fen) for each in found.earned] == [(1, 100), (2, 600)]
        assert earned(session) == []

    def test_a_preview_without_a_trial_is_of_what_is_in_force(self, session, graded):
        make_rate(session, grade_id=graded, level1_bp=1200)
        trial = promises.Trial(level1_grade_id=graded)

        found = promises.preview(session, [PaidLine("1", 1, 7, 10_000)], trial)

        assert [each.amount_fen for each in found.earned] == [1_200, 500]

    def test_what_could_not_be_set_cannot_be_tried(self, session):
        line = PaidLine("1", 1, 7, 10_000)
        for trial in (
            promises.Trial(rules=CommissionRules(levels=3)),
            promises.Trial(rates=[Rate(SKU, None, Pay(rate_bp=5_001))]),
        ):
            with pytest.raises(BadRules):
                promises.preview(session, [line], trial)
