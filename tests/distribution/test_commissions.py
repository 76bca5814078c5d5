"""Accrue, claw back, schedule, mature: each verb against real rows."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from distribution import commissions, ledger, queries, verify
from distribution.commissions import PaidLine, RefundedLine, RefundExceedsPayment, rules
from distribution.commissions.models import Commission
from distribution.ledger.models import Posting
from distribution.team import joining
from tests.builders.distribution import (
    NOON,
    bind,
    make_chain,
    make_distributor,
    make_rate,
    make_rules,
    mature,
    pay,
    refund,
    withdraw,
)

BUYER, NEAR, FAR, FARTHEST = 1, 2, 3, 4


@pytest.fixture
def two_levels(session):
    """The buyer's upline is NEAR, theirs is FAR, theirs is FARTHEST; 10 % and 5 %."""
    make_rules(session)
    make_chain(session, BUYER, NEAR, FAR, FARTHEST)
    session.commit()
    yield
    assert list(verify.verify(session)) == []


def balances(session, member_id):
    found = queries.summary(session, member_id)
    return found.frozen_fen, found.available_fen, found.receivable_fen


def rows(session):
    columns = (Commission.level, Commission.beneficiary_id, Commission.amount_fen, Commission.state)
    return [tuple(row) for row in session.execute(select(*columns).order_by(Commission.id))]


@pytest.mark.usefixtures("two_levels")
class TestAccrue:
    def test_pays_both_uplines_of_the_buyer_and_nobody_above_them(self, session):
        pay(session, buyer_id=BUYER, paid_fen=(10_000,))

        assert balances(session, NEAR) == (1_000, 0, 0)
        assert balances(session, FAR) == (500, 0, 0)
        assert balances(session, FARTHEST) == (0, 0, 0)

    def test_rounds_each_line_and_level_down_to_a_whole_fen(self, session):
        pay(session, buyer_id=BUYER, paid_fen=(199, 199))

        assert balances(session, NEAR)[0] == 19 + 19
        assert balances(session, FAR)[0] == 9 + 9

    def test_the_same_order_never_pays_twice(self, session):
        pay(session, buyer_id=BUYER)
        pay(session, buyer_id=BUYER)

        assert balances(session, NEAR) == (1_000, 0, 0)

    def test_the_same_order_with_other_lines_is_refused(self, session):
        pay(session, buyer_id=BUYER)

        with pytest.raises(ledger.KeyReused):
            pay(session, buyer_id=BUYER, paid_fen=(20_000,))

    def test_who_is_bound_after_the_payment_brings_nobody_anything(self, session):
        pay(session, buyer_id=99)
        bind(session, member_id=99, upline_id=NEAR)
        pay(session, buyer_id=99)

        assert rows(session) == []

    def test_one_level_is_paid_when_the_rules_say_one(self, session):
        make_rules(session, levels=1)

        pay(session, buyer_id=BUYER)

        assert [row[:3] for row in rows(session)] == [(1, NEAR, 1_000)]

    @pytest.mark.parametrize(
        ("stop", "reason"),
        [
            (lambda s: joining.freeze(s, member_id=NEAR, reason="刷单", now=NOON), "upline_frozen"),
            (lambda s: joining.leave(s, member_id=NEAR, now=NOON), "upline_left"),
        ],
    )
    def test_an_upline_who_is_not_active_earns_nothing_and_passes_nothing_up(
        self, session, stop, reason
    ):
        stop(session)

        pay(session, buyer_id=BUYER)

        assert rows(session) == [(1, NEAR, 0, "unearned"), (2, FAR, 500, "frozen")]
        assert session.scalar(select(Commission.reason).where(Commission.level == 1)) == reason
        assert balances(session, FARTHEST) == (0, 0, 0)

    def test_an_upline_who_left_and_applied_again_waits_and_earns_nothing(self, session):
        joining.leave(session, member_id=NEAR, now=NOON)
        joining.join(session, member_id=NEAR, now=NOON)

        pay(session, buyer_id=BUYER)

        assert session.scalar(select(Commission.reason).limit(1)) == "upline_pending"

    def test_a_sku_with_its_own_rates_pays_those(self, session):
        make_rate(session, level1_bp=2000, level2_bp=0)

        pay(session, buyer_id=BUYER)

        assert rows(session) == [(1, NEAR, 2_000, "frozen"), (2, FAR, 0, "unearned")]
        assert session.scalar(select(Commission.reason).where(Commission.level == 2)) == "no_rate"

    def test_a_share_below_one_fen_earns_nothing_with_the_reason(self, session):
        pay(session, buyer_id=BUYER, paid_fen=(9, 0))

        assert session.scalars(select(Commission.reason).distinct()).all() == ["too_small"]
        assert balances(session, NEAR) == (0, 0, 0)

    def test_the_cap_in_force_at_payment_limits_both_levels_together(self, session):
        make_rate(session, level1_bp=3000, level2_bp=2000)
        make_rules(session, cap_bp=4000)

        pay(session, buyer_id=BUYER)

        assert [row[2] for row in rows(session)] == [3_000, 1_000]

    def test_keeps_who_what_rate_which_rule_and_which_binding(self, session):
        pay(session, buyer_id=BUYER)

        row = session.execute(select(Commission.__table__).where(Commission.level == 1)).one()
        assert (row.buyer_id, row.base_fen, row.rate_bp, row.cap_bp) == (BUYER, 10_000, 1000, 5000)
        assert row.rules_version == rules.current(session).version
        assert row.mature_at is None


