"""Refunds: accepted, settled, limited and announced."""

import pytest

REFUNDS = "/v3/refund/domestic/refunds"


def _settled(merchant, number):
    assert merchant.control("idle")["idle"]
    return merchant.query_refund(number).json()["status"]


class TestAccepting:
    def test_is_processing_first_and_successful_soon(self, merchant):
        merchant.control("settings", refund_delay_seconds=30)
        answer = merchant.refund(merchant.paid())
        number = answer.json()["out_refund_no"]

        merchant.verify(answer.headers, answer.text)
        assert answer.json()["status"] == "PROCESSING"
        assert _settled(merchant, number) == "PROCESSING"
        merchant.control("clock", advance_seconds=31)

        assert _settled(merchant, number) == "SUCCESS"
        assert merchant.query_refund(number).json()["success_time"]

    def test_turns_the_trade_to_refund_even_when_partial(self, merchant):
        number = merchant.paid()

        merchant.refund(number, 1)

        assert merchant.query(number).json()["trade_state"] == "REFUND"

    def test_finds_the_trade_by_transaction_id(self, merchant):
        number = merchant.paid()
        transaction_id = merchant.query(number).json()["transaction_id"]
        other = merchant.paid()

        good = merchant.refund(number, transaction_id=transaction_id)
        crossed = merchant.refund(other, transaction_id=transaction_id)

        assert good.status_code == 200
        assert crossed.json()["code"] == "RESOURCE_NOT_EXISTS"

    def test_the_same_number_and_parameters_is_the_same_refund(self, merchant):
        number = merchant.paid()
        first = merchant.refund(number, out_refund_no="R-same")

        again = merchant.refund(number, out_refund_no="R-same")
        changed = merchant.refund(number, 1, out_refund_no="R-same")

        assert again.json()["refund_id"] == first.json()["refund_id"]
        assert (changed.status_code, changed.json()["code"]) == (400, "INVALID_REQUEST")
        assert len(merchant.look("refunds")["refunds"]) == 1

    def test_never_gives_back_more_than_was_paid(self, merchant):
        number = merchant.paid()
        merchant.refund(number, 9000)

        assert merchant.refund(number, 901).json()["code"] == "INVALID_REQUEST"
        assert merchant.refund(number, 900).status_code == 200

    def test_allows_fifty_parts_and_no_more(self, merchant):
        number = merchant.paid()

        codes = [merchant.refund(number, 1).status_code for _ in range(51)]

        assert codes == [200] * 50 + [400]

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"amount": {"refund": 1, "total": 9800, "currency": "CNY"}}, "INVALID_REQUEST"),
            ({"amount": {"refund": 0, "total": 9900, "currency": "CNY"}}, "PARAM_ERROR"),
            ({"amount": {"refund": 1, "total": 9900}}, "PARAM_ERROR"),
            ({"out_refund_no": "R 1"}, "PARAM_ERROR"),
            ({"reason": "x" * 81}, "PARAM_ERROR"),
            ({"reason": "不要了😀"}, "PARAM_ERROR"),
            ({"funds_account": "MINE"}, "PARAM_ERROR"),
            ({"notify_url": "http://mall.example.com/x"}, "PARAM_ERROR"),
            ({"mchid": "1900000001"}, "PARAM_ERROR"),
        ],
    )
    def test_refuses_what_breaks_a_rule(self, merchant, changes, code):
        answer = merchant.refund(merchant.paid(), **changes)

        assert (answer.status_code, answer.json()["code"]) == (400, code)

    def test_needs_a_trade_and_a_paid_one(self, merchant):
        unpaid, _ = merchant.open()
        nameless = merchant.send(
            "POST",
            "/v3/refund/domestic/refunds",
            {"out_refund_no": "R1", "amount": {"refund": 1, "total": 1, "currency": "CNY"}},
        )

        assert nameless.json()["code"] == "PARAM_ERROR"
        for answer in (merchant.refund(unpaid), merchant.refund("P0000000")):
            assert (answer.status_code, answer.json()["code"]) == (404, "RESOURCE_NOT_EXISTS")

    def test_is_too_late_after_a_year(self, merchant):
        number = merchant.paid()

        merchant.control("clock", advance_seconds=366 * 86400)

        assert merchant.refund(number).json()["code"] == "TRADE_OVERDUE"

    def test_an_unknown_number_is_not_found(self, merchant):
        answer = merchant.query_refund("R404")

        assert (answer.status_code, answer.json()["code"]) == (404, "RESOURCE_NOT_EXISTS")


