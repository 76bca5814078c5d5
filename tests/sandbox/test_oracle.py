"""
An independent opinion: wechatpayv3, a library other people use against the real WeChat.

It signs requests the sandbox must accept, verifies the sandbox's answers, and opens its
notifications. Its gateway is a private attribute, so it works in public-key mode only (in
certificate mode its constructor would already call the real host).
"""

import json

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from wechatpayv3 import WeChatPay, WeChatPayType

from tests.sandbox.merchant import APIV3_KEY, APPID, MCHID, SERIAL


@pytest.fixture
def library(merchant):
    platform = merchant.look("platform")
    pem = merchant.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    library = WeChatPay(
        wechatpay_type=WeChatPayType.MINIPROG,
        mchid=merchant.mchid,
        private_key=pem,
        cert_serial_no=SERIAL,
        apiv3_key=APIV3_KEY,
        appid=merchant.appid,
        notify_url="https://mall.example.com/webhooks/wechat/pay",
        public_key=platform["public_key"],
        public_key_id=platform["public_key_id"],
    )
    library._core._gate_way = merchant.url
    return library


def _open(library, number, total=9900):
    code, text = library.pay(
        description="龙井茶 250g",
        out_trade_no=number,
        amount={"total": total, "currency": "CNY"},
        payer={"openid": "o-buyer"},
    )
    assert code == 200, text
    return json.loads(text)["prepay_id"]


def test_its_requests_are_accepted_and_it_accepts_the_answers(library, merchant):
    _open(library, "P-oracle-1")

    code, text = library.query(out_trade_no="P-oracle-1")
    closed, _ = library.close(out_trade_no="P-oracle-1")

    assert (code, json.loads(text)["trade_state"]) == (200, "NOTPAY")
    assert closed == 204


def test_its_pay_sign_pays(library, merchant):
    prepay_id = _open(library, "P-oracle-2")
    stamp, nonce, package = "1700000000", "nonce", f"prepay_id={prepay_id}"

    sign = library.sign([merchant.appid, stamp, nonce, package])
    paid = merchant.control(
        "trades/P-oracle-2/pay",
        timeStamp=stamp,
        nonceStr=nonce,
        package=package,
        signType="RSA",
        paySign=sign,
    )

    assert paid["errMsg"] == "requestPayment:ok"
    assert paid["unchecked"] is False


def test_it_opens_our_payment_notification(library, merchant):
    _open(library, "P-oracle-3")
    merchant.control("trades/P-oracle-3/pay", unchecked=True)

    taken = merchant.take("P-oracle-3")
    event = library.callback(taken["headers"], taken["body"])

    assert event["event_type"] == "TRANSACTION.SUCCESS"
    assert event["resource"]["out_trade_no"] == "P-oracle-3"
    assert event["resource"]["amount"]["total"] == 9900


def test_it_refunds_queries_and_opens_our_refund_notification(library, merchant):
    _open(library, "P-oracle-4")
    merchant.control("trades/P-oracle-4/pay", unchecked=True)

    code, _ = library.refund(
        out_refund_no="R-oracle-4",
        out_trade_no="P-oracle-4",
        amount={"refund": 100, "total": 9900, "currency": "CNY"},
    )
    merchant.control("idle")
    queried, text = library.query_refund("R-oracle-4")
    taken = merchant.take("R-oracle-4")
    event = library.callback(taken["headers"], taken["body"])

    assert (code, queried, json.loads(text)["status"]) == (200, 200, "SUCCESS")
    assert event["event_type"] == "REFUND.SUCCESS"
    assert event["resource"]["refund_status"] == "SUCCESS"


def _transfer(library, number, **changes):
    code, text = library.mch_transfer_bills(
        out_bill_no=number,
        transfer_scene_id="1005",
        openid="o-payee",
        transfer_amount=changes.get("fen", 200_000),
        transfer_remark="分销佣金",
        user_name=changes.get("name", "王小明"),
        transfer_scene_report_infos=[
            {"info_type": "岗位类型", "info_content": "分销员"},
            {"info_type": "报酬说明", "info_content": "商品推广佣金"},
        ],
    )
    return code, json.loads(text)


def test_it_transfers_queries_and_opens_our_transfer_notification(library, merchant):
    code, bill = _transfer(library, "Woracle1")
    _, again = _transfer(library, "Woracle1")
    merchant.control("receive", mchId=MCHID, appId=APPID, package=bill["package_info"])
    merchant.control("idle")

    by_number, text = library.mch_transfer_bills_query(out_bill_no="Woracle1")
    by_id, same = library.mch_transfer_bills_query(transfer_bill_no=bill["transfer_bill_no"])
    taken = merchant.take("Woracle1")
    event = library.callback(taken["headers"], taken["body"])

    shown = json.loads(text)
    assert (code, bill["state"], again) == (200, "WAIT_USER_CONFIRM", bill)
    assert (by_number, by_id, shown["state"]) == (200, 200, "SUCCESS")
    assert json.loads(same)["out_bill_no"] == "Woracle1"
    assert library.decrypt(shown["user_name"]) == "王小明"
    assert event["event_type"] == "MCHTRANSFER.BILL.FINISHED"
    assert event["resource"]["state"] == "SUCCESS"


def test_it_cancels_a_transfer(library, merchant):
    _transfer(library, "Woracle2", fen=100, name=None)

    code, text = library.mch_transfer_bills_cancel("Woracle2")
    merchant.control("idle")
    _, after = library.mch_transfer_bills_query(out_bill_no="Woracle2")
    taken = merchant.take("Woracle2")

    assert (code, json.loads(text)["state"]) == (200, "CANCELING")
    assert json.loads(after)["state"] == "CANCELLED"
    assert library.callback(taken["headers"], taken["body"])["resource"]["state"] == "CANCELLED"


@pytest.mark.parametrize("kind", ["bad_signature", "signtest", "wrong_key"])
def test_it_refuses_what_we_spoil(library, merchant, kind):
    number = merchant.paid()

    taken = merchant.take(number, kind=kind)

    assert library.callback(taken["headers"], taken["body"]) is None
