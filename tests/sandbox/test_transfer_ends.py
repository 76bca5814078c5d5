"""Merchant transfers: the balance, the news of their end, faults, the control API and the page."""

import pytest

from tests.sandbox.merchant import TRANSFERS, Merchant
from tests.sandbox.transfers import refused, settled, waiting


class TestBalance:
    def test_a_merchant_without_money_may_repeat_the_same_number(self, merchant):
        merchant.control("balance", balance_fen=12344)
        body = merchant.bill()

        refused = merchant.send("POST", TRANSFERS, body)
        merchant.control("balance", balance_fen=20000)
        accepted = merchant.send("POST", TRANSFERS, body)
        merchant.send("POST", TRANSFERS, body)

        assert (refused.status_code, refused.json()["code"]) == (403, "NOT_ENOUGH")
        assert accepted.json()["state"] == "WAIT_USER_CONFIRM"
        assert merchant.look("balance")["balance_fen"] == 20000 - 12345

    def test_a_bill_stuck_without_money_goes_on_when_its_request_is_repeated(self, merchant):
        merchant.control("settings", transfer_start="PROCESSING")
        merchant.control("balance", balance_fen=0)
        body = merchant.bill()
        merchant.send("POST", TRANSFERS, body)
        assert settled(merchant, body["out_bill_no"]) == "PROCESSING"

        still = merchant.send("POST", TRANSFERS, body).json()["state"]
        merchant.control("balance", balance_fen=12345)
        after = merchant.send("POST", TRANSFERS, body).json()

        assert (still, after["state"]) == ("PROCESSING", "WAIT_USER_CONFIRM")
        assert merchant.look("balance")["balance_fen"] == 0

    def test_a_step_by_hand_needs_the_money_too(self, merchant):
        merchant.control("settings", transfer_start="PROCESSING", transfer_steps="manual")
        merchant.control("balance", balance_fen=0)
        number = waiting(merchant)

        assert refused(merchant, f"transfers/{number}/advance") == 409
        merchant.control("balance", balance_fen=None)
        assert merchant.control(f"transfers/{number}/advance")["state"] == "WAIT_USER_CONFIRM"

    @pytest.mark.parametrize("state", ["FAIL", "CANCELLED", "SUCCESS"])
    def test_comes_back_unless_it_was_paid(self, merchant, state):
        merchant.control("balance", balance_fen=20000)
        number = waiting(merchant)
        if state == "CANCELLED":
            merchant.cancel_transfer(number)
        elif state == "FAIL":
            merchant.control(f"transfers/{number}/settle", state="FAIL")
        else:
            merchant.control(f"transfers/{number}/confirm", unchecked=True)

        assert settled(merchant, number) == state
        left = 20000 - 12345 if state == "SUCCESS" else 20000
        assert merchant.look("balance")["balance_fen"] == left

    @pytest.mark.parametrize("fen", [-1, "1", 1.5, True])
    def test_is_whole_fen(self, merchant, fen):
        assert refused(merchant, "balance", balance_fen=fen) == 422
        assert refused(merchant, "balance") == 422


class TestNews:
    @pytest.mark.parametrize("state", ["SUCCESS", "FAIL", "CANCELLED"])
    def test_the_merchant_hears_each_end(self, merchant, state):
        merchant.control("settings", transfer_steps="manual")
        bill = merchant.transfer().json()
        number = bill["out_bill_no"]
        if state == "SUCCESS":
            merchant.control(f"transfers/{number}/confirm", unchecked=True)
        if state == "CANCELLED":
            merchant.cancel_transfer(number)
        reason = {"reason": "ACCOUNT_FROZEN"} if state == "FAIL" else {}
        merchant.control(f"transfers/{number}/settle", state=state, **reason)

        taken = merchant.take(number)

        content = merchant.opened(taken["body"])
        assert '"event_type":"MCHTRANSFER.BILL.FINISHED"' in taken["body"]
        assert '"original_type":"mch_payment"' in taken["body"]
        assert taken["url"] == "https://mall.example.com/webhooks/wechat/transfer"
        assert (content["state"], content["mch_id"]) == (state, merchant.mchid)
        assert (content["out_bill_no"], content["transfer_amount"]) == (number, 12345)
        assert content["transfer_bill_no"] == bill["transfer_bill_no"]
        assert content.get("fail_reason") == reason.get("reason")
        assert content["payment_method_type"] == "CFT"

    def test_nobody_is_told_without_an_address(self, merchant):
        number = waiting(merchant, notify_url=None)

        merchant.control(f"transfers/{number}/expire")

        assert not merchant.notifications(number)

    def test_is_repeated_until_heard(self, merchant, inbox):
        merchant.control("settings", notify="automatic")
        inbox.answers = [500]
        number = waiting(merchant, notify_url=inbox.url)
        merchant.control(f"transfers/{number}/settle", state="FAIL")
        merchant.control("idle")
        assert merchant.notifications(number)[0]["state"] == "pending"

        merchant.control("clock", advance_seconds=15)
        merchant.control("idle")

        assert merchant.notifications(number)[0]["state"] == "delivered"
        assert len(inbox.heard) == 2

    def test_can_be_lost_or_come_twice(self, merchant, inbox):
        merchant.control("settings", notify="automatic")
        merchant.fault("notify_transfer", "lost")
        merchant.fault("notify_transfer", "duplicate", match="FAIL")
        lost, twice = (waiting(merchant, notify_url=inbox.url) for _ in "12")

        merchant.control(f"transfers/{lost}/confirm", unchecked=True)
        merchant.control("idle")
        merchant.control(f"transfers/{twice}/settle", state="FAIL")
        merchant.control("idle")

        assert merchant.notifications(lost)[0]["state"] == "lost"
        assert [merchant.opened(body)["out_bill_no"] for _, body in inbox.heard] == [twice] * 2

    @pytest.mark.parametrize(
        ("kind", "name", "value"),
        [("wrong_amount", "transfer_amount", 12346), ("wrong_mchid", "mch_id", "1999999999")],
    )
    def test_can_say_something_else(self, merchant, kind, name, value):
        number = waiting(merchant)
        merchant.control(f"transfers/{number}/expire")

        assert merchant.opened(merchant.take(number, kind=kind)["body"])[name] == value


