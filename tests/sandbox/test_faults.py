"""Calls that go wrong on demand, and the switches themselves."""

import json
import time

import httpx
import pytest
from cryptography.exceptions import InvalidSignature


class TestCalls:
    @pytest.mark.parametrize(
        ("kind", "status", "code"),
        [
            ("429", 429, "FREQUENCY_LIMITED"),
            ("500", 500, "SYSTEM_ERROR"),
            ("503", 503, "SERVICE_UNAVAILABLE"),
        ],
    )
    def test_a_refused_call_did_nothing(self, merchant, kind, status, code):
        merchant.fault("prepay", kind)
        number = "P-refused-once"

        answer = merchant.prepay(out_trade_no=number)

        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert "Wechatpay-Signature" not in answer.headers
        assert merchant.query(number).status_code == 404

    @pytest.mark.parametrize(("kind", "status"), [("accepted_429", 429), ("accepted_500", 500)])
    def test_a_call_can_be_done_and_answered_with_an_error(self, merchant, kind, status):
        number = merchant.paid()
        merchant.fault("refund", kind)

        answer = merchant.refund(number, out_refund_no="R-maybe")

        assert answer.status_code == status
        assert merchant.query_refund("R-maybe").status_code == 200

    def test_a_merchant_without_money_cannot_refund(self, merchant):
        merchant.fault("refund", "not_enough")
        number = merchant.paid()

        answer = merchant.refund(number)

        assert (answer.status_code, answer.json()["code"]) == (403, "NOT_ENOUGH")
        assert merchant.refund(number).status_code == 200

    def test_any_documented_error_can_be_asked_for(self, merchant):
        args = {"status": 403, "code": "RULE_LIMIT", "message": "业务规则限制"}
        merchant.fault("close", "error", args=args)

        answer = merchant.close(merchant.open()[0])

        assert (answer.status_code, answer.json()["code"]) == (403, "RULE_LIMIT")

    def test_a_cut_connection_has_done_its_work(self, merchant):
        merchant.fault("prepay", "cut")

        with pytest.raises(httpx.RemoteProtocolError):
            merchant.prepay(out_trade_no="P-cut-off")

        assert merchant.query("P-cut-off").json()["trade_state"] == "NOTPAY"

    def test_a_lost_request_has_not(self, merchant):
        merchant.fault("prepay", "lost")

        with pytest.raises(httpx.RemoteProtocolError):
            merchant.prepay(out_trade_no="P-lost-one")

        assert merchant.query("P-lost-one").status_code == 404

    def test_a_slow_answer_takes_its_time(self, merchant):
        merchant.fault("query", "slow", args={"seconds": 0.3})
        number, _ = merchant.open()

        begun = time.monotonic()
        answer = merchant.query(number)

        assert answer.status_code == 200
        assert time.monotonic() - begun >= 0.3

    def test_half_a_body_is_rightly_signed(self, merchant):
        merchant.fault("query", "malformed_json")

        answer = merchant.query(merchant.open()[0])

        merchant.verify(answer.headers, answer.text)
        with pytest.raises(json.JSONDecodeError):
            answer.json()

    def test_unknown_fields_are_added_and_signed(self, merchant):
        merchant.fault("query", "unknown_fields")

        answer = merchant.query(merchant.open()[0])

        merchant.verify(answer.headers, answer.text)
        assert answer.json()["z_new"] == "NEW"

    @pytest.mark.parametrize(
        ("kind", "error"),
        [("bad_signature", InvalidSignature), ("unknown_serial", KeyError), ("unsigned", KeyError)],
    )
    def test_an_answer_can_be_wrongly_signed(self, merchant, kind, error):
        merchant.fault("query", kind)

        answer = merchant.query(merchant.open()[0])

        assert answer.status_code == 200
        with pytest.raises(error):
            merchant.verify(answer.headers, answer.text)

    def test_an_answer_can_be_old_but_rightly_signed(self, merchant, sandbox):
        merchant.fault("query", "stale_timestamp", args={"seconds": 301})

        answer = merchant.query(merchant.open()[0])

        merchant.verify(answer.headers, answer.text)
        age = sandbox.world.clock.timestamp() - int(answer.headers["Wechatpay-Timestamp"])
        assert age >= 301

    def test_an_answer_can_tell_another_amount(self, merchant):
        merchant.fault("query", "wrong_amount")
        number = merchant.paid()

        assert merchant.query(number).json()["amount"]["total"] == 9901
        assert merchant.query(number).json()["amount"]["total"] == 9900


class TestSwitches:
    def test_a_fault_happens_as_often_as_it_says(self, merchant):
        merchant.fault("query", "500", times=2)
        number, _ = merchant.open()

        assert [merchant.query(number).status_code for _ in range(3)] == [500, 500, 200]

    def test_two_refusals_take_turns(self, merchant):
        merchant.fault("query", "500")
        merchant.fault("query", "429")
        number, _ = merchant.open()

        assert [merchant.query(number).status_code for _ in range(3)] == [500, 429, 200]

    def test_a_star_means_every_call(self, merchant):
        merchant.fault("*", "500")

        assert merchant.prepay().status_code == 500
        assert merchant.prepay().status_code == 200

    def test_a_refused_stranger_uses_nothing_up(self, merchant):
        merchant.fault("prepay", "500")

        merchant.send("POST", "/v3/pay/transactions/jsapi", merchant.order(), signature="eA==")

        assert len(merchant.look("faults")["faults"]) == 1

    def test_a_match_waits_for_its_request(self, merchant):
        merchant.fault("query", "500", match="P-the-chosen")
        number, _ = merchant.open()
        chosen, _ = merchant.open(out_trade_no="P-the-chosen")

        assert merchant.query(number).status_code == 200
        assert merchant.query(chosen).status_code == 500

    def test_are_listed_and_switched_off(self, merchant):
        first = merchant.fault("query", "500")
        merchant.fault("close", "cut")

        merchant.http.delete(f"/control/faults/{first['id']}")
        assert [one["on"] for one in merchant.look("faults")["faults"]] == ["close"]
        merchant.http.delete("/control/faults")

        assert merchant.look("faults")["faults"] == []

    @pytest.mark.parametrize(
        "body",
        [
            {"on": "nowhere", "kind": "500"},
            {"on": "query", "kind": "duplicate"},
            {"on": "notify_payment", "kind": "500"},
            {"on": "query"},
            {"on": "query", "kind": "500", "times": 0},
            {"on": "query", "kind": "500", "times": "2"},
            {"on": "query", "kind": "500", "args": []},
            {"on": "query", "kind": "500", "match": 1},
            [],
        ],
    )
    def test_one_that_could_never_happen_is_refused(self, merchant, body):
        answer = merchant.http.post("/control/faults", json=body)

        assert answer.status_code == 422
        assert answer.json()["error"]

    def test_calls_are_remembered_with_what_disturbed_them(self, merchant):
        merchant.fault("query", "500")
        number, _ = merchant.open()
        merchant.query(number)

        prepay, query = merchant.look("calls")["calls"]

        assert (prepay["call"], prepay["status"]) == ("prepay", 200)
        assert json.loads(prepay["body"])["out_trade_no"] == number
        assert "Authorization" not in prepay["headers"]
        assert (query["code"], query["faults"]) == ("SYSTEM_ERROR", ["500"])
        assert query["target"].endswith(f"?mchid={merchant.mchid}")
