"""Merchant transfers: accepted once, named, confirmed by the payee, cancelled, queried."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.sandbox.merchant import TRANSFERS
from tests.sandbox.transfers import refused, settled, waiting


class TestAccepting:
    def test_waits_for_the_payee_and_hands_out_the_package(self, merchant):
        answer = merchant.transfer(out_bill_no="W1")

        merchant.verify(answer.headers, answer.text)
        bill = answer.json()
        assert bill["state"] == "WAIT_USER_CONFIRM"
        assert bill["package_info"]
        assert len(bill["transfer_bill_no"]) == 40
        assert "fail_reason" not in bill

    def test_the_same_body_is_the_same_bill_with_the_same_package(self, merchant):
        body = merchant.bill()

        first = merchant.send("POST", TRANSFERS, body).json()
        again = merchant.send("POST", TRANSFERS, body).json()

        assert again == first
        assert len(merchant.look("transfers")["transfers"]) == 1

    def test_many_at_once_are_still_one_bill_paid_from_the_balance_once(self, merchant):
        merchant.control("balance", balance_fen=20000)
        body = merchant.bill()

        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: merchant.send("POST", TRANSFERS, body), range(16)))

        assert len({one.json()["transfer_bill_no"] for one in answers}) == 1
        assert merchant.look("balance")["balance_fen"] == 20000 - 12345

    @pytest.mark.parametrize(
        "changes",
        [{"transfer_amount": 12346}, {"openid": "o-other"}, {"notify_url": "https://a.example/b"}],
    )
    def test_another_body_is_refused_for_good(self, merchant, changes):
        number = waiting(merchant)

        answer = merchant.transfer(out_bill_no=number, **changes)

        assert (answer.status_code, answer.json()["code"]) == (400, "ALREADY_EXISTS")
        assert merchant.query_transfer(number).json()["transfer_amount"] == 12345

    def test_can_stand_in_any_state_before_the_payee(self, merchant):
        merchant.control("settings", transfer_start="ACCEPTED", transfer_steps="manual")
        answer = merchant.transfer(out_bill_no="W2")
        seen = [answer.json()["state"]]

        seen += [merchant.control("transfers/W2/advance")["state"] for _ in "12"]

        assert seen == ["ACCEPTED", "PROCESSING", "WAIT_USER_CONFIRM"]
        assert "package_info" not in answer.json()
        assert refused(merchant, "transfers/W2/advance") == 409

    def test_goes_on_by_itself_after_the_delay(self, merchant):
        merchant.control("settings", transfer_start="PROCESSING", transfer_delay_seconds=30)
        number = waiting(merchant)

        assert settled(merchant, number) == "PROCESSING"
        merchant.control("clock", advance_seconds=31)

        assert settled(merchant, number) == "WAIT_USER_CONFIRM"

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"out_bill_no": "W-1"}, "PARAM_ERROR"),
            ({"out_bill_no": "W" * 33}, "PARAM_ERROR"),
            ({"transfer_amount": 9}, "INVALID_REQUEST"),
            ({"transfer_amount": 2_000_001}, "INVALID_REQUEST"),
            ({"transfer_amount": "12345"}, "PARAM_ERROR"),
            ({"transfer_remark": "佣" * 33}, "PARAM_ERROR"),
            ({"transfer_remark": "佣金😀"}, "PARAM_ERROR"),
            ({"transfer_remark": None}, "PARAM_ERROR"),
            ({"notify_url": "https://mall.example.com/x?a=1"}, "PARAM_ERROR"),
            ({"appid": "wxother"}, "APPID_MCHID_NOT_MATCH"),
            ({"mchid": "1900000001"}, "PARAM_ERROR"),
            ({"user_recv_perception": "工资"}, "INVALID_REQUEST"),
            ({"user_recv_style": {"type": "BANNER"}}, "PARAM_ERROR"),
            ({"transfer_scene_id": "1004"}, "INVALID_REQUEST"),
            ({"transfer_scene_id": "1000"}, "PARAM_ERROR"),
            ({"transfer_scene_report_infos": None}, "PARAM_ERROR"),
        ],
    )
    def test_refuses_what_breaks_a_rule(self, merchant, changes, code):
        answer = merchant.transfer(**changes)

        assert (answer.status_code, answer.json()["code"]) == (400, code)
        assert merchant.look("transfers")["transfers"] == []

    @pytest.mark.parametrize(
        "types",
        [
            ["岗位类型"],
            ["岗位类型", "岗位类型"],
            ["岗位类型", "报酬说明", "报酬说明"],
            ["岗位类型", "奖励说明"],
            ["岗位类型", "报酬说明", "活动名称"],
        ],
    )
    def test_a_commission_reports_the_post_and_the_pay_and_nothing_else(self, merchant, types):
        infos = [{"info_type": one, "info_content": "某"} for one in types]

        answer = merchant.transfer(transfer_scene_report_infos=infos)

        assert answer.json()["code"] == "PARAM_ERROR"
        assert answer.json()["detail"]["field"] == "/transfer_scene_report_infos"

    def test_a_payee_of_another_mini_program_is_refused(self, merchant):
        merchant.register(mchid="1900000009", appid="wxother")
        merchant.control("mini/codes", mchid="1900000009", openid="o-theirs")

        assert merchant.transfer(openid="o-theirs").json()["code"] == "PARAM_ERROR"

    def test_a_hundred_a_second_are_enough(self, merchant):
        merchant.control("settings", transfers_a_second=2)
        merchant.control("clock", speed=0.01)

        answers = [merchant.transfer() for _ in range(3)]

        assert [one.status_code for one in answers] == [200, 200, 429]
        assert answers[2].json()["code"] == "FREQUENCY_LIMIT"
        merchant.control("clock", advance_seconds=1)
        assert merchant.transfer().status_code == 200


class TestName:
    def test_is_opened_compared_in_clear_and_sealed_for_the_merchant(self, merchant):
        body = merchant.bill(transfer_amount=200_000)
        answers = []
        for _ in "12":
            name, header = merchant.seal("王小明")
            document = {**body, "user_name": name}
            answers.append(merchant.send("POST", TRANSFERS, document, headers=header))

        bill = merchant.query_transfer(body["out_bill_no"]).json()

        assert [one.status_code for one in answers] == [200, 200]
        assert answers[0].json() == answers[1].json()
        assert merchant.unseal(bill["user_name"]) == "王小明"
        other, header = merchant.seal("王小红")
        changed = merchant.send("POST", TRANSFERS, {**body, "user_name": other}, headers=header)
        assert changed.json()["code"] == "ALREADY_EXISTS"

    def test_may_be_sealed_with_a_certificate(self, merchant):
        serial = merchant.look("platform")["certificates"][-1]["serial"]
        name, header = merchant.seal("王小明", serial)

        assert merchant.transfer(user_name=name, headers=header).status_code == 200

    @pytest.mark.parametrize(
        ("fen", "named", "status"),
        [
            (199_999, False, 200),
            (200_000, False, 400),
            (200_000, True, 200),
            (30, True, 200),
            (29, True, 400),
            (29, False, 200),
        ],
    )
    def test_is_required_from_2000_yuan_and_refused_below_30_fen(
        self, merchant, fen, named, status
    ):
        name, header = merchant.seal("王小明") if named else (None, {})

        answer = merchant.transfer(transfer_amount=fen, user_name=name, headers=header)

        assert answer.status_code == status
        if status == 400:
            assert answer.json()["detail"]["field"] == "/user_name"

    def test_in_clear_or_with_a_wrong_serial_is_refused(self, merchant):
        name, header = merchant.seal("王小明")
        certificate = merchant.look("platform")["certificates"][-1]["serial"]

        answers = [
            merchant.transfer(user_name="王小明", headers=header),
            merchant.transfer(user_name=name),
            merchant.transfer(user_name=name, headers={"Wechatpay-Serial": "PUB_KEY_ID_1"}),
            merchant.transfer(user_name=name, headers={"Wechatpay-Serial": certificate}),
        ]

        assert [one.status_code for one in answers] == [400] * 4
        assert {one.json()["code"] for one in answers} == {"PARAM_ERROR"}

    def test_of_somebody_else_fails_once_the_payee_accepts(self, merchant):
        merchant.control("mini/users", openid="o-payee", real_name="王小红")
        name, header = merchant.seal("王小明")
        wrong = waiting(merchant, user_name=name, headers=header)
        nameless = waiting(merchant)
        for number in (wrong, nameless):
            merchant.control(f"transfers/{number}/confirm", unchecked=True)

        assert (settled(merchant, wrong), settled(merchant, nameless)) == ("FAIL", "SUCCESS")
        assert merchant.query_transfer(wrong).json()["fail_reason"] == "NAME_NOT_CORRECT"


class TestPayee:
    def test_accepts_with_what_the_mini_program_passes(self, merchant):
        bill = merchant.transfer().json()
        given = {
            "mchId": merchant.mchid,
            "appId": merchant.appid,
            "package": bill["package_info"],
            "openid": "o-payee",
        }

        accepted = merchant.control("receive", **given)

        assert accepted["errMsg"] == "requestMerchantTransfer:ok"
        assert settled(merchant, bill["out_bill_no"]) == "SUCCESS"
        assert refused(merchant, "receive", **given) == 409

    @pytest.mark.parametrize(
        "changes",
        [{"mchId": "1900000002"}, {"appId": "wx1"}, {"appId": None}, {"openid": "o-other"}],
    )
    def test_a_wrong_parameter_or_another_person_is_refused(self, merchant, changes):
        bill = merchant.transfer().json()
        given = {
            "mchId": merchant.mchid,
            "appId": merchant.appid,
            "package": bill["package_info"],
        }
        path = f"transfers/{bill['out_bill_no']}/confirm"

        assert refused(merchant, path, **{**given, **changes}) == 400
        assert refused(merchant, path, **{**given, "package": "other"}) == 400
        assert refused(merchant, "receive", **{**given, "package": "other"}) == 400
        assert settled(merchant, bill["out_bill_no"]) == "WAIT_USER_CONFIRM"

    def test_may_close_the_page_and_accept_later(self, merchant):
        number = waiting(merchant)

        closed = merchant.control(f"transfers/{number}/dismiss")

        assert closed["errMsg"] == "requestMerchantTransfer:fail cancel"
        assert settled(merchant, number) == "WAIT_USER_CONFIRM"
        merchant.control(f"transfers/{number}/confirm", unchecked=True)
        assert refused(merchant, f"transfers/{number}/dismiss") == 409

    def test_has_a_day(self, merchant):
        number = waiting(merchant)
        merchant.control("clock", advance_seconds=86_390)
        assert settled(merchant, number) == "WAIT_USER_CONFIRM"

        merchant.control("clock", advance_seconds=11)

        assert refused(merchant, f"transfers/{number}/confirm", unchecked=True) == 409
        bill = merchant.query_transfer(number).json()
        assert (bill["state"], bill["fail_reason"]) == ("FAIL", "OVERDUE_CLOSE")
        assert merchant.control("idle")["idle"]
        assert len(merchant.notifications(number)) == 1

    def test_can_be_made_late(self, merchant):
        number = waiting(merchant)

        bill = merchant.control(f"transfers/{number}/expire")

        assert (bill["state"], bill["fail_reason"]) == ("FAIL", "OVERDUE_CLOSE")
        assert refused(merchant, f"transfers/{number}/expire") == 409

    def test_who_has_accepted_has_not_been_paid_yet(self, merchant):
        merchant.control("settings", transfer_steps="manual")
        number = waiting(merchant)

        merchant.control(f"transfers/{number}/confirm", unchecked=True)

        assert settled(merchant, number) == "TRANSFERING"
        assert merchant.control(f"transfers/{number}/advance")["state"] == "SUCCESS"


class TestCancel:
    @pytest.mark.parametrize("start", ["ACCEPTED", "PROCESSING", "WAIT_USER_CONFIRM"])
    def test_is_done_later_and_can_be_repeated(self, merchant, start):
        merchant.control("settings", transfer_start=start, transfer_steps="manual")
        number = waiting(merchant)

        answer = merchant.cancel_transfer(number)
        again = merchant.cancel_transfer(number)

        merchant.verify(answer.headers, answer.text)
        assert set(answer.json()) == {"out_bill_no", "transfer_bill_no", "state", "update_time"}
        assert (answer.json()["state"], again.json()["state"]) == ("CANCELING", "CANCELING")
        assert not merchant.notifications(number)
        merchant.control(f"transfers/{number}/advance")
        assert merchant.cancel_transfer(number).json()["state"] == "CANCELLED"

    def test_comes_too_late_once_the_payee_has_accepted(self, merchant):
        merchant.control("settings", transfer_steps="manual")
        number = waiting(merchant)
        merchant.control(f"transfers/{number}/confirm", unchecked=True)

        transfering = merchant.cancel_transfer(number)
        merchant.control(f"transfers/{number}/advance")
        done = merchant.cancel_transfer(number)

        for answer in (transfering, done):
            assert (answer.status_code, answer.json()["code"]) == (400, "INVALID_REQUEST")
        assert merchant.query_transfer(number).json()["state"] == "SUCCESS"

    def test_can_lose_the_race_after_it_was_taken(self, merchant):
        merchant.control("settings", transfer_steps="manual")
        number = waiting(merchant)
        merchant.cancel_transfer(number)

        merchant.control(f"transfers/{number}/settle", state="SUCCESS")

        assert settled(merchant, number) == "SUCCESS"

    def test_of_an_unknown_number_is_not_found(self, merchant):
        answer = merchant.cancel_transfer("W404")

        assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")


class TestQuery:
    def test_shows_the_bill_by_either_number(self, merchant):
        bill = merchant.transfer().json()

        answer = merchant.query_transfer(bill["out_bill_no"])
        target = f"{TRANSFERS}/transfer-bill-no/{bill['transfer_bill_no']}"

        merchant.verify(answer.headers, answer.text)
        assert answer.json() == merchant.send("GET", target).json()
        assert set(answer.json()) == {
            "mch_id",
            "out_bill_no",
            "transfer_bill_no",
            "appid",
            "state",
            "transfer_amount",
            "transfer_remark",
            "openid",
            "create_time",
            "update_time",
        }

    def test_forgets_after_thirty_days_and_never_tells_a_stranger(self, merchant):
        number = waiting(merchant)
        assert merchant.query_transfer("W404").json()["code"] == "NOT_FOUND"
        assert merchant.send("GET", f"{TRANSFERS}/transfer-bill-no/1").status_code == 404

        merchant.control("clock", advance_seconds=30 * 86400)

        assert merchant.query_transfer(number).status_code == 404
        assert merchant.look("transfers")["transfers"][0]["state"] == "FAIL"
