"""Money back: one number for ever, asked before it is sent again, told to the order once."""

import json

import pytest
from sqlalchemy import select

from app.orders import queries as orders
from app.orders.service import NotRefundable, RefundExceedsPaid
from app.payments import jobs, service
from app.payments.models import Refund, RefundStatus
from app.payments.service import NothingToRefund
from tests.builders.orders import make_order
from tests.builders.payments import pay_order, settle_refund


def request(mall, order, *, source="after_sale:A1", freight_fen=None, now=None):
    """Ask for the whole of an order back."""
    lines = orders.lines(mall.session, order_id=order.id)
    refund = service.request_refund(
        mall.session,
        order_id=order.id,
        source=source,
        amount_fen=order.payable_fen,
        line_amounts={line.id: line.payable_fen for line in lines},
        freight_fen=order.freight_fen,
        reason="不想要了",
        now=now or mall.now,
    )
    mall.session.commit()
    return refund


@pytest.fixture
def refunding(mall):
    """A paid order, its refund begun, nothing sent yet."""
    order, number = mall.paid()
    return order, number, request(mall, order)


def refund_calls(mall) -> list[tuple[str, str]]:
    return [(m, t) for m, t, _ in mall.platform.calls if t.startswith("/v3/refund")]


class TestIntent:
    def test_the_order_counts_it_as_refunding_before_wechat_hears_of_it(self, mall, refunding):
        order, _, refund = refunding

        assert refund.status == RefundStatus.PENDING
        assert mall.look(order).refunding_fen == order.payable_fen
        assert refund_calls(mall) == []
        assert mall.breaches() == []

    def test_the_same_source_again_is_the_same_refund(self, mall, refunding):
        order, _, refund = refunding

        again = request(mall, order)

        assert again.out_refund_no == refund.out_refund_no
        assert len(mall.refunds(order)) == 1

    def test_more_than_was_paid_is_refused_and_nothing_is_kept(self, mall, refunding):
        order, _, _ = refunding

        with pytest.raises(RefundExceedsPaid):
            request(mall, order, source="after_sale:A2")

        assert len(mall.refunds(order)) == 1

    def test_an_unpaid_order_has_nothing_to_refund(self, mall):
        order, _ = mall.open()

        with pytest.raises(NotRefundable):
            request(mall, order)

    def test_an_order_whose_money_we_never_saw_is_a_bug_not_a_refund(self, mall):
        order = mall.order(status="paid")

        with pytest.raises(NothingToRefund):
            request(mall, order)

    def test_parts_must_make_the_whole(self, mall, refunding):
        order, _, _ = refunding

        with pytest.raises(ValueError, match="parts"):
            service.request_refund(
                mall.session,
                order_id=order.id,
                source="after_sale:A3",
                amount_fen=5,
                line_amounts={},
                freight_fen=4,
                reason="",
                now=mall.now,
            )


