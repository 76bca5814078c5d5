"""Prepay, query, close and the payer's side, over HTTP."""

import secrets
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest


class TestPrepay:
    def test_opens_a_trade_and_answers_a_signed_prepay_id(self, merchant):
        answer = merchant.prepay()

        assert answer.status_code == 200
        assert answer.json()["prepay_id"].startswith("wx")
        assert answer.headers["Request-ID"]
        merchant.verify(answer.headers, answer.text)

    def test_accepts_the_same_body_again_and_refuses_another_one(self, merchant):
        body = merchant.order()
        path = "/v3/pay/transactions/jsapi"
        merchant.send("POST", path, body)

        again = merchant.send("POST", path, body)
        changed = merchant.send("POST", path, {**body, "description": "别的"})

        assert again.status_code == 200
        assert (changed.status_code, changed.json()["code"]) == (403, "OUT_TRADE_NO_USED")

    def test_refuses_a_number_that_is_paid_or_closed(self, merchant):
        body = merchant.order()
        paid = merchant.paid(**body)
        closed = merchant.order()
        merchant.close(merchant.open(**closed)[0])

        assert merchant.prepay(**body).json()["code"] == "ORDERPAID"
        assert merchant.prepay(**closed).json()["code"] == "ORDER_CLOSED"
        assert merchant.query(paid).json()["trade_state"] == "SUCCESS"

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"amount": {"total": 0}}, "/amount/total"),
            ({"amount": {"total": -1}}, "/amount/total"),
            ({"amount": {"total": 1.0}}, "/amount/total"),
            ({"amount": {"total": True}}, "/amount/total"),
            ({"amount": {"total": 1, "currency": "USD"}}, "/amount/currency"),
            ({"amount": {}}, "/amount/total"),
            ({"amount": 1}, "/amount"),
            ({"description": "茶" * 128}, "/description"),
            ({"description": ""}, "/description"),
            ({"description": "茶🍵"}, "/description"),
            ({"description": 5}, "/description"),
            ({"attach": None}, "/attach"),
            ({"mystery": "?"}, "/mystery"),
            ({"out_trade_no": "short"}, "/out_trade_no"),
            ({"out_trade_no": "with space 1"}, "/out_trade_no"),
            ({"notify_url": "http://mall.example.com/x"}, "/notify_url"),
            ({"notify_url": "https://mall.example.com/x?a=1"}, "/notify_url"),
            ({"notify_url": "https://10.0.0.1/x"}, "/notify_url"),
            ({"notify_url": "nonsense"}, "/notify_url"),
            ({"time_expire": "2026-01-01 10:00:00"}, "/time_expire"),
            ({"time_expire": "2020-01-01T10:00:00+08:00"}, "/time_expire"),
            ({"time_expire": "2026-13-41T10:00:00+08:00"}, "/time_expire"),
            ({"time_expire": "2999-01-01T10:00:00+08:00"}, "/time_expire"),
            ({"mchid": "1900000002"}, "/mchid"),
            ({"support_fapiao": "yes"}, "/support_fapiao"),
            ({"limit_pay": []}, "/limit_pay"),
            ({"limit_pay": ["no_cash"]}, "/limit_pay/0"),
            (
                {
                    "detail": {
                        "goods_detail": [
                            {
                                "merchant_goods_id": str(i),
                                "goods_name": "茶" * 200,
                                "quantity": 1,
                                "unit_price": 1,
                            }
                            for i in range(12)
                        ]
                    }
                },
                "/detail",
            ),
        ],
    )
    def test_names_the_field_that_breaks_a_rule(self, merchant, changes, field):
        answer = merchant.prepay(**changes)

        assert (answer.status_code, answer.json()["code"]) == (400, "PARAM_ERROR")
        assert answer.json()["detail"]["field"] == field
        assert "Wechatpay-Signature" not in answer.headers

    @pytest.mark.parametrize("body", ["{", "[]", '{"appid": NaN}', '{"appid": "\\ud83c\\udf75"}'])
    def test_refuses_a_body_that_is_not_a_json_object(self, merchant, body):
        answer = merchant.send("POST", "/v3/pay/transactions/jsapi", body=body)

        assert (answer.status_code, answer.json()["code"]) == (400, "PARAM_ERROR")

    def test_refuses_an_appid_or_payer_of_somebody_else(self, merchant):
        merchant.register(mchid="1900000009", appid="wxother")
        other = merchant.control("mini/codes", mchid="1900000009")["openid"]

        appid = merchant.prepay(appid="wxother")
        payer = merchant.prepay(payer={"openid": other})

        assert appid.json()["code"] == "APPID_MCHID_NOT_MATCH"
        assert payer.json()["detail"]["field"] == "/payer/openid"

    def test_takes_every_documented_field(self, merchant):
        answer = merchant.prepay(
            attach="附加",
            goods_tag="T1",
            support_fapiao=False,
            detail={
                "cost_price": 1,
                "goods_detail": [{"merchant_goods_id": "1", "quantity": 1, "unit_price": 1}],
            },
            scene_info={"payer_client_ip": "1.2.3.4", "store_info": {"id": "1"}},
            settle_info={"profit_sharing": False},
        )

        assert answer.status_code == 200


