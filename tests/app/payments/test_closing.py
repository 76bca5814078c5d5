"""An order closes only when WeChat has said that no money came and none can come."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from app.payments import calls, jobs
from app.payments.models import PaymentStatus
from app.wechat.errors import ResultUnknown


def held(mall) -> int:
    mall.session.rollback()
    return mall.session.scalar(text("SELECT sum(held) FROM sku"))


def test_an_order_nobody_tried_to_pay_closes_at_once(mall):
    order = mall.order()
    mall.cancel(order)

    mall.run_jobs()

    assert mall.look(order).status == "closed"
    assert held(mall) == 0
    assert mall.platform.calls == []


def test_an_open_attempt_is_closed_at_wechat_first(mall):
    order, number = mall.open()
    mall.cancel(order)

    mall.run_jobs()

    assert mall.platform.trades[number]["state"] == "CLOSED"
    assert mall.payments(order)[0].status == PaymentStatus.CLOSED
    assert mall.look(order).status == "closed"
    assert held(mall) == 0
    assert mall.breaches() == []


def test_money_found_while_closing_pays_the_order(mall):
    order, number = mall.open()
    mall.platform.pay(number)
    mall.cancel(order)

    mall.run_jobs()

    assert mall.look(order).status == "paid"
    assert mall.payments(order)[0].status == PaymentStatus.PAID


@pytest.mark.parametrize("answer", ["unreachable", (500, "SYSTEM_ERROR"), (429, "X"), "unsigned"])
def test_no_answer_postpones_and_everything_stays_held(mall, answer):
    order, _ = mall.open()
    mall.cancel(order)
    mall.platform.faults = [answer]

    mall.run_jobs()

    assert mall.look(order).status == "closing"
    assert held(mall) == 1
    (again,) = mall.waiting("payments.close_order")
    assert again == {"order_id": order.id, "tries": 1}
    mall.wait(seconds=15)
    mall.run_jobs()
    assert mall.look(order).status == "closed"


@pytest.mark.parametrize("answer", ["cut", (403, "TRADE_ERROR"), (500, "SYSTEM_ERROR")])
def test_no_word_on_closing_postpones_too(mall, answer):
    order, _ = mall.open()
    mall.cancel(order)
    mall.platform.faults = [None, answer]

    mall.run_jobs()

    assert mall.look(order).status == "closing"
    assert held(mall) == 1
    mall.wait(seconds=15)
    mall.run_jobs()
    assert mall.look(order).status == "closed"


def test_money_that_comes_between_the_question_and_the_closing_is_found(mall, monkeypatch):
    order, number = mall.open()
    mall.cancel(order)
    close = mall.platform._close

    def pay_first(closing):
        mall.platform.pay(number)
        monkeypatch.undo()
        return close(closing)

    monkeypatch.setattr(mall.platform, "_close", pay_first)
    assert calls.close_order(order.id) is False

    assert calls.close_order(order.id) is True

    assert mall.look(order).status == "paid"


def test_a_number_wechat_does_not_know_may_still_be_under_way(mall):
    order = mall.order()
    mall.platform.faults = ["unreachable"]
    with pytest.raises(ResultUnknown):
        calls.prepay(order_no=order.order_no, buyer_id=order.buyer_id)
    mall.cancel(order)

    mall.run_jobs()
    assert mall.look(order).status == "closing"

    mall.wait(minutes=1)
    mall.run_jobs()
    assert mall.look(order).status == "closed"
    assert mall.breaches() == []


def test_money_that_does_not_fit_keeps_the_order_for_a_person(mall):
    order, number = mall.open()
    mall.platform.pay(number)
    mall.platform.trades[number]["asked"]["amount"]["total"] += 1
    mall.cancel(order)

    mall.run_jobs()

    assert mall.look(order).status == "closing"
    assert held(mall) == 1
    assert [fact.reason for fact in mall.inbox()] == ["wrong_amount"]


def test_a_trade_wechat_has_closed_by_itself_needs_no_closing(mall):
    order, number = mall.open()
    mall.platform.trades[number]["state"] = "CLOSED"
    mall.cancel(order)

    mall.run_jobs()

    assert mall.look(order).status == "closed"
    assert not any(target.endswith("/close") for _, target, _ in mall.platform.calls)


@pytest.mark.parametrize("state", ["NOTPAY", "CLOSED"])
@pytest.mark.parametrize("left_out", ["amount", "currency"])
def test_what_is_not_paid_need_not_name_its_price(mall, monkeypatch, state, left_out):
    order, number = mall.open()
    mall.platform.trades[number]["state"] = state
    whole = mall.platform.transaction

    def sparse(number):
        told = whole(number)
        (told if left_out == "amount" else told["amount"]).pop(left_out)
        return told

    monkeypatch.setattr(mall.platform, "transaction", sparse)
    mall.cancel(order)

    mall.run_jobs()

    assert mall.look(order).status == "closed"
    assert held(mall) == 0
    assert mall.inbox_statuses("quarantined") == []


def test_closing_what_is_closed_or_paid_is_harmless(mall):
    paid, _ = mall.paid()
    closed = mall.order(status="closed")
    mall.run_jobs()

    jobs.close_order(paid.id)
    jobs.close_order(closed.id, tries=7)

    assert mall.look(paid).status == "paid"
    assert mall.waiting("payments.close_order") == []


def test_a_mall_that_lost_its_wechat_keeps_what_it_cannot_close(mall, app):
    order, _ = mall.open()
    mall.cancel(order)
    app.extensions["wechat"] = None

    mall.run_jobs()

    assert mall.look(order).status == "closing"


class TestPolling:
    def test_a_lost_notification_is_found_after_fifteen_seconds(self, mall):
        order, number = mall.open()
        mall.platform.pay(number)

        mall.wait(seconds=14)
        assert mall.run_jobs() == []
        mall.wait(seconds=1)
        assert mall.run_jobs() == ["payments.poll_payment"]

        assert mall.look(order).status == "paid"

    def test_the_questions_become_rarer_and_end_at_the_expiry(self, mall):
        order, _ = mall.open()
        (payment,) = mall.payments(order)
        asked = []

        while payment.next_poll_at:
            asked.append(payment.next_poll_at - payment.created_at)
            mall.wait(seconds=(payment.next_poll_at - mall.now).total_seconds())
            mall.sweep()
            (payment,) = mall.payments(order)

        seconds = [15, 60, 180, 600, 1800, 1830]
        assert asked == [timedelta(seconds=each) for each in seconds]

    def test_a_question_without_an_answer_is_asked_again_later(self, mall):
        order, number = mall.open()
        mall.platform.pay(number)
        mall.platform.faults = ["unreachable"]
        mall.wait(seconds=15)
        mall.run_jobs()
        assert mall.look(order).status == "unpaid"

        mall.wait(seconds=45)
        mall.sweep()

        assert mall.look(order).status == "paid"

    def test_nobody_asks_before_time_or_about_what_is_known(self, mall):
        order, _ = mall.open()
        (payment,) = mall.payments(order)
        before = len(mall.platform.calls)

        jobs.poll_payment(payment.id)
        mall.wait(seconds=20)
        jobs.poll_payment(payment.id)
        jobs.poll_payment(payment.id)

        assert len(mall.platform.calls) == before + 1

    def test_one_sweep_does_not_ask_twice(self, mall):
        mall.open()
        mall.run_jobs()
        mall.wait(minutes=2)

        jobs.sweep()
        jobs.sweep()

        assert len(mall.waiting("payments.poll_payment")) == 2  # One of them is the first timer.
