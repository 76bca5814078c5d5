"""A day against the sandbox's bills: what agrees, what is repaired, and what is left for people."""

from datetime import timedelta

import pytest
from sqlalchemy import delete, select

from app.payments import deciding_calls as people
from app.payments.decision_models import Decision
from app.payments.models import PayInbox, Payment, PaymentStatus, RefundStatus
from app.payments.quarantine import Judgement
from app.reconciliation import calls, jobs, schedule
from app.reconciliation.models import BillDownload, BillStatus
from app.wechat.billing import BillKind


def statuses(shop):
    shop.session.rollback()
    found = shop.session.query(BillDownload).filter_by(bill_day=shop.day)
    return {one.bill: one.status for one in found}


def test_a_day_of_which_everybody_says_the_same_has_no_breaks(shop):
    number = shop.pay(quantity=2)
    shop.refund(number, 300)
    shop.payout(5_000)
    paid_fen = shop.payment(number).amount_fen
    shop.wait()

    assert shop.run() is True

    assert shop.told() == []
    sums = shop.sums()
    assert sums["trade", "payment"] == (1, 1, 1, paid_fen, paid_fen)
    assert sums["trade", "refund"] == (1, 1, 1, 300, 300)
    assert sums["funds", "payment"] == (1, 1, 1, paid_fen, paid_fen)
    assert sums["funds", "refund"] == (1, 1, 1, 300, 300)
    assert sums["funds", "payout"] == (1, 1, 1, 5_000, 5_000)
    assert sums["funds", "fee"][0] == 2
    assert set(statuses(shop).values()) == {BillStatus.LOADED}
    assert shop.breaches() == []


def test_a_day_without_trade_is_done_without_bills(shop):
    shop.wait()

    assert shop.run() is True

    assert set(statuses(shop).values()) == {BillStatus.NONE}
    assert shop.day_row().matched_at == shop.now


def test_bills_that_are_being_made_are_waited_for(shop):
    shop.pay()
    shop.wechat.control("POST", "settings", bills="creating")
    shop.wait()

    assert shop.run() is False
    assert shop.day_row().matched_at is None
    waiting = shop.session.get(BillDownload, (shop.day, BillKind.TRADE))
    assert (waiting.last_error, waiting.tries) == ("STATEMENT_CREATING", 1)

    shop.wechat.control("POST", "settings", bills="automatic")
    assert shop.run() is True
    assert shop.told() == []


@pytest.mark.parametrize(
    ("on", "kind", "said"),
    [
        ("trade_bill", "500", "ResultUnknown"),
        ("trade_bill", "error", "WeChatRefused"),
        ("bill_file", "malformed_json", "UntrustedAnswer"),
    ],
)
def test_a_bill_that_does_not_come_is_asked_for_again(shop, on, kind, said):
    shop.pay()
    shop.wait()
    shop.wechat.fault(on, kind, args={"status": 403, "code": "NO_AUTH"})

    assert shop.run() is False
    assert statuses(shop)["trade"] == BillStatus.WANTED
    assert said in shop.session.get(BillDownload, (shop.day, BillKind.TRADE)).last_error
    assert shop.run() is True


def test_a_bill_in_another_form_is_not_used(shop):
    shop.pay()
    day = shop.day.isoformat()
    shop.wechat.control("POST", "bills/content", bill="trade", day=day, text="交易时间\r\n`x\r\n")
    shop.wait()

    assert shop.run() is False
    assert "MalformedBill" in shop.session.get(BillDownload, (shop.day, BillKind.TRADE)).last_error


def test_a_payment_whose_notice_was_lost_is_repaired_through_the_inbox(shop):
    number = shop.pay(is_heard=False)
    shop.wait()

    shop.run()

    assert shop.payment(number).status == PaymentStatus.PAID
    assert shop.told() == [
        ("trade", number, "missing_here", "resolved", "repaired"),
        ("funds", number, "missing_here", "resolved", "repaired"),
    ]
    assert shop.session.query(PayInbox).filter_by(out_no=number).count() == 1
    assert shop.sums()["trade", "payment"][:3] == (1, 1, 1)
    assert shop.breaches() == []


def test_a_refund_whose_notice_was_lost_is_repaired(shop):
    number = shop.refund(shop.pay(), is_heard=False)
    shop.wait()

    shop.run()

    assert shop.refund_row(number).status == RefundStatus.SUCCESS
    assert {(one.verdict, one.how) for one in shop.breaks()} == {
        ("state_differs", "repaired"), ("missing_here", "repaired")
    }  # fmt: skip


