"""Withdrawals in the engine: held once, reviewed by different people, paid or returned once."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from distribution import queries, verify, withdrawals
from distribution.ledger.models import Posting
from distribution.team import joining
from distribution.withdrawals import queries as asked
from distribution.withdrawals import requesting
from distribution.withdrawals.models import Withdrawal
from distribution.withdrawals.states import Channel, Tax, WithdrawalState
from tests.builders.distribution import NOON, make_distributor, refund
from tests.builders.withdrawals import ask, earn, make_withdrawal_rules

BOSS, CLERK = "staff:1", "staff:2"


@pytest.fixture
def rich(session):
    """Distributor 2 has 10,000 fen; nobody reviews."""
    make_withdrawal_rules(session)
    order = earn(session, member_id=2, fen=10_000)
    session.commit()
    return order


def have(session, member_id=2):
    found = queries.summary(session, member_id)
    return found.available_fen, found.withdrawing_fen, found.receivable_fen


class TestAsking:
    def test_the_money_is_set_aside_and_the_withdrawal_is_on_its_way(self, session, rich):
        found = ask(session, amount_fen=4_000)

        assert (found.state, found.net_fen, found.reviews_needed) == ("paying", 4_000, 0)
        assert have(session) == (6_000, 4_000, 0)
        assert list(verify.verify(session)) == []

    @pytest.mark.parametrize(
        ("amount_fen", "needed"), [(1_000, 0), (1_001, 1), (5_000, 1), (5_001, 2)]
    )
    def test_the_amount_decides_how_many_people_must_agree(self, session, rich, amount_fen, needed):
        make_withdrawal_rules(session, review_over_fen=1_000, second_review_over_fen=5_000)

        found = ask(session, amount_fen=amount_fen)

        assert found.reviews_needed == needed
        assert found.state == ("reviewing" if needed else "paying")

    def test_fee_and_tax_are_fixed_when_it_is_asked_for(self, session):
        rules = make_withdrawal_rules(
            session, min_fen=200, fee_bp=60, fee_min_fen=100, tax=Tax.LABOUR
        )
        earn(session, member_id=2, fen=1_000_000)

        first = ask(session, amount_fen=100_000)
        second = ask(session, amount_fen=400_000)

        assert (first.fee_fen, first.tax_fen, first.net_fen) == (600, 4_000, 95_400)
        # 5,000 yuan in the month: 800 of tax in all.
        assert (second.fee_fen, second.tax_fen, second.net_fen) == (2_400, 76_000, 321_600)
        assert second.rules_version == rules.version

    def test_a_new_month_is_taxed_from_its_beginning(self, session):
        make_withdrawal_rules(session, tax=Tax.LABOUR)
        earn(session, member_id=2, fen=1_000_000)
        ask(session, amount_fen=400_000, now=datetime(2026, 11, 30, 15, 59, tzinfo=UTC))

        found = ask(session, amount_fen=100_000, now=datetime(2026, 11, 30, 16, tzinfo=UTC))

        assert found.tax_fen == 4_000

    @pytest.mark.parametrize(
        ("change", "amount_fen", "refusal", "figures"),
        [
            ({}, 10_001, requesting.NotEnough, {"available_fen": 10_000, "receivable_fen": 0}),
            ({"min_fen": 50}, 49, requesting.OutOfRange, {"min_fen": 50, "max_fen": 20_000_000}),
            ({"max_fen": 60}, 61, requesting.OutOfRange, {"min_fen": 10, "max_fen": 60}),
            ({"has_wechat": False}, 100, requesting.ChannelClosed, {}),
            (
                {"max_fen": 100, "daily_fen": 100}, 101, requesting.OutOfRange,
                {"min_fen": 10, "max_fen": 100},
            ),
        ],
    )  # fmt: skip
    def test_a_refusal_says_why_and_changes_nothing(
        self, session, rich, change, amount_fen, refusal, figures
    ):
        make_withdrawal_rules(session, **change)
        session.commit()

        with pytest.raises(refusal) as refused:
            ask(session, amount_fen=amount_fen)
        session.rollback()

        assert refused.value.figures == figures
        assert have(session) == (10_000, 0, 0)
        assert session.scalar(select(func.count()).select_from(Withdrawal)) == 0

    def test_what_fee_and_tax_eat_up_is_not_withdrawn(self, session):
        make_withdrawal_rules(session, min_fen=200, fee_bp=9_000, tax=Tax.LABOUR)
        earn(session, member_id=2, fen=1_000_000)

        with pytest.raises(requesting.NothingLeft):
            ask(session, amount_fen=500_000)

    def test_a_day_allows_so_many_and_returned_ones_count(self, session, rich):
        make_withdrawal_rules(session, daily_count=2)
        first = ask(session)
        withdrawals.give_back(session, no=first.no, by="wechat", reason="FAIL", now=NOON)
        ask(session)

        with pytest.raises(requesting.TooMany) as refused:
            ask(session)

        assert refused.value.figures == {"daily_count": 2}

    def test_a_day_allows_so_much_and_returned_ones_do_not_count(self, session, rich):
        make_withdrawal_rules(session, max_fen=3_000, daily_fen=4_000)
        first = ask(session, amount_fen=3_000)
        with pytest.raises(requesting.TooMuch) as refused:
            ask(session, amount_fen=1_001)
        assert refused.value.figures == {"daily_fen": 4_000, "asked_fen": 3_000}

        withdrawals.give_back(session, no=first.no, by="wechat", reason="FAIL", now=NOON)

        assert ask(session, amount_fen=1_001).state == "paying"

    def test_a_day_begins_at_midnight_in_china(self, session, rich):
        make_withdrawal_rules(session, daily_count=1)
        midnight = datetime(2026, 11, 11, 16, tzinfo=UTC)
        ask(session, now=midnight - timedelta(seconds=1))

        ask(session, now=midnight)

        with pytest.raises(requesting.TooMany):
            ask(session, now=midnight + timedelta(hours=23, minutes=59))

    def test_a_frozen_distributor_waits_and_who_left_does_not(self, session, rich):
        joining.freeze(session, member_id=2, reason="刷单", now=NOON)
        with pytest.raises(requesting.DistributorFrozen):
            ask(session)

        joining.leave(session, member_id=2, now=NOON)

        assert ask(session).state == "paying"

    def test_a_stranger_has_nothing_to_withdraw(self, session, rich):
        with pytest.raises(joining.UnknownDistributor):
            ask(session, member_id=77)

    def test_a_debt_blocks_because_nothing_is_available_beside_it(self, session, rich):
        ask(session, amount_fen=10_000)
        refund(session, order=rich, total_fen=4_000)

        with pytest.raises(requesting.NotEnough) as refused:
            ask(session, amount_fen=10)

        assert refused.value.figures == {"available_fen": 0, "receivable_fen": 2_000}


class TestReviewing:
    @pytest.fixture
    def large(self, session, rich):
        make_withdrawal_rules(session, review_over_fen=1_000, second_review_over_fen=5_000)
        found = ask(session, amount_fen=6_000)
        session.commit()
        return found.no

    def test_one_person_is_enough_up_to_the_second_threshold(self, session, rich):
        make_withdrawal_rules(session, review_over_fen=0, second_review_over_fen=5_000)
        number = ask(session).no

        found = withdrawals.approve(session, no=number, by=BOSS, now=NOON)

        assert (found.state, found.first_by, found.second_by) == ("paying", BOSS, None)

    def test_a_large_one_needs_two_different_people(self, session, large):
        assert withdrawals.approve(session, no=large, by=BOSS, now=NOON).state == "approving"
        with pytest.raises(withdrawals.SamePerson):
            withdrawals.approve(session, no=large, by=BOSS, now=NOON)

        found = withdrawals.approve(session, no=large, by=CLERK, now=NOON)

        assert (found.state, found.first_by, found.second_by) == ("paying", BOSS, CLERK)
        with pytest.raises(withdrawals.IllegalMove) as refused:
            withdrawals.approve(session, no=large, by="staff:3", now=NOON)
        assert refused.value.state is WithdrawalState.PAYING

    @pytest.mark.parametrize("change", [
        "first_by = 'a', second_by = 'a'",
        "state = 'paying'",
        "state = 'paying', first_by = 'a'",
        "second_by = 'a'",
        "state = 'paid', ended_at = now()",
        "state = 'returned', ended_at = now(), first_by = 'a', second_by = 'b'",
        "net_fen = net_fen - 1",
    ])  # fmt: skip
    def test_the_schema_refuses_what_no_person_may_do(self, session, large, change):
        with pytest.raises(IntegrityError):
            session.execute(text(f"UPDATE withdrawal SET {change} WHERE no = '{large}'"))

    @pytest.mark.parametrize("has_begun", [False, True])
    def test_refused_money_is_back(self, session, large, has_begun):
        if has_begun:
            withdrawals.approve(session, no=large, by=BOSS, now=NOON)

        found = withdrawals.reject(session, no=large, by=CLERK, reason="资料不符", now=NOON)

        assert (found.state, found.reason, found.ended_by) == ("returned", "资料不符", CLERK)
        assert have(session) == (10_000, 0, 0)
        assert list(verify.verify(session)) == []

    def test_it_can_be_taken_back_until_it_is_approved(self, session, large):
        withdrawals.cancel(session, no=large, by="member:2", reason="撤销", now=NOON)

        with pytest.raises(withdrawals.IllegalMove):
            withdrawals.cancel(session, no=large, by="member:2", reason="撤销", now=NOON)
        assert have(session) == (10_000, 0, 0)

    @pytest.mark.parametrize("verb", [withdrawals.reject, withdrawals.cancel])
    def test_what_is_on_its_way_is_not_simply_taken_back(self, session, rich, verb):
        number = ask(session).no

        with pytest.raises(withdrawals.IllegalMove):
            verb(session, no=number, by=BOSS, reason="x", now=NOON)

        assert have(session) == (9_000, 1_000, 0)

    def test_a_number_nobody_gave_is_unknown(self, session):
        wanted = {"no": "W" + "0" * 26, "by": BOSS, "now": NOON}
        with pytest.raises(withdrawals.UnknownWithdrawal):
            withdrawals.approve(session, **wanted)
        with pytest.raises(withdrawals.UnknownWithdrawal):
            withdrawals.pay_out(session, **wanted)


class TestEnding:
    def test_paid_money_leaves_as_cash_fee_and_tax(self, session):
        make_withdrawal_rules(session, fee_bp=100, tax=Tax.LABOUR)
        earn(session, member_id=2, fen=300_000)
        number = ask(session, amount_fen=200_000).no

        found = withdrawals.pay_out(session, no=number, by="wechat", now=NOON)

        assert (found.state, found.ended_by) == ("paid", "wechat")
        assert have(session) == (100_000, 0, 0)
        rows = session.execute(
            text(
                "SELECT account.kind, amount_fen FROM entry"
                " JOIN posting ON posting.id = posting_id"
                " JOIN account ON account.id = credit_account_id WHERE posting.kind = 'pay_out'"
            )
        )
        assert dict(rows.all()) == {"cash": 174_000, "fee": 2_000, "tax": 24_000}
        assert list(verify.verify(session)) == []

    def test_money_that_comes_back_repays_a_debt_first(self, session, rich):
        number = ask(session, amount_fen=10_000).no
        refund(session, order=rich, total_fen=6_000)
        assert have(session) == (0, 10_000, 3_000)

        withdrawals.give_back(session, no=number, by="wechat", reason="FAIL", now=NOON)

        assert have(session) == (7_000, 0, 0)
        assert list(verify.verify(session)) == []

    def test_a_refund_never_touches_money_that_is_set_aside(self, session, rich):
        number = ask(session, amount_fen=10_000).no
        refund(session, order=rich, total_fen=6_000)

        withdrawals.pay_out(session, no=number, by="wechat", now=NOON)

        assert have(session) == (0, 0, 3_000)
        assert list(verify.verify(session)) == []

    @pytest.mark.parametrize("first", ["pay_out", "give_back"])
    @pytest.mark.parametrize("second", ["pay_out", "give_back"])
    def test_a_withdrawal_ends_once(self, session, rich, first, second):
        number = ask(session).no
        verbs = {
            "pay_out": lambda: withdrawals.pay_out(session, no=number, by="wechat", now=NOON),
            "give_back": lambda: withdrawals.give_back(
                session, no=number, by="wechat", reason="FAIL", now=NOON
            ),
        }
        verbs[first]()
        before = have(session)

        with pytest.raises(withdrawals.IllegalMove):
            verbs[second]()

        assert have(session) == before
        ends = select(func.count()).where(Posting.idem_key == f"withdraw:{number}:done")
        assert session.scalar(ends) == 1

    def test_paid_by_hand_carries_its_receipt(self, session, rich):
        number = ask(session, channel=Channel.MANUAL).no

        found = withdrawals.pay_out(session, no=number, by=BOSS, receipt_no="B-1", now=NOON)

        assert (found.receipt_no, found.channel) == ("B-1", Channel.MANUAL)

    def test_paid_by_hand_without_a_receipt_is_refused_by_the_schema(self, session, rich):
        number = ask(session, channel=Channel.MANUAL).no

        with pytest.raises(IntegrityError):
            withdrawals.pay_out(session, no=number, by=BOSS, now=NOON)


class TestLooking:
    def test_the_summary_tells_what_was_paid_and_what_is_open(self, session):
        make_withdrawal_rules(session, fee_bp=100)
        earn(session, member_id=2, fen=10_000)
        paid, _, returned = (ask(session, amount_fen=2_000).no for _ in "123")
        withdrawals.pay_out(session, no=paid, by="wechat", now=NOON)
        withdrawals.give_back(session, no=returned, by="wechat", reason="FAIL", now=NOON)

        assert withdrawals.summary_of(session, 2) == (2_000, 1_980, 1)
        assert withdrawals.summary_of(session, 77) == (0, 0, 0)

    def test_pages_follow_each_other_latest_first(self, session, rich):
        numbers = [ask(session, amount_fen=10).no for _ in range(3)]

        first = asked.of_member(session, 2, limit=2)
        rest = asked.of_member(session, 2, before=first[-1].id, limit=2)

        assert [each.no for each in [*first, *rest]] == numbers[::-1]

    def test_the_queue_is_of_one_state_or_of_some_numbers(self, session, rich):
        numbers = [ask(session, amount_fen=10).no for _ in range(3)]
        withdrawals.pay_out(session, no=numbers[0], by="wechat", now=NOON)
        paying = asked.page(session, state=WithdrawalState.PAYING)

        assert [each.no for each in paying] == [numbers[2], numbers[1]]
        assert [each.no for each in asked.page(session, before=paying[-1].id)] == [numbers[0]]
        assert [each.no for each in asked.page(session, numbers=numbers[:1])] == [numbers[0]]
        assert asked.page(session, numbers=[]) == []

    @pytest.mark.parametrize(
        ("day", "until"),
        [(date(2026, 11, 23), datetime(2026, 11, 30, 16, tzinfo=UTC)),
         (date(2026, 12, 1), datetime(2026, 12, 31, 16, tzinfo=UTC))],
    )  # fmt: skip
    def test_a_month_is_a_month_in_china(self, session, rich, day, until):
        make_distributor(session, member_id=3)
        inside, outside = (ask(session, amount_fen=1_000).no for _ in "12")
        last = until - timedelta(seconds=1)
        withdrawals.pay_out(session, no=inside, by="wechat", now=last)
        withdrawals.pay_out(session, no=outside, by="wechat", now=until)

        assert asked.paid_in_month(session, day) == [(2, 1, 1_000, 0, 0, 1_000)]


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ("UPDATE withdrawal SET amount_fen = amount_fen + 1, net_fen = net_fen + 1",
         "withdrawal.withdrawing_is_what_is_open"),
        ("UPDATE withdrawal SET state = 'returned', ended_at = now(), reason = 'x'",
         "withdrawal.withdrawing_is_what_is_open"),
        ("UPDATE withdrawal SET state = 'paying', ended_at = NULL WHERE state = 'paid'",
         "withdrawal.postings_are_its_row"),
        ("UPDATE withdrawal SET net_fen = net_fen - 1, fee_fen = 1 WHERE state = 'paid'",
         "withdrawal.postings_are_its_row"),
        ("UPDATE withdrawal SET member_id = 3 WHERE state = 'paid'",
         "withdrawal.postings_are_its_row"),
        ("DELETE FROM withdrawal WHERE state = 'returned'", "withdrawal.postings_are_its_row"),
        ("UPDATE posting SET idem_key = 'other' WHERE kind = 'give_back'",
         "withdrawal.postings_are_its_row"),
    ],
)  # fmt: skip
def test_tampering_with_withdrawals_is_found(session, rich, change, rule):
    make_distributor(session, member_id=3)
    numbers = [ask(session, amount_fen=100).no for _ in range(3)]
    withdrawals.pay_out(session, no=numbers[0], by="wechat", now=NOON)
    withdrawals.give_back(session, no=numbers[1], by="wechat", reason="FAIL", now=NOON)
    session.commit()
    assert list(verify.verify(session)) == []

    session.execute(text("SET session_replication_role = replica"))
    session.execute(text(change))
    session.execute(text("SET session_replication_role = origin"))

    assert rule in {breach.rule for breach in verify.verify(session)}
    session.rollback()
