"""
What yudao, likeshop, lilishop, CoreShop and others get wrong, one named test for each bug.
"""

import pytest
from sqlalchemy import func, select, text

from distribution import commissions, ledger, queries, team, withdrawals
from distribution.ledger import rollup
from distribution.ledger.models import Entry, Posting
from distribution.ledger.states import AccountKind
from distribution.team import joining
from tests.builders.distribution import (
    NOON,
    bind,
    make_distributor,
    mature,
    pay,
    refund,
    withdraw,
)
from tests.builders.withdrawals import ask
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


class TestYudao:
    def test_nothing_matures_before_the_goods_are_received(self, session):
        pay(session, buyer_id=BUYER)

        assert commissions.mature_due(session, now=YEARS_LATER) == 0
        assert summary(session, NEAR).available_fen == 0

    def test_no_way_of_taking_money_goes_below_zero(self, session):
        pay(session, buyer_id=BUYER)
        mature(session)
        refund(session, total_fen=10_000)

        for kind in ("available", "frozen", "withdrawing", "receivable"):
            lowest = text("SELECT min(balance_fen) FROM account WHERE kind = :kind")
            assert session.scalar(lowest, {"kind": kind}) >= 0
        session.commit()
        assert attempt(lambda s: ask(s, amount_fen=10))(session) is False

    def test_both_levels_are_those_of_the_payment_whoever_is_above_whom_later(self, session):
        pay(session, buyer_id=BUYER)
        rebound(session, NEAR, FARTHEST)

        mature(session)

        assert summary(session, FAR).available_fen == 500
        assert summary(session, FARTHEST).earned_fen == 0

    def test_a_refund_of_a_part_takes_a_part(self, session):
        pay(session, buyer_id=BUYER, paid_fen=(3_333,))

        refund(session, total_fen=1_111)

        assert summary(session, NEAR).frozen_fen == 333 - 111


class TestLikeshop:
    def test_an_after_sale_takes_its_share_and_not_the_whole_line(self, session):
        pay(session, buyer_id=BUYER)
        commissions.claim(session, claim_source="case:1", line_sources=["order:1/1"], now=NOON)
        refund(session, total_fen=2_500)
        commissions.settle_claim(session, claim_source="case:1", now=NOON)
        mature(session)

        assert summary(session, NEAR).available_fen == 750

    def test_a_refund_after_settlement_takes_back_too(self, session):
        pay(session, buyer_id=BUYER)
        mature(session)

        refund(session, total_fen=10_000)

        assert summary(session, NEAR).available_fen == 0

    def test_a_frozen_distributor_is_told_why_nothing_was_earned(self, session):
        joining.freeze(session, member_id=NEAR, reason="刷单", now=NOON)

        pay(session, buyer_id=BUYER)

        first, second = queries.explain(session, "order:1")
        assert (first.amount_fen, first.reason) == (0, "upline_frozen")
        assert (second.beneficiary_id, second.amount_fen) == (FAR, 500)

    def test_settlement_is_many_small_transactions_and_a_crash_keeps_those_before(self, session):
        pay(session, buyer_id=BUYER, paid_fen=(1_000,) * 6)
        commissions.schedule_maturity(session, order_source="order:1", mature_at=NOON)
        assert commissions.mature_due(session, now=NOON, limit=4) == 4
        session.commit()
        assert commissions.mature_due(session, now=NOON, limit=4) == 4
        session.rollback()

        assert commissions.mature_due(session, now=NOON) == 8
        assert [summary(session, each).available_fen for each in (NEAR, FAR)] == [600, 300]

    def test_no_request_of_a_distributor_marks_a_withdrawal_as_paid(self, the_app):
        own = (each.rule for each in the_app.url_map.iter_rules() if "/api/v1/" in each.rule)
        verbs = {rule.rpartition("/")[2] for rule in own if "/withdrawals" in rule}

        assert verbs <= {"withdrawals", "<withdrawal_no>", "cancel"}