def test_a_payout_whose_notice_was_lost_is_repaired(shop):
    number = shop.payout(2_000, is_heard=False)
    shop.wait()

    shop.run()

    # Its end was learnt today: the money moved yesterday by the bill, today by our books.
    assert shop.told() == [("funds", number, "timing", "resolved", "other_day")]
    assert shop.breaches() == []


def test_money_that_nobody_here_asked_for_is_left_to_people(shop):
    shop.plant("extra", "P" + "0" * 26, day=shop.day.isoformat(), by=777)
    shop.wait()

    shop.run()

    (found,) = shop.breaks()
    assert (found.verdict, found.status, found.answer) == ("missing_here", "open", "NOT_FOUND")
    assert (found.bill_fen, found.local_fen, found.difference_fen) == (777, None, 777)
    assert shop.breaches() == []


def test_what_a_bill_leaves_out_waits_for_the_next_one_and_is_then_missing(shop):
    number = shop.pay()
    shop.plant("drop", number)
    shop.wait()
    shop.run()
    assert shop.told() == [("trade", number, "timing", "open", None)]

    shop.wait()
    shop.run(shop.day + timedelta(days=1))

    (found,) = shop.breaks()
    assert (found.verdict, found.status, found.answer) == ("missing_there", "open", "SUCCESS")
    assert found.difference_fen == -shop.payment(number).amount_fen
    assert shop.breaches() == []


def test_what_stands_in_the_next_days_bill_is_only_late(shop):
    number = shop.pay()
    shop.plant("late", number)
    shop.wait()
    shop.run()
    assert shop.told() == [("trade", number, "timing", "open", None)]

    shop.wait()
    shop.run(shop.day + timedelta(days=1))

    assert shop.told() == [
        ("trade", number, "timing", "resolved", "other_day"),
        ("trade", number, "timing", "resolved", "other_day"),
    ]
    assert sum(one.difference_fen for one in shop.breaks()) == 0
    assert shop.breaches() == []


def test_a_refund_wechat_took_days_after_it_was_first_sent_is_only_late(shop):
    first, then = shop.day, shop.now
    number = shop.pay()
    shop.go(then + timedelta(days=2))
    refund = shop.refund(number)
    shop.refund_row(refund).submitted_at = then
    shop.session.commit()
    shop.go(then + timedelta(days=3))
    shop.run(first, first + timedelta(days=1))
    assert shop.told() == [("trade", refund, "missing_there", "open", None)]

    shop.run(first + timedelta(days=2))

    assert shop.told() == [("trade", refund, "timing", "resolved", "other_day")] * 2
    assert sum(one.difference_fen for one in shop.breaks()) == 0
    shop.run(first)
    assert {one.status for one in shop.breaks()} == {"resolved"}
    assert shop.breaches() == []


@pytest.mark.parametrize(("kind", "by"), [("amount", 3), ("amount", -3), ("double", 0)])
def test_another_amount_is_for_people(shop, kind, by):
    number = shop.pay()
    fen = shop.payment(number).amount_fen
    shop.plant(kind, number, **({"by": by} if by else {}))
    shop.wait()

    shop.run()

    (found,) = shop.breaks()
    assert (found.verdict, found.resolver, found.status) == ("amount_differs", "staff", "open")
    assert found.bill_fen - found.local_fen == found.difference_fen == (by or fen)
    assert found.asked_at is None
    assert shop.breaches() == []


def test_a_bill_made_before_a_refund_ended_is_overruled_by_wechats_newer_word(shop):
    number = shop.refund(shop.pay())
    shop.plant("state", number, value="FAIL")
    shop.wait()

    shop.run()

    assert shop.told() == [("trade", number, "state_differs", "resolved", "newer_word")]


def test_a_refund_that_was_not_over_is_no_difference(shop):
    shop.wechat.control("POST", "settings", refund_outcome="manual")
    number = shop.refund(shop.pay())
    shop.wait()

    shop.run()

    assert shop.refund_row(number).status == RefundStatus.PROCESSING
    assert shop.told() == []
    assert shop.sums()["trade", "refund"] == (1, 1, 1, 100, 100)
    assert shop.sums()["funds", "refund"] == (0, 0, 0, 0, 0)


@pytest.mark.parametrize("was_accepted", [True, False])
def test_a_refund_given_back_by_hand_is_not_looked_for_at_wechat(shop, was_accepted):
    shop.wechat.control("POST", "settings", refund_outcome="CLOSED" if was_accepted else "manual")
    number = shop.refund(shop.pay())
    row = shop.refund_row(number)
    row.status, row.settled_at, row.receipt_no = RefundStatus.SUCCESS, shop.now, "ICBC-1"
    row.next_poll_at = None
    if not was_accepted:
        row.refund_id = None
        shop.plant("drop", number)
    shop.session.commit()
    shop.wait()

    shop.run()

    assert shop.told() == []