class TestSubmission:
    def test_it_is_sent_once_and_its_success_settles_the_order(self, mall, refunding):
        order, _, refund = refunding

        mall.run_jobs()
        assert mall.refunds(order)[0].status == RefundStatus.PROCESSING
        mall.hear_of_refund(mall.platform.settle_refund(refund.out_refund_no))
        mall.run_jobs()

        (refund,) = mall.refunds(order)
        order = mall.look(order)
        assert refund.status == RefundStatus.SUCCESS
        assert refund.settled_at is not None
        assert refund.next_poll_at is None
        assert (order.status, order.refunded_fen) == ("refunded", order.payable_fen)
        assert mall.waiting("aftersales.refund_settled") == [{"source": "after_sale:A1"}]
        assert len(refund_calls(mall)) == 1
        assert mall.breaches() == []

    def test_the_request_says_all_wechat_needs(self, mall, refunding):
        order, number, refund = refunding

        mall.run_jobs()

        body = json.loads(mall.platform.calls[-1][2])
        assert body == {
            "transaction_id": mall.platform.trades[number]["transaction_id"],
            "out_refund_no": refund.out_refund_no,
            "notify_url": "https://mall.example/webhooks/wechat/refund",
            "amount": {
                "refund": order.payable_fen,
                "total": order.payable_fen,
                "currency": "CNY",
            },
            "reason": "不想要了",
        }

    def test_a_success_in_the_answer_itself_settles_at_once(self, mall, refunding):
        order, _, refund = refunding
        mall.platform.refund_outcome = "SUCCESS"
        mall.run_jobs()
        mall.platform.settle_refund(refund.out_refund_no)
        mall.wait(minutes=1)

        mall.sweep()

        assert mall.look(order).status == "refunded"

    @pytest.mark.parametrize("fault", ["cut", (429, "FREQUENCY_LIMITED"), "unsigned"])
    def test_an_unknown_answer_is_asked_about_before_anything_is_sent_again(
        self, mall, refunding, fault
    ):
        order, _, _ = refunding
        mall.platform.faults = [fault]

        mall.run_jobs()
        assert mall.refunds(order)[0].status == RefundStatus.PENDING
        mall.wait(minutes=1)
        mall.sweep()

        methods = [method for method, _ in refund_calls(mall)]
        assert methods in (["POST", "GET"], ["POST", "GET", "POST"])
        assert len(mall.platform.refunds) == 1
        assert mall.refunds(order)[0].status == RefundStatus.PROCESSING

    def test_what_never_arrived_is_sent_again_with_the_same_number_and_bytes(self, mall, refunding):
        order, _, refund = refunding
        mall.platform.faults = ["unreachable"]
        mall.run_jobs()

        mall.wait(minutes=1)
        mall.sweep()

        sent = [body for method, _, body in mall.platform.calls if b"out_refund_no" in body]
        assert len(sent) == 2
        assert sent[0] == sent[1]
        assert json.loads(sent[0])["out_refund_no"] == refund.out_refund_no
        assert mall.refunds(order)[0].status == RefundStatus.PROCESSING

    def test_a_crash_after_sending_is_the_same_as_a_lost_answer(self, mall, refunding, monkeypatch):
        order, _, refund = refunding
        from app.payments import inbox

        def crash(*_, **__):
            raise SystemExit("kill -9")

        monkeypatch.setattr(inbox, "hear_answer", crash)
        with pytest.raises(SystemExit):
            jobs.submit_refund(refund.id)
        monkeypatch.undo()
        mall.now = mall.platform.now  # The clock of the fixture went with `undo`.
        (refund,) = mall.refunds(order)
        assert refund.submitted_at is not None
        assert len(mall.platform.refunds) == 1

    def test_not_enough_money_parks_it_and_tries_the_same_number_again(self, mall, refunding):
        order, _, refund = refunding
        mall.platform.faults = [(403, "NOT_ENOUGH")]

        mall.run_jobs()

        (parked,) = mall.refunds(order)
        assert parked.status == RefundStatus.PENDING
        assert parked.last_error is not None
        assert parked.last_error.startswith("NOT_ENOUGH")
        mall.wait(minutes=1)
        mall.sweep()
        (accepted,) = mall.refunds(order)
        assert (accepted.status, accepted.last_error) == (RefundStatus.PROCESSING, None)
        assert set(mall.platform.refunds) == {refund.out_refund_no}

    def test_it_is_asked_about_ever_more_rarely_but_without_end(self, mall, refunding):
        order, _, _ = refunding
        mall.run_jobs()
        waits = []

        for _ in range(5):
            (refund,) = mall.refunds(order)
            waits.append((refund.next_poll_at - mall.now).total_seconds() / 60)
            mall.wait(minutes=waits[-1])
            mall.sweep()

        assert waits == [1, 5, 30, 60, 60]

    def test_nothing_is_sent_before_its_time_or_after_its_end(self, mall, refunding):
        _, _, refund = refunding
        mall.run_jobs()
        mall.hear_of_refund(mall.platform.settle_refund(refund.out_refund_no))
        mall.run_jobs()
        before = len(refund_calls(mall))

        mall.wait(days=1)
        jobs.submit_refund(refund.id)
        mall.sweep()

        assert len(refund_calls(mall)) == before

    @pytest.mark.usefixtures("refunding")
    def test_a_processing_refund_wechat_suddenly_does_not_know_is_not_sent_again(self, mall):
        mall.run_jobs()
        mall.platform.refunds.clear()
        mall.wait(minutes=1)

        mall.sweep()

        assert [method for method, _ in refund_calls(mall)] == ["POST", "GET"]


