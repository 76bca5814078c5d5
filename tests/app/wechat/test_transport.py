"""What the signed client sends, believes and refuses."""

import json
import logging
import threading
from datetime import timedelta

import pytest
from httpx import MockTransport, Response
from wechatpayv3.utils import build_authorization, rsa_verify

from app.wechat import bodies, crypto, signing
from app.wechat.errors import ResultUnknown, TooFast, UntrustedAnswer, WeChatRefused
from app.wechat.keys import UnknownSerial
from app.wechat.transport import http_client
from tests.app.wechat import platform as world
from tests.app.wechat.platform import MCHID, NOW, SERIAL, Platform, pay_client, transport


@pytest.fixture
def platform() -> Platform:
    return Platform()


def prepay_body(number: str = "P01", **changes: object) -> bytes:
    facts = {
        "appid": world.APPID,
        "mchid": MCHID,
        "out_trade_no": number,
        "description": "棉麻衬衫 · 白色",
        "amount_fen": 9900,
        "openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o",
        "notify_url": "https://mall.example/webhooks/wechat/pay",
        "expires_at": NOW + timedelta(minutes=30),
    }
    return bodies.prepay_body(**{**facts, **changes})  # type: ignore[arg-type]


def refund_body(*, transaction_id: str = "42", reason: str = "") -> bytes:
    return bodies.refund_body(
        transaction_id=transaction_id,
        out_refund_no="R01",
        reason=reason,
        notify_url="https://mall.example/webhooks/wechat/refund",
        refund_fen=100,
        total_fen=9900,
    )


class TestAnswers:
    def test_prepay_gives_the_prepay_id_of_a_verified_answer(self, platform):
        assert pay_client(platform).prepay(prepay_body()).startswith("wx")

    def test_the_bytes_sent_are_the_bytes_given(self, platform):
        pay_client(platform).prepay(body := prepay_body())

        assert platform.calls == [("POST", "/v3/pay/transactions/jsapi", body)]

    def test_the_same_body_again_is_accepted_and_another_is_not(self, platform):
        pay = pay_client(platform)
        pay.prepay(prepay_body())
        pay.prepay(prepay_body())

        with pytest.raises(WeChatRefused) as refusal:
            pay.prepay(prepay_body(amount_fen=9901))

        assert refusal.value.reason == "OUT_TRADE_NO_USED"
        assert refusal.value.http_status == 403
        assert refusal.value.request_id == "RID"

    def test_an_unknown_number_is_none_not_an_error(self, platform):
        assert pay_client(platform).query("P404") is None
        assert pay_client(platform).query_refund("R404") is None

    def test_closing_answers_without_a_body_and_may_be_repeated(self, platform):
        pay = pay_client(platform)
        pay.prepay(prepay_body())

        pay.close("P01")
        pay.close("P01")

        assert platform.trades["P01"]["state"] == "CLOSED"
        assert json.loads(platform.calls[-1][2]) == {"mchid": MCHID}

    def test_closing_a_paid_transaction_is_refused(self, platform):
        pay = pay_client(platform)
        pay.prepay(prepay_body())
        platform.pay("P01")

        with pytest.raises(WeChatRefused, match="ORDERPAID"):
            pay.close("P01")

    def test_a_refund_is_accepted_and_found_again(self, platform):
        pay = pay_client(platform)
        pay.prepay(prepay_body())
        paid = platform.pay("P01")
        body = refund_body(transaction_id=paid["transaction_id"], reason="不想要了😀")

        accepted = pay.refund(body)

        assert accepted["status"] == "PROCESSING"
        assert pay.query_refund("R01") == accepted
        assert json.loads(body)["reason"] == "不想要了"
        assert "reason" not in json.loads(refund_body(reason="😀"))

    @pytest.mark.parametrize("fault", ["unsigned", "tampered", "stale", "not-json"])
    def test_a_success_that_proves_nothing_is_not_believed(self, platform, fault):
        platform.faults = [fault]

        with pytest.raises(UntrustedAnswer):
            pay_client(platform).prepay(prepay_body())

    @pytest.mark.parametrize("fault", ["unreachable", "cut", (500, "SYSTEM_ERROR"), (502, "X")])
    def test_no_answer_means_the_result_is_unknown(self, platform, fault):
        platform.faults = [fault]

        with pytest.raises(ResultUnknown):
            pay_client(platform).prepay(prepay_body())

    def test_202_asks_for_the_same_request_again(self, platform):
        platform.faults = [(202, "ACCEPTED")]

        with pytest.raises(ResultUnknown):
            pay_client(platform).prepay(prepay_body())

    def test_too_fast_is_unknown_too(self, platform):
        platform.faults = [(429, "FREQUENCY_LIMITED")]

        with pytest.raises(TooFast) as failure:
            pay_client(platform).prepay(prepay_body())

        assert isinstance(failure.value, ResultUnknown)

    @pytest.mark.parametrize("call", ["query", "query_refund"])
    def test_another_refusal_of_a_query_is_raised(self, platform, call):
        platform.faults = [(403, "NO_AUTH")]

        with pytest.raises(WeChatRefused, match="NO_AUTH"):
            getattr(pay_client(platform), call)("X")

    def test_an_accepted_prepay_without_its_id_is_not_believed(self, platform, monkeypatch):
        monkeypatch.setattr(platform, "answer", lambda *_: (200, {"prepayid": "?"}))

        with pytest.raises(UntrustedAnswer, match="prepay_id"):
            pay_client(platform).prepay(prepay_body())

    @pytest.mark.parametrize("answer", [[], "text", 7])
    def test_an_answer_that_is_no_object_is_not_believed(self, platform, monkeypatch, answer):
        monkeypatch.setattr(platform, "answer", lambda *_: (200, answer))

        with pytest.raises(UntrustedAnswer):
            pay_client(platform).query("P01")

    def test_a_refusal_without_json_still_says_its_status(self, platform, monkeypatch):
        monkeypatch.setattr(platform, "answer", lambda *_: (404, None))

        with pytest.raises(WeChatRefused, match="HTTP_404"):
            pay_client(platform).query("P01")


