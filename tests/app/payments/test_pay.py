"""Paying for an order: one number, the same bytes, and never money for what is gone."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.core.auth import Audience
from app.orders import service as orders
from app.payments import calls
from app.payments.attempts import AlreadyPaid
from app.payments.models import Payment, PaymentStatus
from app.wechat import crypto, signing
from app.wechat.errors import ResultUnknown, WeChatRefused
from tests.app.wechat import platform as world
from tests.builders.members import make_member


def payments(mall) -> list[Payment]:
    mall.session.rollback()
    return list(mall.session.scalars(select(Payment).order_by(Payment.id)))


def pay(mall, shopper, order):
    return mall.client.post(f"/api/v1/orders/{order.order_no}/pay", headers=shopper(order))


class TestPay:
    def test_answers_what_the_client_passes_to_wechat(self, mall, shopper):
        order = mall.order()

        answer = pay(mall, shopper, order)

        params = answer.json
        assert answer.status_code == 200
        assert set(params) == {"timeStamp", "nonceStr", "package", "signType", "paySign"}
        message = signing.payment_message(
            world.APPID, params["timeStamp"], params["nonceStr"], params["package"]
        )
        assert crypto.verifies(world.key(0).public_key(), message, params["paySign"])

    def test_asks_wechat_for_the_payable_amount_until_the_order_expires(self, mall, shopper):
        order = mall.order()

        pay(mall, shopper, order)

        (payment,) = payments(mall)
        body = json.loads(payment.request_body)
        assert body["amount"] == {"total": order.payable_fen, "currency": "CNY"}
        assert body["notify_url"] == "https://mall.example/webhooks/wechat/pay"
        assert payment.status == PaymentStatus.OPEN
        assert mall.platform.calls == [("POST", "/v3/pay/transactions/jsapi", payment.request_body)]

    def test_again_within_two_hours_uses_the_same_number_without_asking_again(self, mall, shopper):
        order = mall.order(pay_within=timedelta(hours=5))
        first = pay(mall, shopper, order).json

        mall.wait(minutes=110)
        again = pay(mall, shopper, order).json

        assert again["package"] == first["package"]
        assert again["paySign"] != first["paySign"]
        assert len(mall.platform.calls) == 1

    def test_a_prepay_id_near_its_end_is_renewed_with_the_very_same_bytes(self, mall, shopper):
        order = mall.order(pay_within=timedelta(hours=5))
        first = pay(mall, shopper, order).json

        mall.wait(minutes=116)
        again = pay(mall, shopper, order).json

        bodies = [body for _, target, body in mall.platform.calls if target.endswith("jsapi")]
        assert again["package"] != first["package"]
        assert bodies[0] == bodies[1]
        assert len(payments(mall)) == 1

    @pytest.mark.parametrize("fault", ["cut", "unreachable", (500, "SYSTEM_ERROR"), "unsigned"])
    def test_after_a_lost_answer_the_same_bytes_are_sent_again(self, mall, shopper, fault):
        order = mall.order()
        mall.platform.faults = [fault]

        lost = pay(mall, shopper, order)
        again = pay(mall, shopper, order)

        assert (lost.status_code, lost.json["code"]) == (503, "wechat_unavailable")
        assert again.status_code == 200
        assert len({body for _, _, body in mall.platform.calls}) == 1
        assert len(payments(mall)) == 1

    def test_a_refusal_is_passed_on_and_keeps_the_number(self, mall, shopper):
        order = mall.order()
        mall.platform.faults = [(403, "NO_AUTH")]

        refused = pay(mall, shopper, order)

        assert (refused.status_code, refused.json["code"]) == (502, "wechat_refused")
        assert "NO_AUTH" not in refused.text
        assert pay(mall, shopper, order).status_code == 200
        assert len(payments(mall)) == 1

    def test_a_new_number_is_made_only_when_wechat_has_closed_the_old_one(self, mall, shopper):
        order = mall.order(pay_within=timedelta(hours=5))
        pay(mall, shopper, order)
        (first,) = payments(mall)
        mall.platform.trades[first.out_trade_no]["state"] = "CLOSED"
        mall.wait(hours=2)

        answer = pay(mall, shopper, order)

        old, new = payments(mall)
        assert answer.status_code == 200
        assert (old.status, new.status) == (PaymentStatus.CLOSED, PaymentStatus.OPEN)
        assert old.out_trade_no != new.out_trade_no

    def test_a_payment_nobody_told_us_about_is_found_when_paying_again(self, mall, shopper):
        order = mall.order(pay_within=timedelta(hours=5))
        pay(mall, shopper, order)
        (first,) = payments(mall)
        mall.platform.pay(first.out_trade_no)
        mall.wait(hours=2)

        answer = pay(mall, shopper, order)

        assert (answer.status_code, answer.json["code"]) == (409, "order_already_paid")
        assert mall.look(order).status == "paid"

    def test_a_refusal_about_an_attempt_that_is_still_open_is_passed_on(self, mall):
        order = mall.order()
        calls.prepay(order_no=order.order_no, buyer_id=order.buyer_id)
        mall.wait(minutes=29)
        (payment,) = payments(mall)
        payment.prepay_expires_at = mall.now
        mall.session.commit()
        mall.platform.faults = [(403, "OUT_TRADE_NO_USED")]

        with pytest.raises(WeChatRefused, match="OUT_TRADE_NO_USED"):
            calls.prepay(order_no=order.order_no, buyer_id=order.buyer_id)

    def test_an_attempt_that_ends_twice_under_our_hands_is_given_up_for_now(self, mall):
        order = mall.order()
        mall.platform.faults = [(400, "ORDERPAID"), None, (400, "ORDERPAID")]

        with pytest.raises(WeChatRefused, match="ORDERPAID"):
            calls.prepay(order_no=order.order_no, buyer_id=order.buyer_id)

    def test_nobody_pays_for_an_order_that_closed_while_wechat_was_asked(self, mall, monkeypatch):
        order = mall.order()
        prepay = mall.platform._prepay

        def meanwhile(body):
            orders.cancel(
                mall.session, order_no=order.order_no, buyer_id=order.buyer_id, now=mall.now
            )
            mall.session.commit()
            return prepay(body)

        monkeypatch.setattr(mall.platform, "_prepay", meanwhile)

        with pytest.raises(orders.OrderClosed):
            calls.prepay(order_no=order.order_no, buyer_id=order.buyer_id)
        assert payments(mall)[0].prepay_id is None

    @pytest.mark.parametrize(
        ("status", "code"),
        [("closing", "order_closed"), ("closed", "order_closed"), ("paid", "order_already_paid")],
    )
    def test_refuses_an_order_that_is_not_to_be_paid(self, mall, shopper, status, code):
        order = mall.order(status=status)

        answer = pay(mall, shopper, order)

        assert (answer.status_code, answer.json["code"]) == (409, code)
        assert payments(mall) == []
        assert mall.platform.calls == []

    def test_refuses_an_order_out_of_time_even_before_it_is_closed(self, mall, shopper):
        order = mall.order()
        headers = shopper(order)
        mall.wait(minutes=30)

        answer = mall.client.post(f"/api/v1/orders/{order.order_no}/pay", headers=headers)

        assert (answer.status_code, answer.json["code"]) == (409, "order_closed")

    def test_is_for_the_buyer_alone(self, mall, token_for):
        order = mall.order()
        stranger = make_member(mall.session)
        mall.session.commit()
        headers = token_for(Audience.SHOPPER, stranger.id)
        path = f"/api/v1/orders/{order.order_no}/pay"

        assert mall.client.post(path).status_code == 401
        assert mall.client.post(path, headers=headers).status_code == 404
        assert payments(mall) == []

    def test_a_mall_without_wechat_says_so(self, mall, shopper, app):
        order = mall.order()
        app.extensions["wechat"] = None

        answer = pay(mall, shopper, order)

        assert (answer.status_code, answer.json["code"]) == (503, "wechat_not_configured")

    def test_a_button_held_down_is_slowed(self, mall, shopper):
        order = mall.order()
        headers = shopper(order)
        path = f"/api/v1/orders/{order.order_no}/pay"

        answers = [mall.client.post(path, headers=headers).status_code for _ in range(31)]

        assert answers == [200] * 30 + [429]

    def test_two_numbers_are_never_open_together(self, mall):
        order = mall.order()
        mall.platform.faults = ["cut"]
        with pytest.raises(ResultUnknown):
            calls.prepay(order_no=order.order_no, buyer_id=order.buyer_id)
        calls.prepay(order_no=order.order_no, buyer_id=order.buyer_id)

        assert len(payments(mall)) == 1


class TestState:
    def show(self, mall, shopper, order):
        path = f"/api/v1/orders/{order.order_no}/payment"
        return mall.client.get(path, headers=shopper(order))

    def test_an_order_nobody_tried_to_pay_is_unpaid(self, mall, shopper):
        order = mall.order()

        answer = self.show(mall, shopper, order)

        assert answer.json == {
            "state": "unpaid",
            "payable_fen": order.payable_fen,
            "paid_at": None,
        }
        assert mall.platform.calls == []

    def test_wechat_is_asked_when_it_has_not_said_yet(self, mall, shopper):
        order = mall.order()
        pay(mall, shopper, order)
        mall.platform.pay(payments(mall)[0].out_trade_no)

        assert self.show(mall, shopper, order).json["state"] == "paid"
        assert mall.look(order).status == "paid"

    def test_wechat_is_not_asked_twice_in_a_moment(self, mall, shopper):
        order = mall.order()
        pay(mall, shopper, order)

        for _ in range(3):
            assert self.show(mall, shopper, order).json["state"] == "unpaid"

        assert len(mall.platform.calls) == 2

    def test_what_we_know_is_answered_when_wechat_is_silent(self, mall, shopper):
        order = mall.order()
        pay(mall, shopper, order)
        mall.platform.faults = ["unreachable"]

        assert self.show(mall, shopper, order).json["state"] == "unpaid"

    def test_a_closed_order_is_closed(self, mall, shopper):
        order = mall.order(status="closed")

        assert self.show(mall, shopper, order).json["state"] == "closed"

    def test_late_money_is_never_called_success(self, mall, shopper):
        order = mall.order()
        pay(mall, shopper, order)
        orders.cancel(mall.session, order_no=order.order_no, buyer_id=order.buyer_id, now=mall.now)
        mall.session.commit()
        mall.run_jobs()
        number = payments(mall)[0].out_trade_no
        mall.hear(mall.platform.pay(number))
        mall.run_jobs()

        assert self.show(mall, shopper, order).json["state"] == "refunding"
        ((refund_no, _),) = mall.platform.refunds.items()
        mall.hear_of_refund(mall.platform.settle_refund(refund_no))
        mall.run_jobs()
        assert self.show(mall, shopper, order).json["state"] == "refunded"

    def test_is_for_the_buyer_alone(self, mall, token_for):
        order = mall.order()
        stranger = make_member(mall.session)
        mall.session.commit()
        headers = token_for(Audience.SHOPPER, stranger.id)
        path = f"/api/v1/orders/{order.order_no}/payment"

        assert mall.client.get(path).status_code == 401
        assert mall.client.get(path, headers=headers).status_code == 404


def test_an_order_paid_meanwhile_refuses_the_late_prepay_id(mall, monkeypatch):
    order = mall.order()
    prepay = mall.platform._prepay

    def meanwhile(body):
        answer = prepay(body)
        number = json.loads(body)["out_trade_no"]
        mall.hear(mall.platform.pay(number))
        mall.run_jobs()
        return answer

    monkeypatch.setattr(mall.platform, "_prepay", meanwhile)

    with pytest.raises(AlreadyPaid):
        calls.prepay(order_no=order.order_no, buyer_id=order.buyer_id)