class TestNews:
    @pytest.mark.parametrize("status", ["ABNORMAL", "CLOSED"])
    def test_a_stuck_refund_stays_owed_and_a_later_success_settles_it(
        self, mall, refunding, status
    ):
        order, _, refund = refunding
        mall.run_jobs()
        mall.hear_of_refund(
            mall.platform.settle_refund(refund.out_refund_no, status),
            event_type=f"REFUND.{status}",
            id="RF-1",
        )
        mall.run_jobs()
        assert mall.refunds(order)[0].status == status.lower()
        assert mall.look(order).refunding_fen == order.payable_fen
        assert mall.breaches() == []

        mall.hear_of_refund(mall.platform.settle_refund(refund.out_refund_no), id="RF-2")
        mall.run_jobs()

        assert mall.look(order).status == "refunded"
        assert mall.breaches() == []

    def test_success_twice_and_older_news_after_it_settle_once(self, mall, refunding):
        order, _, refund = refunding
        mall.run_jobs()
        success = mall.platform.settle_refund(refund.out_refund_no)
        abnormal = {**success, "refund_status": "ABNORMAL"}
        for event, resource in (("RF-1", success), ("RF-2", success), ("RF-3", abnormal)):
            mall.hear_of_refund(resource, id=event)
            mall.hear_of_refund(resource, id=event)

        mall.run_jobs()

        assert [fact.status for fact in mall.inbox()][-3:] == ["applied", "applied", "ignored"]
        assert len(mall.waiting("aftersales.refund_settled")) == 1
        assert mall.look(order).refunded_fen == order.payable_fen

    @pytest.mark.parametrize(
        ("reason", "changes"),
        [
            ("unknown_number", {"out_refund_no": "R" + "0" * 26}),
            ("foreign_mchid", {"mchid": "1900000999"}),
            ("wrong_payment", {"out_trade_no": "P" + "0" * 26}),
            ("wrong_amount", {"amount": {"refund": 1, "total": 1}}),
            ("malformed", {"amount": {"refund": 1}}),
            ("malformed", {"refund_id": None}),
            ("malformed", {"success_time": None}),
        ],
    )
    def test_news_that_does_not_fit_is_set_aside(self, mall, refunding, reason, changes):
        order, _, refund = refunding
        mall.run_jobs()
        resource = mall.platform.settle_refund(refund.out_refund_no)

        mall.hear_of_refund({**resource, **changes})
        mall.run_jobs()

        assert (mall.inbox()[-1].status, mall.inbox()[-1].reason) == ("quarantined", reason)
        assert mall.look(order).refunded_fen == 0
        assert mall.breaches() == []

    def test_the_news_may_overtake_the_answer(self, mall, refunding, monkeypatch):
        order, _, refund = refunding
        accept = mall.platform._refund

        def overtaken(body):
            answer = accept(body)
            mall.hear_of_refund(mall.platform.settle_refund(refund.out_refund_no))
            mall.run_jobs()
            return answer[0], {**answer[1], "status": "PROCESSING"}

        monkeypatch.setattr(mall.platform, "_refund", overtaken)

        jobs.submit_refund(refund.id)

        assert mall.refunds(order)[0].status == RefundStatus.SUCCESS
        assert mall.look(order).status == "refunded"


def test_an_order_that_cost_nothing_is_refunded_without_wechat(session, now, monkeypatch):
    order = make_order(session, now=now)
    order.items_fen = order.discount_fen = order.freight_fen = order.payable_fen = 0
    for line in orders.lines(session, order_id=order.id):
        line.unit_price_fen = line.amount_fen = line.discount_fen = line.payable_fen = 0
    session.flush()
    from app.orders import service as order_moves

    order_moves.mark_paid(
        session, order_id=order.id, transaction_id=None, paid_fen=0, paid_at=now, now=now
    )

    refund = service.request_refund(
        session,
        order_id=order.id,
        source="after_sale:A0",
        amount_fen=0,
        line_amounts={},
        freight_fen=0,
        reason="不想要了",
        now=now,
    )

    assert refund.status == RefundStatus.SUCCESS
    assert orders.get(session, order_no=order.order_no).status == "refunded"


def test_the_builder_settles_a_refund_like_a_notification_does(session, now):
    order = make_order(session, now=now)
    pay_order(session, order=order, now=now)
    refund = service.request_refund(
        session,
        order_id=order.id,
        source="after_sale:A9",
        amount_fen=order.payable_fen,
        line_amounts={
            line.id: line.payable_fen for line in orders.lines(session, order_id=order.id)
        },
        freight_fen=order.freight_fen,
        reason="不想要了",
        now=now,
    )

    settle_refund(session, refund=refund, now=now)

    found = session.scalars(select(Refund).where(Refund.id == refund.id)).one()
    assert found.status == RefundStatus.SUCCESS
    assert orders.get(session, order_no=order.order_no).status == "refunded"