class TestKeys:
    def test_the_public_key_mode_is_announced(self, platform):
        client = transport(platform)

        assert client.keys.declared_serial == world.PUBLIC_KEY_ID
        assert client.keys.newest(NOW)[0] == world.PUBLIC_KEY_ID

    def test_certificates_are_fetched_when_an_answer_names_one(self, platform):
        platform.certificates = [world.certificate()]
        platform.signs_with = (2, "ABCDEF0123")
        platform.refunds["R01"] = {"status": "SUCCESS"}

        answer = transport(platform, public_key=False).get("/v3/refund/domestic/refunds/R01")

        assert answer.data == {"status": "SUCCESS"}

    def test_both_modes_work_side_by_side_while_a_merchant_is_moved(self, platform):
        pay = pay_client(platform)
        pay.prepay(prepay_body())
        platform.certificates = [world.certificate()]

        platform.signs_with = (2, "ABCDEF0123")

        assert pay.query("P01")["trade_state"] == "NOTPAY"
        assert [target for _, target, _ in platform.calls].count("/v3/certificates") == 1
        platform.signs_with = (1, world.PUBLIC_KEY_ID)
        assert pay.query("P01")["trade_state"] == "NOTPAY"

    def test_a_serial_number_is_found_as_wechat_writes_it_leading_zero_and_all(self, platform):
        platform.certificates = [world.certificate(serial=0x0BCDEF0123)]
        platform.signs_with = (2, "0BCDEF0123")

        assert transport(platform, public_key=False).keys.find("0BCDEF0123", NOW)

    def test_an_expired_certificate_signs_nothing(self, platform):
        platform.certificates = [world.certificate(days=1)]
        platform.signs_with = (2, "ABCDEF0123")
        keys = transport(platform, public_key=False).keys
        assert keys.find("ABCDEF0123", NOW)

        with pytest.raises(UnknownSerial):
            keys.find("ABCDEF0123", NOW + timedelta(days=2))

    def test_invented_serials_cannot_make_us_ask_again_and_again(self, platform):
        keys = transport(platform, public_key=False).keys

        for serial in ["AAAA", "BBBB", "PUB_KEY_ID_9", "not hex", "A" * 41, ""]:
            with pytest.raises(UnknownSerial):
                keys.find(serial, NOW)

        assert len(platform.calls) == 1

    def test_the_list_is_fetched_again_after_twelve_hours_and_the_old_one_serves_meanwhile(
        self, platform
    ):
        platform.certificates = [world.certificate()]
        platform.signs_with = (2, "ABCDEF0123")
        keys = transport(platform, public_key=False).keys
        keys.find("ABCDEF0123", NOW)
        platform.now = NOW + timedelta(hours=12)
        platform.faults = ["unreachable"]

        assert keys.find("ABCDEF0123", platform.now)
        assert keys.newest(platform.now)[0] == "ABCDEF0123"
        assert len(platform.calls) == 2

    def test_the_newest_certificate_encrypts(self, platform):
        platform.certificates = [world.certificate(), world.certificate(3, serial=0xB0)]
        platform.signs_with = (2, "ABCDEF0123")

        _serial, key = transport(platform, public_key=False).keys.newest(NOW)

        assert len(crypto.seal_oaep(key, "王小明")) == 344

    def test_without_any_key_nothing_can_be_encrypted(self, platform):
        platform.faults = [(404, "RESOURCE_NOT_EXISTS")]

        with pytest.raises(UnknownSerial):
            transport(platform, public_key=False).keys.newest(NOW)

    @pytest.mark.parametrize("fault", ["unsigned", "tampered", "stale", "not-json"])
    def test_a_list_of_certificates_that_does_not_verify_is_not_taken(self, platform, fault):
        platform.certificates = [world.certificate()]
        platform.signs_with = (2, "ABCDEF0123")
        platform.faults = [fault]

        with pytest.raises(UnknownSerial):
            transport(platform, public_key=False).keys.find("ABCDEF0123", NOW)

    def test_a_list_signed_by_a_stranger_is_not_taken(self, platform):
        platform.certificates = [world.certificate()]
        platform.signs_with = (3, "ABCDEF0123")

        with pytest.raises(UnknownSerial):
            transport(platform, public_key=False).keys.find("ABCDEF0123", NOW)

    def test_the_public_key_may_sign_the_list(self, platform):
        platform.certificates = [world.certificate()]

        assert transport(platform).keys.find("ABCDEF0123", NOW)

    def test_nobody_waits_for_a_list_that_is_merely_old(self, platform):
        platform.certificates = [world.certificate()]
        platform.signs_with = (2, "ABCDEF0123")
        keys = transport(platform, public_key=False).keys
        keys.find("ABCDEF0123", NOW)

        with keys._fetching:
            assert keys.find("ABCDEF0123", NOW + timedelta(hours=13))

        assert len(platform.calls) == 1

    def test_many_threads_ask_once(self, platform):
        platform.certificates = [world.certificate()]
        platform.signs_with = (2, "ABCDEF0123")
        keys = transport(platform, public_key=False).keys
        threads = [threading.Thread(target=keys.find, args=("ABCDEF0123", NOW)) for _ in range(8)]

        for each in threads:
            each.start()
        for each in threads:
            each.join()

        assert len(platform.calls) == 1