@pytest.mark.usefixtures("two_levels")
class TestClawBack:
    def test_takes_back_the_refunded_share_of_frozen_money(self, session):
        pay(session, buyer_id=BUYER)

        refund(session, total_fen=3_333)

        assert balances(session, NEAR) == (1_000 - 333, 0, 0)
        assert balances(session, FAR) == (500 - 166, 0, 0)

    def test_a_full_refund_takes_everything_and_it_never_matures(self, session):
        pay(session, buyer_id=BUYER)
        refund(session, total_fen=10_000)

        assert mature(session) == 0
        assert [row[3] for row in rows(session)] == ["clawed", "clawed"]
        assert balances(session, NEAR) == (0, 0, 0)

    def test_the_same_refund_never_takes_twice(self, session):
        pay(session, buyer_id=BUYER)
        refund(session, total_fen=5_000)
        refund(session, total_fen=5_000)

        assert balances(session, NEAR) == (500, 0, 0)

    def test_the_same_refund_with_other_figures_is_refused(self, session):
        pay(session, buyer_id=BUYER)
        refund(session, total_fen=5_000)

        with pytest.raises(ledger.KeyReused):
            refund(session, total_fen=6_000)

    def test_refunds_that_arrive_out_of_order_take_the_same(self, session):
        pay(session, buyer_id=BUYER)

        refund(session, total_fen=7_000, source="refund:2")
        refund(session, total_fen=3_000, source="refund:1")

        assert balances(session, NEAR) == (300, 0, 0)

    def test_after_maturing_it_takes_available_money(self, session):
        pay(session, buyer_id=BUYER)
        mature(session)

        refund(session, total_fen=4_000)

        assert balances(session, NEAR) == (0, 600, 0)

    def test_never_touches_the_frozen_money_of_other_lines(self, session):
        pay(session, buyer_id=BUYER, paid_fen=(10_000,))
        mature(session)
        pay(session, buyer_id=BUYER, order="order:2")

        refund(session, total_fen=10_000)

        assert balances(session, NEAR) == (1_000, 0, 0)

    def test_what_is_no_longer_available_becomes_a_debt_that_later_earnings_repay(self, session):
        pay(session, buyer_id=BUYER)
        mature(session)
        withdraw(session, member_id=NEAR, amount_fen=700)
        refund(session, total_fen=10_000)
        assert balances(session, NEAR) == (0, 0, 700)

        pay(session, buyer_id=BUYER, order="order:2", paid_fen=(5_000,))
        mature(session, order="order:2")
        assert balances(session, NEAR) == (0, 0, 200)

        pay(session, buyer_id=BUYER, order="order:3", paid_fen=(5_000,))
        mature(session, order="order:3")
        assert balances(session, NEAR) == (0, 300, 0)

    def test_an_order_that_earned_nobody_anything_needs_nothing(self, session):
        pay(session, buyer_id=99)

        refund(session, total_fen=10_000)

        assert session.scalars(select(Posting.kind)).all() == ["accrue"]

    @pytest.mark.parametrize("total_fen", [10_001, -1])
    def test_more_than_was_paid_or_less_than_nothing_is_refused(self, session, total_fen):
        pay(session, buyer_id=BUYER)
        session.commit()

        with pytest.raises(RefundExceedsPayment):
            refund(session, total_fen=total_fen)