def test_a_payout_of_another_amount_is_shown_beside_the_ledger(shop):
    number = shop.payout(3_000)
    shop.plant("amount", number, bill="OPERATION", by=50)
    shop.wait()

    shop.run()

    (found,) = shop.breaks()
    assert (found.verdict, found.kind) == ("amount_differs", "payout")
    assert (found.bill_fen, found.local_fen, found.ledger_fen) == (3_050, 3_000, 3_000)


def test_running_it_again_changes_nothing(shop):
    shop.pay()
    shop.pay(is_heard=False)
    shop.plant("amount", shop.pay())
    shop.wait()
    shop.run()
    before, sums, row = shop.told(), shop.sums(), shop.day_row().inputs_sha256
    asked = len(shop.wechat.control("GET", "calls")["calls"])

    shop.run()

    assert (shop.told(), shop.sums(), shop.day_row().inputs_sha256) == (before, sums, row)
    assert len(shop.wechat.control("GET", "calls")["calls"]) == asked


def test_while_wechat_is_silent_its_answer_is_waited_for(shop):
    number = shop.pay(is_heard=False)
    shop.wait()
    shop.wechat.fault("query", "500")

    shop.run()
    assert {one.asked_at for one in shop.breaks()} == {None}

    shop.run()
    assert shop.payment(number).status == PaymentStatus.PAID
    assert {one.status for one in shop.breaks()} == {"resolved"}


def test_what_wechat_refuses_to_tell_is_noted(shop):
    shop.pay(is_heard=False)
    shop.wait()
    shop.wechat.fault("query", "error", args={"status": 403, "code": "NO_AUTH"}, times=2)

    shop.run()

    assert {one.answer for one in shop.breaks()} == {"NO_AUTH"}


def test_a_refund_the_restored_database_never_sent_is_sent_again(shop):
    number = shop.refund(shop.pay(), is_heard=False)
    row = shop.refund_row(number)
    row.status, row.submitted_at, row.request_body = RefundStatus.PENDING, None, None
    row.refund_id, row.next_poll_at = None, shop.now
    shop.session.commit()
    shop.wait()

    shop.run()

    assert shop.refund_row(number).status == RefundStatus.SUCCESS
    refunds = shop.wechat.control("GET", "refunds")["refunds"]
    assert [one["out_refund_no"] for one in refunds] == [number]


def test_a_bill_that_is_there_is_not_fetched_again(shop):
    shop.wait()
    calls.fetch(shop.day)
    calls.fetch(shop.day)

    asked = [one["call"] for one in shop.wechat.control("GET", "calls")["calls"]]
    assert sorted(asked) == ["fund_flow_bill", "fund_flow_bill", "trade_bill"]


def stray(shop, kind):
    """Money that does not fit: of no attempt of ours, or another amount than was asked."""
    number = shop.pay(is_heard=False)
    payment = shop.payment(number)
    if kind == "unknown":
        shop.session.execute(delete(Payment).where(Payment.id == payment.id))
    else:
        payment.amount_fen += 1
    shop.session.commit()
    shop.wechat.deliver(shop.client)
    shop.run_jobs()
    shop.session.rollback()
    return number, shop.session.scalars(select(PayInbox).where(PayInbox.out_no == number)).one()


@pytest.mark.parametrize("kind", ["unknown", "misfit"])
@pytest.mark.parametrize("is_decided_first", [True, False])
def test_stray_money_that_was_sent_back_is_in_both_books(shop, kind, is_decided_first):
    shop.pay()
    number, fact = stray(shop, kind)
    judgement = Judgement(Decision.REFUND, "错付，退回", shop.staff_id())
    if is_decided_first:
        people.decide(judgement, inbox_id=fact.id)
    shop.wait()
    shop.run()
    if not is_decided_first:
        assert {one.status for one in shop.breaks()} == {"open"}
        people.decide(judgement, inbox_id=fact.id)

    jobs.daily()
    shop.run_jobs()

    told = [("trade", number, "missing_here", "resolved", "repaired"),
        ("funds", number, "missing_here", "resolved", "repaired")]  # fmt: skip
    assert shop.told() == ([] if is_decided_first else told)
    assert shop.sums()["trade", "payment"][:3] == (2, 2, 2)
    assert schedule.due(shop.session, now=shop.now) == []
    assert shop.breaches() == []