class TestRaces:
    def test_many_prepays_of_one_number_open_one_trade(self, merchant):
        body = merchant.order()
        path = "/v3/pay/transactions/jsapi"

        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: merchant.send("POST", path, body), range(24)))

        assert {answer.status_code for answer in answers} == {200}
        assert len(merchant.look("trades")["trades"]) == 1

    def test_many_payers_of_one_trade_pay_once(self, merchant):
        number, prepay_id = merchant.open()

        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: _pay(merchant, number, prepay_id), range(24)))

        assert sorted(answer.status_code for answer in answers) == [200] + [409] * 23
        assert len(merchant.notifications(number)) == 1


def test_the_amount_of_an_unpaid_trade_may_be_left_out(merchant):
    number, prepay_id = merchant.open()
    merchant.control("settings", unpaid_amount="omitted")

    assert "amount" not in merchant.query(number).json()
    _pay(merchant, number, prepay_id)
    assert merchant.query(number).json()["amount"]["payer_total"] > 0


class TestExpiry:
    def test_an_unpaid_trade_closes_itself_when_its_time_is_over(self, merchant, sandbox):
        moment = sandbox.world.clock.now().replace(microsecond=0).isoformat()
        number, prepay_id = merchant.open(time_expire=_later(moment, 600))

        merchant.control("clock", advance_seconds=590)
        assert merchant.query(number).json()["trade_state"] == "NOTPAY"
        merchant.control("clock", advance_seconds=11)

        assert merchant.query(number).json()["trade_state"] == "CLOSED"
        assert _pay(merchant, number, prepay_id).status_code == 409

    def test_a_time_less_than_a_minute_ahead_is_raised_to_a_minute(self, merchant, sandbox):
        moment = sandbox.world.clock.now().replace(microsecond=0).isoformat()
        number, _ = merchant.open(time_expire=_later(moment, 10))

        merchant.control("clock", advance_seconds=50)

        assert merchant.query(number).json()["trade_state"] == "NOTPAY"

    def test_without_a_time_it_closes_after_a_week(self, merchant):
        number, _ = merchant.open()

        merchant.control("clock", advance_seconds=7 * 86400 + 1)

        assert merchant.query(number).json()["trade_state"] == "CLOSED"

    def test_a_prepay_id_cannot_be_paid_after_two_hours(self, merchant):
        number, prepay_id = merchant.open()

        merchant.control("clock", advance_seconds=7201)

        assert "过期" in _pay(merchant, number, prepay_id).json()["error"]


class TestQuery:
    def test_an_unpaid_trade_has_no_transaction_id(self, merchant):
        number, _ = merchant.open(attach="a")

        answer = merchant.query(number)

        assert answer.json()["trade_state"] == "NOTPAY"
        assert answer.json()["attach"] == "a"
        assert "transaction_id" not in answer.json()
        merchant.verify(answer.headers, answer.text)

    def test_a_paid_trade_is_found_by_either_number(self, merchant):
        number = merchant.paid()

        shown = merchant.query(number).json()
        target = f"/v3/pay/transactions/id/{shown['transaction_id']}?mchid={merchant.mchid}"

        assert shown["amount"] == {
            "total": 9900,
            "payer_total": 9900,
            "currency": "CNY",
            "payer_currency": "CNY",
        }
        assert merchant.send("GET", target).json() == shown

    def test_an_unknown_number_and_a_foreign_mchid_are_refused(self, merchant):
        target = "/v3/pay/transactions/out-trade-no/P000000?mchid=1999999999"

        unknown = merchant.query("P00000000")

        assert (unknown.status_code, unknown.json()["code"]) == (404, "ORDER_NOT_EXIST")
        assert merchant.send("GET", target).json()["code"] == "PARAM_ERROR"


class TestClose:
    def test_closes_again_and_again_with_a_signed_empty_answer(self, merchant):
        number, _ = merchant.open()

        first, second = merchant.close(number), merchant.close(number)

        assert [first.status_code, second.status_code] == [204, 204]
        merchant.verify(first.headers, "")
        assert merchant.query(number).json()["trade_state"] == "CLOSED"

    def test_refuses_a_paid_or_unknown_trade(self, merchant):
        paid = merchant.close(merchant.paid())
        unknown = merchant.close("P000000000")

        assert (paid.status_code, paid.json()["code"]) == (400, "ORDERPAID")
        assert (unknown.status_code, unknown.json()["code"]) == (400, "INVALID_REQUEST")