class TestFaults:
    @pytest.mark.parametrize(("kind", "status"), [("accepted_429", 429), ("accepted_500", 500)])
    def test_a_bill_can_be_accepted_and_answered_with_an_error(self, merchant, kind, status):
        merchant.fault("transfer", kind)
        body = merchant.bill()

        answer = merchant.send("POST", TRANSFERS, body)

        assert answer.status_code == status
        assert merchant.query_transfer(body["out_bill_no"]).json()["state"] == "WAIT_USER_CONFIRM"
        assert merchant.send("POST", TRANSFERS, body).json()["package_info"]

    def test_a_refusal_can_have_any_of_the_rate_codes(self, merchant):
        merchant.fault("transfer", "429", args={"code": "FREQUENCY_LIMIT_EXCEED"})

        assert merchant.transfer().json()["code"] == "FREQUENCY_LIMIT_EXCEED"
        assert merchant.look("transfers")["transfers"] == []

    def test_money_can_be_short_once(self, merchant):
        merchant.fault("transfer", "not_enough")
        body = merchant.bill()

        codes = [merchant.send("POST", TRANSFERS, body).status_code for _ in "12"]

        assert codes == [403, 200]


class TestControl:
    def test_bills_left_standing_go_on_once_steps_are_automatic_again(self, merchant):
        merchant.control("settings", transfer_start="ACCEPTED", transfer_steps="manual")
        number = waiting(merchant)
        assert settled(merchant, number) == "ACCEPTED"

        merchant.control("settings", transfer_steps="automatic")

        assert settled(merchant, number) == "WAIT_USER_CONFIRM"

    def test_shows_what_only_the_sandbox_knows(self, merchant):
        name, header = merchant.seal("王小明")
        number = waiting(merchant, user_name=name, headers=header)

        bill = merchant.look(f"transfers/{number}")

        assert bill["user_name"] == "王小明"
        assert 86_000 < bill["confirm_within_seconds"] <= 86_400
        assert bill["package_info"]

    def test_refuses_ends_that_do_not_follow(self, merchant):
        number = waiting(merchant)
        path = f"transfers/{number}/settle"

        assert refused(merchant, path, state="SUCCESS") == 409
        assert refused(merchant, path, state="WAIT_USER_CONFIRM") == 422
        assert refused(merchant, path, state="CANCELLED", reason="MCH_CANCEL") == 422
        assert refused(merchant, "transfers/W404/settle", state="FAIL") == 404
        assert merchant.control(path, state="FAIL")["fail_reason"] == "OTHER_FAIL_REASON_TYPE"
        assert refused(merchant, path, state="FAIL") == 409

    def test_a_number_of_two_merchants_must_be_told_apart(self, merchant, sandbox):
        other = Merchant(sandbox.url, merchant.key, mchid="1900000009", appid="wxother")
        other.register()
        merchant.transfer(out_bill_no="W1")
        other.transfer(out_bill_no="W1", appid="wxother")

        assert merchant.http.get("/control/transfers/W1").status_code == 409
        shown = merchant.look("transfers/W1", mchid="1900000009")
        other.close_http()

        assert shown["mch_id"] == "1900000009"

    @pytest.mark.parametrize(
        "body",
        [
            {"transfer_start": "SUCCESS"},
            {"transfer_steps": "never"},
            {"transfer_delay_seconds": -1},
            {"transfer_most_fen": 0},
            {"transfers_a_second": "2"},
        ],
    )
    def test_refuses_settings_that_make_no_sense(self, merchant, body):
        assert refused(merchant, "settings", **body) == 422


class TestPage:
    def test_shows_each_bill_with_what_can_be_done_to_it(self, merchant):
        merchant.control("settings", transfer_steps="manual")
        merchant.control("balance", balance_fen=50000)
        open_one = waiting(merchant, transfer_remark="<i>佣金")
        canceling = waiting(merchant)
        merchant.cancel_transfer(canceling)

        page = merchant.http.get("/").text

        for text in ("¥123.45", "¥253.10", "确认收款", "&lt;i&gt;佣金", "24.0 小时内可收款"):
            assert text in page
        for path in (f"{open_one}/confirm", f"{open_one}/expire", f"{canceling}/advance"):
            assert f"/control/transfers/{path}" in page
        assert f"/control/transfers/{canceling}/confirm" not in page
