"""
The mall against the sandbox, over HTTP: two programs that share no code and must agree.

The sandbox is told over its control API; its notifications are taken from there and posted to the
mall's webhook, which is where they would arrive.
"""

import json

import pytest
from wechatpayv3 import SignType, WeChatPay, WeChatPayType

from app.core import clock
from app.payments import calls
from app.wechat import extension
from app.wechat.errors import ResultUnknown
from tests.app.payments.conftest import Mall
from tests.app.payments.sandboxed import Sandbox
from tests.app.payments.test_refunds import request
from tests.app.wechat import platform as world


@pytest.fixture
def mall(mall: Mall, app, sandbox):
    app.extensions["wechat"] = extension.build(sandbox.settings())
    return mall


def open_and_pay(mall: Mall, sandbox: Sandbox):
    """The buyer pays with the parameters the mall gave; the sandbox checks their signature."""
    order = mall.order()
    params = calls.prepay(order_no=order.order_no, buyer_id=order.buyer_id)
    number = mall.payments(order)[0].out_trade_no
    sandbox.control(f"trades/{number}/pay", **params, appId=world.APPID)
    return order, number


def hear(mall: Mall, taken, path: str = "pay") -> int:
    return mall.post(taken["headers"], taken["body"].encode(), path=path)


def test_a_payment_and_its_refund_from_one_end_to_the_other(mall, sandbox):
    order, number = open_and_pay(mall, sandbox)
    (told,) = sandbox.notifications(number)
    assert hear(mall, sandbox.take(told)) == 204
    mall.run_jobs()
    assert mall.look(order).status == "paid"

    refund = request(mall, mall.look(order))
    mall.run_jobs()
    sandbox.control(f"refunds/{refund.out_refund_no}/settle", status="SUCCESS")
    (told,) = sandbox.notifications(refund.out_refund_no)
    assert hear(mall, sandbox.take(told), "refund") == 204
    mall.run_jobs()

    assert mall.look(order).status == "refunded"
    assert mall.breaches() == []


@pytest.mark.parametrize("signing", ["certificate", "mixed"])
def test_every_key_mode_of_the_platform_is_understood(mall, app, sandbox, signing):
    sandbox.control("settings", signing=signing)
    app.extensions["wechat"] = extension.build(sandbox.settings(public_key=signing == "mixed"))

    order, number = open_and_pay(mall, sandbox)
    (told,) = sandbox.notifications(number)
    answers = [hear(mall, sandbox.take(told)) for _ in range(6)]
    mall.run_jobs()

    assert answers == [204] * 6
    assert mall.look(order).status == "paid"


@pytest.mark.parametrize(
    ("kind", "status", "stored"),
    [
        ("bad_signature", 401, []),
        ("stale_timestamp", 401, []),
        ("signtest", 401, []),
        ("unknown_serial", 401, []),
        ("unsigned", 401, []),
        ("xml_body", 401, []),
        ("wrong_key", 401, []),
        ("malformed_json", 401, []),
        ("wrong_amount", 204, ["quarantined"]),
        ("wrong_appid", 204, ["quarantined"]),
        ("wrong_mchid", 204, ["quarantined"]),
        ("unknown_fields", 204, ["applied"]),
    ],
)
def test_every_fault_of_a_notification_is_met(mall, sandbox, kind, status, stored):
    order, number = open_and_pay(mall, sandbox)
    (told,) = sandbox.notifications(number)

    assert hear(mall, sandbox.take(told, kind=kind)) == status

    mall.run_jobs()
    assert [fact.status for fact in mall.inbox()] == stored
    assert mall.look(order).status == ("paid" if stored == ["applied"] else "unpaid")
    # The truth is found by asking, whatever was told.
    mall.wait(minutes=1)
    mall.sweep()
    assert mall.look(order).status == "paid"
    assert mall.breaches() == []


@pytest.mark.parametrize("kind", ["cut", "500", "429", "accepted_500", "bad_signature", "unsigned"])
def test_a_prepay_that_fails_is_repeated_with_the_same_bytes(mall, sandbox, kind):
    order = mall.order()
    sandbox.control("faults", on="prepay", kind=kind)
    with pytest.raises(ResultUnknown):
        calls.prepay(order_no=order.order_no, buyer_id=order.buyer_id)

    assert calls.prepay(order_no=order.order_no, buyer_id=order.buyer_id)

    sent = [each["body"] for each in sandbox.look("calls") if each["call"] == "prepay"]
    assert len(set(sent)) == 1


@pytest.mark.parametrize("kind", ["cut", "accepted_429", "429", "500", "not_enough", "lost"])
def test_a_refund_that_fails_is_repeated_under_the_same_number(mall, sandbox, kind):
    order, number = open_and_pay(mall, sandbox)
    calls.ask(number)
    refund = request(mall, mall.look(order))
    sandbox.control("faults", on="refund", kind=kind)

    mall.run_jobs()
    mall.wait(minutes=1)
    mall.sweep()

    (refund,) = mall.refunds(order)
    assert refund.status == "processing"
    known = sandbox.look("refunds")
    assert [each["out_refund_no"] for each in known] == [refund.out_refund_no]


def test_an_order_is_closed_there_before_it_is_closed_here(mall, sandbox):
    order = mall.order()
    calls.prepay(order_no=order.order_no, buyer_id=order.buyer_id)
    number = mall.payments(order)[0].out_trade_no
    mall.cancel(order)
    sandbox.control("faults", on="close", kind="cut")

    mall.run_jobs()
    assert mall.look(order).status == "closing"
    mall.wait(seconds=15)
    mall.run_jobs()

    assert mall.look(order).status == "closed"
    assert sandbox.look(f"trades/{number}")["trade_state"] == "CLOSED"


def test_another_implementation_reads_the_notification_we_read(mall, sandbox):
    _, number = open_and_pay(mall, sandbox)
    (told,) = sandbox.notifications(number)
    taken = sandbox.take(told)
    platform = sandbox.look("platform")
    other = WeChatPay(
        wechatpay_type=WeChatPayType.MINIPROG,
        mchid=world.MCHID,
        private_key=world.private_pem(0),
        cert_serial_no=world.SERIAL,
        appid=world.APPID,
        apiv3_key=world.APIV3_KEY,
        notify_url="https://mall.example/webhooks/wechat/pay",
        public_key=platform["public_key"],
        public_key_id=platform["public_key_id"],
    )

    theirs = other.callback(taken["headers"], taken["body"])
    reader = extension.build(sandbox.settings()).notifications
    ours = reader.verify_and_open(taken["headers"], taken["body"].encode(), clock.now())

    assert theirs["resource"] == ours.resource
    assert json.dumps(theirs["id"]) == json.dumps(ours.id)
    params = extension.build(sandbox.settings()).pay.request_payment_params("wx1", clock.now())
    assert params["paySign"] == other.sign(
        [world.APPID, params["timeStamp"], params["nonceStr"], params["package"]],
        sign_type=SignType.RSA_SHA256,
    )