class TestSettling:
    def test_a_closed_refund_frees_its_amount_and_the_trade(self, merchant):
        merchant.control("settings", refund_outcome="CLOSED")
        number = merchant.paid()
        refund = merchant.refund(number).json()["out_refund_no"]

        assert _settled(merchant, refund) == "CLOSED"
        assert merchant.query(number).json()["trade_state"] == "SUCCESS"
        assert merchant.refund(number).status_code == 200

    def test_an_abnormal_refund_can_still_succeed_but_not_twice(self, merchant):
        merchant.control("settings", refund_outcome="manual")
        refund = merchant.refund(merchant.paid()).json()["out_refund_no"]
        path = f"refunds/{refund}/settle"

        assert merchant.control(path, status="ABNORMAL")["status"] == "ABNORMAL"
        assert merchant.control(path)["status"] == "SUCCESS"
        assert merchant.http.post(f"/control/{path}").status_code == 409
        assert merchant.http.post(f"/control/{path}", json={"status": "?"}).status_code == 422
        assert merchant.http.post("/control/refunds/R404/settle").status_code == 404

    def test_abnormal_money_can_go_to_another_account(self, merchant):
        merchant.control("settings", refund_outcome="manual")
        body = merchant.refund(merchant.paid()).json()
        account, headers = merchant.seal("6222020000001")
        name, _ = merchant.seal("王强")
        path = f"{REFUNDS}/{body['refund_id']}/apply-abnormal-refund"
        asked = {
            "out_refund_no": body["out_refund_no"],
            "type": "USER_BANK_CARD",
            "bank_type": "ICBC_DEBIT",
            "bank_account": account,
            "real_name": name,
        }
        settle = f"refunds/{body['out_refund_no']}/settle"

        assert merchant.send("POST", path, asked, headers=headers).status_code == 400
        merchant.control(settle, status="ABNORMAL")
        assert merchant.send("POST", path, asked).status_code == 400  # Sealed with no known key.
        short = {key: value for key, value in asked.items() if key != "real_name"}
        assert merchant.send("POST", path, short, headers=headers).status_code == 400
        unknown = asked | {"out_refund_no": "R404404"}
        assert merchant.send("POST", path, unknown, headers=headers).status_code == 404
        answer = merchant.send("POST", path, asked, headers=headers)
        assert (answer.status_code, answer.json()["status"]) == (200, "PROCESSING")
        assert merchant.control(settle)["status"] == "SUCCESS"

    def test_abnormal_money_can_come_to_the_merchants_own_account(self, merchant):
        merchant.control("settings", refund_outcome="manual")
        body = merchant.refund(merchant.paid()).json()
        merchant.control(f"refunds/{body['out_refund_no']}/settle", status="ABNORMAL")
        path = f"{REFUNDS}/{body['refund_id']}/apply-abnormal-refund"

        answer = merchant.send(
            "POST", path, {"out_refund_no": body["out_refund_no"], "type": "MERCHANT_BANK_CARD"}
        )

        assert answer.json()["status"] == "PROCESSING"

    @pytest.mark.parametrize("outcome", ["SUCCESS", "ABNORMAL", "CLOSED"])
    def test_the_merchant_hears_the_outcome_as_refund_status(self, merchant, outcome):
        merchant.control("settings", refund_outcome=outcome)
        number = merchant.paid()
        refund = merchant.refund(number, 100).json()
        _settled(merchant, refund["out_refund_no"])

        taken = merchant.take(refund["out_refund_no"])

        content = merchant.opened(taken["body"])
        assert f'"event_type":"REFUND.{outcome}"' in taken["body"]
        assert content["refund_status"] == outcome
        assert "status" not in content
        assert content["amount"] == {
            "total": 9900,
            "refund": 100,
            "payer_total": 9900,
            "payer_refund": 100,
        }
        assert content["refund_id"] == refund["refund_id"]

    def test_without_a_notify_url_nobody_is_told(self, merchant):
        refund = merchant.refund(merchant.paid(), notify_url="https://a.example/b").json()
        _settled(merchant, refund["out_refund_no"])
        silent = _refund_without_address(merchant)

        assert merchant.notifications(refund["out_refund_no"])
        assert not merchant.notifications(silent)

    def test_without_a_notify_url_the_console_address_hears_xml(self, merchant):
        merchant.register(refund_notify_url="https://mall.example.com/old")

        taken = merchant.take(_refund_without_address(merchant))

        assert taken["url"] == "https://mall.example.com/old"
        assert taken["body"].startswith("<xml><return_code>SUCCESS</return_code>")
        assert "Wechatpay-Signature" not in taken["headers"]


def _refund_without_address(merchant):
    body = {
        "out_trade_no": merchant.paid(),
        "out_refund_no": "R-silent",
        "amount": {"refund": 1, "total": 9900, "currency": "CNY"},
    }
    assert merchant.send("POST", "/v3/refund/domestic/refunds", body).status_code == 200
    assert merchant.control("idle")["idle"]
    return "R-silent"
