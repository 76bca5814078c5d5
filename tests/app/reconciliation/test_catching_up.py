"""`flask catch-up`: a database that was restored to an earlier moment hears what it has missed."""

from datetime import timedelta

import pytest
from sqlalchemy import delete, func, select

from app.core.auth import AuthSession
from app.payments.models import Payment, PaymentStatus, RefundStatus
from app.reconciliation import catching_up_calls
from app.wechat.errors import WeChatNotConfigured
from app.withdrawals.models import Payout, PayoutStatus


@pytest.fixture
def catch_up(shop):
    """Run the command; its lines."""

    def run(since, *, status=0):
        shop.session.rollback()
        done = shop.app.test_cli_runner().invoke(args=["catch-up", since])
        assert done.exit_code == status, done.output
        shop.session.rollback()
        return done.output.splitlines()

    return run


def unsent(shop):
    """A refund whose submission the restored database does not know of. Its number."""
    number = shop.refund(shop.pay(), 300, is_heard=False)
    row = shop.refund_row(number)
    row.status, row.submitted_at, row.request_body = RefundStatus.PENDING, None, None
    row.refund_id, row.next_poll_at = None, shop.now
    shop.session.commit()
    return number


def test_what_was_open_then_is_repaired_and_what_was_lost_is_listed(shop, catch_up):
    since = shop.now
    heard, open_ = shop.pay(), shop.pay(is_heard=False)
    back, sent, out = shop.refund(heard, 200, is_heard=False), unsent(shop), shop.payout(2_000)
    paid_out = shop.session.scalars(select(Payout).where(Payout.out_bill_no == out)).one()
    lost = shop.pay(is_heard=False)
    shop.session.execute(delete(Payment).where(Payment.out_trade_no == lost))
    shop.session.commit()
    fen = shop.payment(open_).amount_fen
    shop.wait()

    lines = catch_up(since.isoformat())

    assert shop.payment(open_).status == PaymentStatus.PAID
    assert shop.refund_row(back).status == RefundStatus.SUCCESS
    assert shop.refund_row(sent).status == RefundStatus.SUCCESS
    assert paid_out.status == PayoutStatus.SUCCESS
    assert lines[:3] == [
        "asked WeChat about 1 open payments",
        "asked WeChat about 2 open refunds",
        "asked WeChat about 0 open payouts",
    ]
    wanted = f"✗ payment {lost} {fen / 100:.2f}: missing_here, WeChat says SUCCESS"
    assert lines.count(wanted) == 2  # In the trade bill and in the fund flow.
    assert lines[-2:] == [f"✗ trade {lost}: in quarantine, unknown_number", "3 for people so far"]
    assert f"{shop.day + timedelta(days=1)}: no bill yet" in "\n".join(lines)
    assert shop.breaches() == []


def test_it_may_run_again_and_then_finds_nothing_new(shop, catch_up):
    since = shop.now.isoformat()
    shop.pay(is_heard=False)
    shop.wait()
    first = catch_up(since)

    again = catch_up(since)

    assert first[-1] == again[-1] == "nothing for people so far"
    assert again[0] == "asked WeChat about 0 open payments"
    assert [line for line in first if "WeChat 1 of" in line] == [
        line for line in again if "WeChat 1 of" in line
    ]


def test_no_sign_in_of_the_lost_time_is_ever_somebody_elses(shop, catch_up):
    shop.merchant()
    newest = shop.session.scalar(select(func.max(AuthSession.id)))
    catch_up(shop.now.isoformat())

    shop.merchant()

    given = shop.session.scalar(select(func.max(AuthSession.id)))
    assert given > newest + catching_up_calls.LEAP


def test_what_wechat_does_not_answer_is_named_and_asked_again(shop, catch_up):
    number = shop.pay(is_heard=False)
    shop.wechat.fault("query", "500")

    lines = catch_up(shop.now.isoformat(), status=1)

    assert f"  no answer about {number}: run this again" in lines
    assert catch_up(shop.now.isoformat())[-1] == "nothing for people so far"
    assert shop.payment(number).status == PaymentStatus.PAID


def test_payouts_that_were_under_way_end_too(shop, catch_up):
    number = shop.payout(3_000, is_heard=False)

    lines = catch_up(shop.now.isoformat())

    assert "asked WeChat about 1 open payouts" in lines
    row = shop.session.scalars(select(Payout).where(Payout.out_bill_no == number)).one()
    assert row.status == PayoutStatus.SUCCESS


@pytest.mark.parametrize(
    ("since", "said", "status"),
    [
        ("yesterday", "not a moment", 2),
        ("2026-11-24T10:00:00", "offset is missing", 2),
        ("2026-01-01T00:00:00+08:00", "three months", 1),
    ],
)
def test_a_moment_it_cannot_begin_at_is_refused(catch_up, since, said, status):
    assert said in "\n".join(catch_up(since, status=status))


def test_without_wechat_there_is_nobody_to_ask(catch_up, shop, monkeypatch):
    def nobody(_):
        raise WeChatNotConfigured

    monkeypatch.setattr(catching_up_calls, "run", nobody)

    assert "without WeChat" in "\n".join(catch_up(shop.now.isoformat(), status=1))