class TestSignatures:
    def test_another_implementation_builds_the_same_authorization(self, monkeypatch):
        monkeypatch.setattr("wechatpayv3.utils.time.time", NOW.timestamp)
        target, body = "/v3/pay/transactions/jsapi", prepay_body()
        theirs = build_authorization(
            target, "POST", MCHID, SERIAL, world.key(0), data=body.decode(), nonce_str="N1"
        )

        ours = world.signer().authorization("POST", target, body, now=NOW, nonce="N1")

        scheme, _, facts = ours.partition(" ")
        assert scheme == theirs.partition(" ")[0]
        assert sorted(facts.split(",")) == sorted(theirs.partition(" ")[2].split(","))

    def test_another_implementation_accepts_what_we_would_accept(self, platform):
        headers = platform.headers(body := '{"说":"好"}'.encode())

        assert rsa_verify(
            headers["Wechatpay-Timestamp"],
            headers["Wechatpay-Nonce"],
            body.decode(),
            headers["Wechatpay-Signature"],
            world.key(1).public_key(),
        )

    def test_the_payment_parameters_are_signed_with_the_appid_they_do_not_carry(self, platform):
        params = pay_client(platform).request_payment_params("wx123", NOW)

        message = signing.payment_message(
            world.APPID, params["timeStamp"], params["nonceStr"], "prepay_id=wx123"
        )
        assert crypto.verifies(world.key(0).public_key(), message, params["paySign"])
        assert params["signType"] == "RSA"
        assert set(params) == {"timeStamp", "nonceStr", "package", "signType", "paySign"}

    def test_a_body_carries_no_null_and_no_emoji(self):
        body = prepay_body(description="😀👍" * 40)

        assert json.loads(body)["description"] == "P01"
        assert b"null" not in body

    def test_a_long_description_is_cut_between_characters(self):
        shown = json.loads(prepay_body(description="好" * 60))["description"]

        assert shown == "好" * 42

    def test_the_expiry_is_written_in_chinese_time(self):
        assert json.loads(prepay_body())["time_expire"] == "2026-11-23T12:30:00+08:00"


def test_no_log_line_carries_a_whole_url(caplog, monkeypatch):
    client = http_client("https://weixin.example", 1.0)
    monkeypatch.setattr(
        client, "_transport_for_url", lambda _: MockTransport(lambda _: Response(200))
    )

    with caplog.at_level(logging.DEBUG):
        client.get("/sns/jscode2session?secret=topsecret")

    assert "topsecret" not in caplog.text
