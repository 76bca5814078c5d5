"""What WeChat's words do: applied once, given back, or set aside for a person."""

import json
import threading

import pytest
from sqlalchemy import text

from app.core.db import db, transaction
from app.orders.models import OrderStatus
from app.payments import applying, attempts, calls
from app.payments.facts import Standing
from app.payments.models import InboxStatus, PaymentStatus, RefundStatus
from tests.builders.orders import make_order
from tests.builders.payments import make_payment, pay_order, trade_fact


class TestQuarantine:
    CHANGES = [
        ("foreign_appid", {"appid": "wx-somebody"}),
        ("foreign_mchid", {"mchid": "1900000999"}),
        ("wrong_currency", {"amount": {"currency": "USD", "total": "same"}}),
        ("wrong_amount", {"amount": {"currency": "CNY", "total": 1}}),
        ("wrong_amount", {"amount": {"currency": "CNY", "total": 10**12}}),
        ("malformed", {"amount": {"currency": "CNY", "total": "9900"}}),
        ("malformed", {"amount": {"currency": "CNY", "total": True}}),
        ("malformed", {"amount": {"currency": "CNY", "total": -1}}),
        ("malformed", {"amount": None}),
        ("malformed", {"transaction_id": None}),
        ("malformed", {"transaction_id": ""}),
        ("malformed", {"success_time": "yesterday"}),
        ("malformed", {"success_time": "2026-11-23T12:00:00"}),
        ("malformed", {"success_time": "9999-12-31T23:59:59-23:00"}),
        ("malformed", {"trade_state": 5}),
        ("malformed", {"amount": {"currency": "CNY", "total": float("nan")}}),
        ("malformed", {"transaction_id": "4" * 33}),
        ("unknown_number", {"out_trade_no": "P" + "0" * 26}),
    ]

    @pytest.mark.parametrize(("reason", "changes"), CHANGES)
    def test_what_does_not_fit_changes_nothing(self, mall, reason, changes):
        order, number = mall.open()
        resource = {**mall.platform.pay(number), **changes}
        if reason == "wrong_currency":
            resource["amount"]["total"] = order.payable_fen

        mall.hear(json.loads(json.dumps(resource)))
        mall.run_jobs()

        (fact,) = mall.inbox()
        assert (fact.status, fact.reason) == (InboxStatus.QUARANTINED, reason)
        assert mall.look(order).status == "unpaid"
        assert mall.payments(order)[0].status == PaymentStatus.OPEN
        assert mall.refunds(order) == []
        assert mall.breaches() == []

    def test_the_true_amount_is_still_applied_afterwards(self, mall):
        order, number = mall.open()
        resource = mall.platform.pay(number)
        mall.hear({**resource, "amount": {"currency": "CNY", "total": 1}}, id="EV-1")

        mall.hear(resource, id="EV-2")
        mall.run_jobs()

        assert [fact.status for fact in mall.inbox()] == ["quarantined", "applied"]
        assert mall.look(order).status == "paid"

    def test_a_second_transaction_under_one_number_is_set_aside(self, mall):
        _, number = mall.paid()

        mall.hear({**mall.platform.transaction(number), "transaction_id": "4299"}, id="EV-2")
        mall.run_jobs()

        assert mall.inbox()[-1].reason == "other_transaction"

    def test_one_transaction_under_two_numbers_is_set_aside(self, mall):
        _, first = mall.paid()
        order, second = mall.open()
        told = mall.platform.pay(second)
        taken = mall.platform.transaction(first)["transaction_id"]

        mall.hear({**told, "transaction_id": taken}, id="EV-2")
        mall.run_jobs()

        assert mall.inbox()[-1].reason == "other_transaction"
        assert mall.look(order).status == "unpaid"


class TestUnwantedMoney:
    def test_money_for_a_closed_order_goes_back_by_itself(self, mall):
        order, number = mall.open()
        mall.cancel(order)
        mall.run_jobs()
        assert mall.look(order).status == "closed"

        mall.hear(mall.platform.pay(number))
        mall.run_jobs()

        (payment,) = mall.payments(order)
        (refund,) = mall.refunds(order)
        assert payment.status == PaymentStatus.PAID_LATE
        assert (refund.source, refund.amount_fen) == (f"late:{number}", order.payable_fen)
        assert refund.status == RefundStatus.PROCESSING
        assert mall.look(order).status == "closed"
        assert mall.look(order).paid_fen == 0
        assert mall.breaches() == []

    def test_money_that_comes_twice_goes_back_once(self, mall):
        order, first = mall.open()
        mall.platform.trades[first]["state"] = "CLOSED"
        mall.wait(hours=0, minutes=20)
        (payment,) = mall.payments(order)
        with transaction() as session:
            attempts.closed(session, payment_id=payment.id, now=mall.now)
        order, second = mall.open(mall.look(order))
        for event, number in (("EV-1", first), ("EV-2", second)):
            for _ in range(2):
                mall.hear(mall.platform.pay(number), id=event)

        mall.run_jobs()

        assert [each.status for each in mall.payments(order)] == ["paid", "paid_duplicate"]
        (refund,) = mall.refunds(order)
        assert refund.source == f"duplicate:{second}"
        assert mall.look(order).paid_fen == order.payable_fen
        assert mall.breaches() == []

    def test_the_refund_of_unwanted_money_settles_nothing_of_the_order(self, mall):
        order, number = mall.open()
        mall.cancel(order)
        mall.run_jobs()
        mall.hear(mall.platform.pay(number))
        mall.run_jobs()
        (refund,) = mall.refunds(order)

        mall.hear_of_refund(mall.platform.settle_refund(refund.out_refund_no))
        mall.run_jobs()

        assert mall.refunds(order)[0].status == RefundStatus.SUCCESS
        assert mall.look(order).refunded_fen == 0
        assert mall.waiting("aftersales.refund_settled") == []
        assert mall.breaches() == []


