"""
What other malls get wrong about commission, binding and withdrawal, one named test for each bug.

The names are those of our survey of rivals: B5 to B17 of CRMEB, then its Java edition, yudao,
likeshop, lilishop, CoreShop, and what users of others complain about.
"""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from distribution import commissions, team, withdrawals
from distribution.commissions.models import Commission
from distribution.ledger.models import Posting
from distribution.team import joining
from distribution.withdrawals.models import Withdrawal
from tests.builders.distribution import (
    NOON,
    make_rules,
    mature,
    pay,
    refund,
    withdraw,
)
from tests.builders.withdrawals import ask, make_withdrawal_rules
from tests.distribution.rivals.conftest import (
    BUYER,
    FAR,
    FARTHEST,
    NEAR,
    YEARS_LATER,
    attempt,
    rebound,
    summary,
)
from tests.distribution.test_races import THREADS


class TestCrmeb:
    def test_b7_many_notifications_of_one_payment_pay_commission_once(self, session, at_once):
        at_once([lambda s: pay(s, buyer_id=BUYER)] * THREADS)

        assert [summary(session, each).earned_fen for each in (NEAR, FAR)] == [1_000, 500]

    def test_b8_what_a_claw_back_cannot_take_now_is_owed_and_not_forgotten(self, session):
        pay(session, buyer_id=BUYER)
        mature(session)
        withdrawals.pay_out(
            session, no=withdraw(session, member_id=NEAR, amount_fen=900), by="wechat", now=NOON
        )

        refund(session, total_fen=10_000)

        found = summary(session, NEAR)
        assert (found.available_fen, found.receivable_fen, found.clawed_fen) == (0, 900, 1_000)
        pay(session, buyer_id=BUYER, order="order:2")
        mature(session, order="order:2")
        found = summary(session, NEAR)
        assert (found.available_fen, found.receivable_fen) == (100, 0)

    def test_b9_a_partial_refund_lets_nothing_else_mature_early(self, session):
        pay(session, buyer_id=BUYER, paid_fen=(10_000, 20_000))

        refund(session, total_fen=4_000)

        assert commissions.mature_due(session, now=YEARS_LATER) == 0
        found = summary(session, NEAR)
        assert (found.frozen_fen, found.available_fen) == (2_600, 0)

    def test_b9_nor_does_an_after_sale_that_ends_move_the_day_of_maturing(self, session):
        pay(session, buyer_id=BUYER)
        commissions.schedule_maturity(session, order_source="order:1", mature_at=NOON)
        case = {"claim_source": "case:1", "now": NOON}
        commissions.claim(session, line_sources=["order:1/1"], **case)
        refund(session, total_fen=4_000)
        assert commissions.mature_due(session, now=YEARS_LATER) == 0

        commissions.settle_claim(session, **case)

        early = NOON - timedelta(seconds=1)
        assert commissions.mature_due(session, now=early) == 0
        assert commissions.mature_due(session, now=NOON) == 2
        assert summary(session, NEAR).available_fen == 600

    def test_b10_a_refund_of_a_part_takes_back_on_every_level(self, session):
        pay(session, buyer_id=BUYER, paid_fen=(10_000, 20_000))

        refund(session, seq=2, total_fen=20_000)

        assert [summary(session, each).clawed_fen for each in (NEAR, FAR)] == [2_000, 1_000]
        assert [summary(session, each).frozen_fen for each in (NEAR, FAR)] == [1_000, 500]

    def test_b11_a_refund_takes_back_from_whom_it_was_paid_whoever_is_above_now(self, session):
        pay(session, buyer_id=BUYER)
        rebound(session, BUYER, FARTHEST)

        refund(session, total_fen=10_000)

        assert summary(session, NEAR).clawed_fen == 1_000
        assert summary(session, FARTHEST).clawed_fen == 0

    def test_b12_two_withdrawals_at_once_do_not_both_pass(self, session, at_once):
        pay(session, buyer_id=BUYER)
        mature(session)
        session.commit()

        passed = at_once([attempt(lambda s: ask(s, amount_fen=1_000))] * THREADS)

        assert passed.count(True) == 1
        session.rollback()
        found = summary(session, NEAR)
        assert (found.available_fen, found.withdrawing_fen) == (0, 1_000)

    def test_b12_approving_and_refusing_at_once_do_one_of_both(self, session, at_once):
        make_withdrawal_rules(session, review_over_fen=0)
        pay(session, buyer_id=BUYER)
        mature(session)
        number = ask(session, amount_fen=1_000).no
        session.commit()
        who = {"no": number, "by": "staff:1", "now": NOON}

        passed = at_once(
            [attempt(lambda s: withdrawals.approve(s, **who))] * 8
            + [attempt(lambda s: withdrawals.reject(s, **who, reason="资料不符"))] * 8
        )

        assert passed.count(True) == 1
        session.rollback()
        found = summary(session, NEAR)
        assert found.available_fen + found.withdrawing_fen == 1_000

    def test_b13_goods_received_by_hand_and_by_clock_at_once_are_credited_once(
        self,
        session,
        at_once,
    ):
        pay(session, buyer_id=BUYER)
        session.commit()

        at_once([mature] * THREADS)

        session.rollback()
        assert [summary(session, each).available_fen for each in (NEAR, FAR)] == [1_000, 500]

    def test_b17_there_is_no_circle_of_three_or_more(self, session):
        code = joining.get(session, NEAR).invite_code

        with pytest.raises(team.BindingCycle):
            team.bind(session, member_id=FARTHEST, invite_code=code, origin="code", now=NOON)
        session.rollback()


class TestCrmebJava:
    def test_a_withdrawal_that_is_refused_leaves_no_row_behind(self, session):
        pay(session, buyer_id=BUYER)
        mature(session)
        session.commit()

        assert attempt(lambda s: ask(s, amount_fen=1_001))(session) is False

        assert session.scalar(select(func.count(Withdrawal.id))) == 0
        holds = select(func.count(Posting.id)).where(Posting.kind == "hold")
        assert session.scalar(holds) == 0
        assert summary(session, NEAR).available_fen == 1_000

    def test_a_rate_that_is_not_set_is_the_shops_and_never_everything(self, session):
        make_rules(session, levels=1, level1_bp=0, level2_bp=0)
        pay(session, buyer_id=BUYER)

        assert summary(session, NEAR).earned_fen == 0
        reasons = session.scalars(select(Commission.reason)).all()
        assert reasons == ["no_rate"]

    def test_balances_that_change_at_once_overwrite_each_other_never(self, session, at_once):
        pay(session, buyer_id=BUYER)
        mature(session)
        session.commit()
        works = [
            lambda s, n=number: pay(s, buyer_id=BUYER, order=f"order:{n}") for number in range(2, 8)
        ]

        at_once([*works, lambda s: refund(s, total_fen=5_000), lambda s: ask(s, amount_fen=300)])

        session.rollback()
        found = summary(session, NEAR)
        assert (found.frozen_fen, found.withdrawing_fen) == (6_000, 300)
        assert found.available_fen - found.receivable_fen == 1_000 - 500 - 300
