"""Whoever changes a stored figure of a payout is found, by the name of the rule."""

import pytest
from sqlalchemy import text

from app.payments import inbox
from app.payments.models import FactKind, PayInbox
from app.withdrawals import calls, verify
from tests.builders.withdrawals import ask

CANCELLED = """UPDATE payout SET status = 'cancelled', settled_at = now(), next_poll_at = NULL
    WHERE status = 'confirming'"""


@pytest.fixture
def traded(paying):
    """A payout that failed, one that waits, one paid by hand, one taken back."""
    failed, _, _ = paying.sent()
    paying.settle(failed, "FAIL")
    paying.deliver()
    paying.sent()
    _, headers = paying.distributor(payee=True)
    paying.ask(headers, channel="manual")
    paying.asked()
    assert paying.breaches() == []
    return paying


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ("DELETE FROM payout WHERE status = 'failed'", "withdrawals.each_has_its_payout"),
        ("UPDATE payout SET member_id = 0 WHERE status = 'failed'",
         "withdrawals.each_has_its_payout"),
        ("UPDATE payout SET status = 'success', fail_reason = NULL WHERE status = 'failed'",
         "withdrawals.money_follows_the_payout"),
        (CANCELLED,
         "withdrawals.money_follows_the_payout"),
        ("UPDATE payout SET status = 'pending', next_poll_at = now() WHERE status = 'new'",
         "withdrawals.nothing_goes_by_wechat_that_is_paid_by_hand"),
        ("UPDATE withdrawal SET net_fen = 9999, fee_fen = 1",
         "withdrawals.what_is_sent_is_what_is_owed"),
        ("UPDATE pay_inbox SET fact = jsonb_set(fact, '{state}', '\"SUCCESS\"')",
         "withdrawals.every_success_is_paid"),
        ("UPDATE withdrawal SET net_fen = 300000, amount_fen = 300000",
         "withdrawals.large_ones_are_named"),
    ],
)  # fmt: skip
def test_tampering_is_found(traded, change, rule):
    session = traded.session
    session.execute(text("SET session_replication_role = replica"))
    session.execute(text(change))
    session.execute(text("SET session_replication_role = origin"))

    found = {breach.rule for breach in verify.verify(session)}
    session.rollback()

    assert rule in found


def fact_of(number, **changes):
    return {
        "mch_id": "1900000001", "out_bill_no": number, "transfer_bill_no": "133",
        "state": "SUCCESS", "transfer_amount": 10_000, **changes,
    }  # fmt: skip


def hear(shop, number, **changes):
    """WeChat answers a question about a payout; the inbox row it leaves."""
    inbox.hear_answer(
        shop.session, FactKind.PAYOUT, number, fact_of(number, **changes),
        now=shop.now, act=calls.applier(),
    )  # fmt: skip
    shop.session.commit()
    return shop.session.query(PayInbox).order_by(PayInbox.id.desc()).first()


class TestContradictions:
    def test_money_for_a_number_nobody_gave_is_set_aside_for_a_person(self, paying):
        row = hear(paying, f"W{'0' * 26}")

        assert (row.status, row.reason) == ("quarantined", "unknown_number")

    def test_money_for_what_was_never_sent_is_set_aside_for_a_person(self, paying):
        number, member, _ = paying.asked()

        row = hear(paying, number)

        assert (row.status, row.reason) == ("quarantined", "never_sent")
        assert paying.have(member) == (90_000, 10_000)

    def test_money_after_it_was_given_back_is_set_aside_for_a_person(self, paying):
        number, member, _ = paying.sent()
        hear(paying, number, state="FAIL")

        row = hear(paying, number)

        assert (row.status, row.reason) == ("quarantined", "paid_after_return")
        assert paying.have(member) == (100_000, 0)

    def test_a_failure_after_it_was_paid_is_set_aside_for_a_person(self, paying):
        number, member, _ = paying.sent()
        hear(paying, number)

        row = hear(paying, number, state="FAIL")

        assert (row.status, row.reason) == ("quarantined", "failed_after_payment")
        assert paying.have(member) == (90_000, 0)

    def test_old_news_is_ignored(self, paying):
        number, _, _ = paying.sent()
        hear(paying, number, state="FAIL")

        assert hear(paying, number, state="PROCESSING").status == "ignored"
        assert hear(paying, number, state="CANCELLED").status == "ignored"
        assert hear(paying, number, state="FAIL", fail_reason="X").status == "applied"

    def test_a_state_on_the_way_counts_only_upwards(self, paying):
        number, _, _ = paying.sent()

        assert hear(paying, number, state="TRANSFERING").status == "applied"
        assert hear(paying, number, state="WAIT_USER_CONFIRM").status == "ignored"
        assert paying.states(number) == ("paying", "transferring")

    def test_a_malformed_fact_is_set_aside_for_a_person(self, paying):
        number, _, _ = paying.sent()

        assert hear(paying, number, transfer_amount="1").reason == "malformed"

    def test_a_withdrawal_that_the_slice_never_saw_is_a_breach(self, paying):
        member, _ = paying.distributor()
        ask(paying.session, member_id=member.id, now=paying.now)
        paying.session.commit()

        assert {breach.rule for breach in paying.breaches()} == {"withdrawals.each_has_its_payout"}