@pytest.mark.usefixtures("two_levels")
class TestMature:
    def test_nothing_matures_before_the_goods_are_received(self, session):
        pay(session, buyer_id=BUYER)

        assert commissions.mature_due(session, now=NOON + timedelta(days=400)) == 0

    def test_nothing_matures_before_its_moment_and_everything_at_it(self, session):
        pay(session, buyer_id=BUYER)
        commissions.schedule_maturity(session, order_source="order:1", mature_at=NOON)

        assert commissions.mature_due(session, now=NOON - timedelta(seconds=1)) == 0
        assert commissions.mature_due(session, now=NOON) == 2
        assert balances(session, NEAR) == (0, 1_000, 0)

    def test_maturing_twice_releases_once(self, session):
        pay(session, buyer_id=BUYER)

        assert mature(session) == 2
        assert mature(session) == 0
        assert balances(session, NEAR) == (0, 1_000, 0)

    def test_the_first_receipt_sets_the_moment(self, session):
        pay(session, buyer_id=BUYER)

        later = NOON + timedelta(days=9)
        assert commissions.schedule_maturity(session, order_source="order:1", mature_at=NOON) == 2
        assert commissions.schedule_maturity(session, order_source="order:1", mature_at=later) == 0
        assert commissions.mature_due(session, now=NOON) == 2

    def test_a_partly_clawed_commission_matures_with_the_rest(self, session):
        pay(session, buyer_id=BUYER)
        refund(session, total_fen=4_000)
        mature(session)

        assert balances(session, NEAR) == (0, 600, 0)

    def test_goes_on_in_batches_until_none_is_left(self, session):
        pay(session, buyer_id=BUYER, paid_fen=(10_000,) * 5)
        commissions.schedule_maturity(session, order_source="order:1", mature_at=NOON)

        batches = [commissions.mature_due(session, now=NOON, limit=4) for _ in range(4)]

        assert batches == [4, 4, 2, 0]
        assert balances(session, NEAR) == (0, 5_000, 0)

    def test_what_was_earned_before_being_frozen_still_matures(self, session):
        pay(session, buyer_id=BUYER)
        joining.freeze(session, member_id=NEAR, reason="刷单", now=NOON)

        mature(session)

        assert balances(session, NEAR) == (0, 1_000, 0)


def test_a_refund_of_several_lines_is_one_posting(session):
    make_rules(session)
    make_distributor(session, member_id=NEAR)
    bind(session, member_id=BUYER, upline_id=NEAR)
    pay(session, buyer_id=BUYER, paid_fen=(10_000, 20_000))

    lines = [RefundedLine("order:1/1", 10_000), RefundedLine("order:1/2", 10_000)]
    commissions.claw_back(session, refund_source="refund:1", lines=lines, now=NOON)

    assert balances(session, NEAR) == (1_000, 0, 0)
    assert session.scalars(select(Posting.kind).order_by(Posting.id)).all() == [
        "accrue",
        "claw_back",
    ]


def test_two_lines_of_the_same_name_are_refused(session):
    lines = [PaidLine(line_source="order:1/1", sku_id=1, spu_id=1, paid_fen=1)] * 2

    with pytest.raises(ValueError, match="twice"):
        commissions.accrue(session, order_source="order:1", buyer_id=1, lines=lines, now=NOON)