class TestMonotone:
    def test_a_lower_word_after_a_higher_one_is_ignored(self, mall):
        order, number = mall.paid()

        mall.hear({**mall.platform.transaction(number), "trade_state": "CLOSED"}, id="EV-2")
        mall.hear({**mall.platform.transaction(number), "trade_state": "NOTPAY"}, id="EV-3")
        mall.run_jobs()

        assert [fact.status for fact in mall.inbox()] == ["applied", "ignored", "ignored"]
        assert mall.look(order).status == "paid"

    def test_only_an_answer_to_our_own_question_closes_an_attempt(self, mall):
        order, number = mall.open()

        mall.hear({**mall.platform.transaction(number), "trade_state": "CLOSED"})
        mall.run_jobs()
        assert mall.payments(order)[0].status == PaymentStatus.OPEN

        mall.platform.trades[number]["state"] = "CLOSED"
        calls.ask(number)
        assert mall.payments(order)[0].status == PaymentStatus.CLOSED

    def test_a_transaction_that_shows_a_refund_is_a_paid_one(self, mall):
        order, number = mall.open()
        mall.platform.pay(number)
        mall.platform.trades[number]["state"] = "REFUND"

        calls.ask(number)

        assert mall.look(order).status == "paid"

    def test_a_state_nobody_has_heard_of_is_not_the_end(self, mall):
        order, number = mall.open()
        mall.platform.trades[number]["state"] = "PONDERING"

        assert calls.ask(number) is Standing.OPEN
        assert mall.payments(order)[0].status == PaymentStatus.OPEN
        assert mall.inbox() == []

    def test_a_malformed_answer_is_quarantined_once(self, mall):
        _, number = mall.open()
        mall.platform.trades[number]["state"] = ["odd"]

        calls.ask(number)
        calls.ask(number)

        assert [fact.reason for fact in mall.inbox()] == ["malformed"]

    def test_an_answer_about_another_number_is_not_believed(self, mall, monkeypatch):
        _, number = mall.open()
        other = {**mall.platform.transaction(number), "out_trade_no": "P" + "0" * 26}
        monkeypatch.setattr(mall.platform, "transaction", lambda _: other)

        with pytest.raises(Exception, match="answered about another number"):
            calls.ask(number)


def test_a_payment_under_way_when_the_order_starts_to_close_still_wins(session, now):
    order = make_order(session, now=now, status=OrderStatus.CLOSING)
    payment = make_payment(session, order=order, now=now)
    session.commit()

    outcome = applying.apply_trade(session, trade_fact(payment, now=now), now=now)
    session.commit()

    assert outcome == applying.APPLIED
    assert (order.status, payment.status) == ("paid", "paid")


def test_an_open_transaction_is_no_news_about_a_new_attempt(session, now):
    order = make_order(session, now=now)
    payment = make_payment(session, order=order, now=now, status=PaymentStatus.CREATED)
    fact = trade_fact(payment, now=now, standing=Standing.OPEN, transaction_id=None, paid_at=None)

    assert applying.apply_trade(session, fact, now=now) == applying.IGNORED
    assert payment.status == "created"


def test_closing_an_attempt_never_overrules_its_money(session, now):
    payment = pay_order(session, order=make_order(session, now=now), now=now)

    attempts.closed(session, payment_id=payment.id, now=now)

    assert payment.status == "paid"


def test_the_builder_pays_an_order_like_a_notification_does(session, now):
    order = make_order(session, now=now)

    payment = pay_order(session, order=order, now=now)

    assert (order.status, payment.status) == ("paid", "paid")


@pytest.mark.race
def test_twenty_threads_with_one_payment_pay_the_order_once(mall):
    order, number = mall.open()
    resource = mall.platform.pay(number)
    for event in range(20):
        mall.hear(resource, id=f"EV-{event}")
    ids = [fact.id for fact in mall.inbox()]
    barrier = threading.Barrier(10)

    def work(mine: list[int]) -> None:
        from app.payments import jobs

        with mall.app.app_context():
            barrier.wait()
            for inbox_id in mine:
                jobs.apply_fact(inbox_id)
            db.session.remove()

    threads = [threading.Thread(target=work, args=(ids[at::10],)) for at in range(10)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert {fact.status for fact in mall.inbox()} == {"applied"}
    assert mall.look(order).paid_fen == order.payable_fen
    assert mall.refunds(order) == []
    sold = mall.session.scalar(text("SELECT sum(sold) FROM sku"))
    assert sold == 1
    assert mall.breaches() == []