class TestLilishop:
    def test_one_withdrawal_has_one_number_for_ever(self, session):
        pay(session, buyer_id=BUYER)
        mature(session)
        number = ask(session, amount_fen=400).no
        ended = withdrawals.pay_out(session, no=number, by="wechat", now=NOON)
        session.commit()

        assert ended.no == number
        for again in (withdrawals.pay_out, withdrawals.approve):
            with pytest.raises(withdrawals.IllegalMove):
                again(session, no=number, by="wechat", now=NOON)
            session.rollback()
        assert rollup.balances(session)[AccountKind.CASH] == 400

    def test_who_brought_whom_is_a_row_and_not_the_last_click(self, session):
        code = make_distributor(session, member_id=9).invite_code

        with pytest.raises(team.AlreadyBound):
            team.bind(session, member_id=BUYER, invite_code=code, origin="link", now=NOON)
        session.rollback()
        pay(session, buyer_id=BUYER)
        assert summary(session, NEAR).earned_fen == 1_000

    def test_what_was_ever_earned_is_counted_once(self, session):
        for number in range(3):
            pay(session, buyer_id=BUYER, order=f"order:{number}")
            pay(session, buyer_id=BUYER, order=f"order:{number}")

        assert summary(session, NEAR).earned_fen == 3_000

    @pytest.mark.parametrize("paid", [1, 9, 10, 19, 199, 1_999, 33_333])
    def test_money_is_whole_fen_and_parts_make_the_whole(self, session, paid):
        pay(session, buyer_id=BUYER, paid_fen=(paid,))
        for number, total in enumerate(range(1, paid, max(1, paid // 7)), 1):
            refund(session, total_fen=total, source=f"refund:{number}")
        refund(session, total_fen=paid, source="refund:last")

        for member in (NEAR, FAR):
            found = summary(session, member)
            assert (found.clawed_fen, found.frozen_fen) == (found.earned_fen, 0)


class TestCoreShop:
    def test_the_state_and_the_money_change_together_or_not_at_all(self, session):
        pay(session, buyer_id=BUYER)
        session.commit()
        mature(session)
        session.rollback()  # A crash between paying and marking.

        assert summary(session, NEAR).available_fen == 0
        assert mature(session) == 2
        assert mature(session) == 0
        assert summary(session, NEAR).available_fen == 1_000

    def test_an_order_refunded_after_settlement_is_clawed_back(self, session):
        pay(session, buyer_id=BUYER)
        mature(session)
        withdraw(session, member_id=NEAR, amount_fen=1_000)

        refund(session, total_fen=10_000)

        assert summary(session, NEAR).receivable_fen == 1_000

    def test_a_payment_told_again_after_settlement_settles_nothing_anew(self, session):
        pay(session, buyer_id=BUYER)
        mature(session)
        entries = session.scalar(select(func.count(Entry.id)))

        pay(session, buyer_id=BUYER)
        mature(session)

        assert session.scalar(select(func.count(Entry.id))) == entries
        assert summary(session, NEAR).available_fen == 1_000

    def test_who_earns_nothing_above_the_buyer_does_not_end_the_chain(self, session):
        joining.leave(session, member_id=NEAR, now=NOON)

        pay(session, buyer_id=BUYER)

        assert summary(session, FAR).earned_fen == 500
        assert summary(session, FARTHEST).earned_fen == 0


class TestOthers:
    def test_sspanel_a_rebate_notified_twice_is_one_rebate(self, session):
        pay(session, buyer_id=BUYER)
        with pytest.raises(ledger.KeyReused):
            pay(session, buyer_id=BUYER, paid_fen=(99_999,))
        session.rollback()

    @pytest.mark.parametrize("fen", [0, -1, -1_000])
    def test_sspanel_nothing_and_less_cannot_be_withdrawn(self, session, fen):
        assert attempt(lambda s: ask(s, amount_fen=fen))(session) is False

    def test_ssrpanel_more_earnings_than_a_page_are_withdrawn_as_one_sum(self, session):
        for number in range(100):
            pay(session, buyer_id=BUYER, order=f"order:{number}", paid_fen=(1_000,))
            commissions.schedule_maturity(session, order_source=f"order:{number}", mature_at=NOON)
        commissions.mature_due(session, now=NOON)

        ask(session, amount_fen=10_000)

        found = summary(session, NEAR)
        assert (found.available_fen, found.withdrawing_fen) == (0, 10_000)

    def test_opencart_and_dokan_a_balance_follows_every_refund(self, session):
        pay(session, buyer_id=BUYER)
        mature(session)
        left = []
        for number, total in enumerate((1, 5_000, 9_999, 10_000), 1):
            refund(session, total_fen=total, source=f"refund:{number}")
            left.append(summary(session, NEAR).available_fen)

        assert left == [1_000, 500, 1, 0]

    def test_multivendorx_refunds_told_in_any_order_end_the_same(self, session):
        pay(session, buyer_id=BUYER)
        for number, total in enumerate((9_000, 3_000, 6_000), 1):
            refund(session, total_fen=total, source=f"refund:{number}")

        assert summary(session, NEAR).frozen_fen == 100

    def test_nobody_recommends_themselves(self, session):
        code = joining.get(session, FARTHEST).invite_code

        with pytest.raises(team.SelfBinding):
            team.bind(session, member_id=FARTHEST, invite_code=code, origin="code", now=NOON)
        session.rollback()

    def test_nobody_earns_by_recruiting(self, session):
        for member in range(100, 120):
            bind(session, member_id=member, upline_id=NEAR)

        assert summary(session, NEAR).earned_fen == 0
        assert session.scalar(select(func.count(Posting.id))) == 0