class TestPaying:
    def test_the_right_signature_pays(self, merchant):
        number, prepay_id = merchant.open()

        answer = _pay(merchant, number, prepay_id)

        assert answer.json()["errMsg"] == "requestPayment:ok"
        assert merchant.query(number).json()["trade_state"] == "SUCCESS"

    def test_the_parameters_alone_are_enough(self, merchant):
        number, prepay_id = merchant.open()

        paid = merchant.control("pay", **merchant.request_payment(prepay_id))
        unknown = merchant.http.post("/control/pay", json=merchant.request_payment("wx0"))

        assert paid["out_trade_no"] == number
        assert unknown.status_code == 400

    @pytest.mark.parametrize(
        "changes",
        [
            {"paySign": "AAAA"},
            {"paySign": "not base64!"},
            {"signType": "MD5"},
            {"appId": "wxother"},
            {"timeStamp": 1700000000},
            {"nonceStr": ""},
            {"package": "wx123"},
            {"package": "prepay_id=wx123"},
        ],
    )
    def test_a_wrong_parameter_pays_nothing(self, merchant, changes):
        number, prepay_id = merchant.open()
        given = merchant.request_payment(prepay_id) | changes

        answer = merchant.http.post(f"/control/trades/{number}/pay", json=given)

        assert answer.status_code == 400
        assert answer.json()["error"].startswith("requestPayment:fail")
        assert merchant.query(number).json()["trade_state"] == "NOTPAY"

    def test_a_changed_nonce_breaks_the_signature(self, merchant):
        number, prepay_id = merchant.open()
        given = merchant.request_payment(prepay_id) | {"nonceStr": "another"}

        answer = merchant.http.post(f"/control/trades/{number}/pay", json=given)

        assert "验证签名失败" in answer.json()["error"]

    def test_nobody_pays_twice_or_after_closing(self, merchant):
        number, prepay_id = merchant.open()
        _pay(merchant, number, prepay_id)
        closed, closed_id = merchant.open()
        merchant.close(closed)

        assert _pay(merchant, number, prepay_id).status_code == 409
        assert _pay(merchant, closed, closed_id).status_code == 409
        assert merchant.http.post(f"/control/trades/{closed}/cancel").status_code == 409

    def test_paying_as_the_platform_is_marked_unchecked(self, merchant):
        number = merchant.paid()

        assert merchant.look(f"trades/{number}")["unchecked"] is True

    def test_money_can_have_come_at_a_past_moment_but_not_at_one_to_come(self, merchant):
        number, _ = merchant.open()
        past, coming = datetime.now(UTC) - timedelta(days=1), datetime.now(UTC) + timedelta(hours=1)

        def pay(moment):
            body = {"unchecked": True, "success_time": moment}
            return merchant.http.post(f"/control/trades/{number}/pay", json=body).status_code

        assert [pay(coming.isoformat()), pay("yesterday"), pay("2026-01-01T00:00:00")] == [422] * 3
        assert merchant.query(number).json()["trade_state"] == "NOTPAY"
        assert pay(past.isoformat()) == 200
        said = datetime.fromisoformat(merchant.query(number).json()["success_time"])
        assert said == past.replace(microsecond=0)

    def test_cancelling_and_failing_leave_it_unpaid(self, merchant):
        number, _ = merchant.open()

        cancelled = merchant.control(f"trades/{number}/cancel")
        failed = merchant.control(f"trades/{number}/fail")

        assert cancelled["errMsg"] == "requestPayment:fail cancel"
        assert failed["errMsg"].startswith("requestPayment:fail")
        assert merchant.query(number).json()["trade_state"] == "NOTPAY"
        assert len(merchant.look("trades")["trades"][0]["failures"]) == 2

    def test_one_number_of_two_merchants_needs_the_mchid(self, merchant):
        number = "P" + secrets.token_hex(8)
        merchant.open(out_trade_no=number)
        merchant.register(mchid="1900000009", appid="wxother")
        merchant.mchid, merchant.appid = "1900000009", "wxother"
        merchant.open(out_trade_no=number)

        assert merchant.http.get(f"/control/trades/{number}").status_code == 409
        assert merchant.look(f"trades/{number}", mchid="1900000009")["appid"] == "wxother"
        assert merchant.http.get("/control/trades/P404").status_code == 404


def _pay(merchant, number, prepay_id):
    given = merchant.request_payment(prepay_id)
    return merchant.http.post(f"/control/trades/{number}/pay", json=given)


def _later(moment, seconds):
    return (datetime.fromisoformat(moment) + timedelta(seconds=seconds)).isoformat()
