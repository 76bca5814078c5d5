"""Payouts against the sandbox over HTTP: every state, every fault, one number for ever."""

import json

import pytest

from app.core import redis
from app.withdrawals import calls
from tests.app.withdrawals.conftest import URL, advance, confirm, pay
from tests.builders.withdrawals import make_withdrawal_rules
from tests.wechat_sandbox import APPID, MCHID

HALF_AN_HOUR = {"minutes": 30}


class TestTheWholeWay:
    def test_from_asking_to_the_money_in_wechat(self, paying):
        number, member, headers = paying.sent()
        assert paying.states(number) == ("paying", "confirming")
        shown = paying.client.get(f"{URL}/{number}", headers=headers).json
        assert shown["confirmation"].keys() == {"mchId", "appId", "package"}
        assert (shown["confirmation"]["mchId"], shown["confirmation"]["appId"]) == (MCHID, APPID)

        pay(paying, number, headers)
        assert paying.deliver() == [204]

        assert paying.states(number) == ("paid", "success")
        assert paying.have(member) == (90_000, 0)
        assert paying.deliver() == [204]
        assert paying.breaches() == []

    def test_the_bill_says_what_it_is_for_and_names_nobody_below_the_limit(self, paying):
        number, member, _ = paying.sent(payee=True)

        bill = paying.bill(number)

        assert (bill["transfer_amount"], bill["openid"]) == (10_000, member.openid)
        assert (bill["transfer_scene_id"], bill["user_name"]) == ("1005", None)
        assert [info["info_type"] for info in bill["transfer_scene_report_infos"]] == [
            "岗位类型",
            "报酬说明",
        ]
        assert bill["notify_url"].endswith("/webhooks/wechat/payout")

    def test_from_two_thousand_yuan_on_the_payee_is_named_sealed(self, paying):
        number, _, _ = paying.sent(fen=500_000, amount_fen=200_000, payee=True)

        assert paying.bill(number)["user_name"] == "周敏"
        payout = paying.payout(number)
        assert "周敏".encode() not in payout.request_body
        assert payout.serial.startswith("PUB_KEY_ID_")
        assert paying.breaches() == []

    def test_a_name_that_is_not_the_payees_comes_back(self, paying):
        make_withdrawal_rules(paying.session, now=paying.now, name_from_fen=0)
        member, headers = paying.distributor(payee=True)
        paying.wechat.login_code(openid=member.openid)
        paying.wechat.control("POST", "mini/users", openid=member.openid, real_name="周敏敏")
        number = paying.ask(headers).json["withdrawal_no"]
        paying.run_jobs()
        paying.wechat.control("POST", "settings", transfer_steps="manual")
        confirm(paying, number, headers)
        assert advance(paying, number) == "FAIL"

        paying.deliver()

        shown = paying.client.get(f"{URL}/{number}", headers=headers).json
        assert (shown["state"], shown["reason"]) == ("returned", "收款人姓名与微信实名不一致")
        assert paying.have(member) == (100_000, 0)

    def test_each_state_on_the_way_is_seen_by_asking(self, paying):
        paying.wechat.control(
            "POST", "settings", transfer_start="ACCEPTED", transfer_steps="manual"
        )
        number, member, headers = paying.sent()
        seen = [paying.states(number)[1]]
        for _ in "12":
            advance(paying, number)
            paying.pass_time(HALF_AN_HOUR)
            seen.append(paying.states(number)[1])
        confirm(paying, number, headers)
        paying.pass_time(HALF_AN_HOUR)
        seen.append(paying.states(number)[1])
        advance(paying, number)
        paying.pass_time(HALF_AN_HOUR)

        assert seen == ["accepted", "processing", "confirming", "transferring"]
        assert paying.states(number) == ("paid", "success")
        assert paying.have(member) == (90_000, 0)
        assert paying.breaches() == []

    @pytest.mark.parametrize("state", ["FAIL", "SUCCESS"])
    def test_an_end_nobody_told_us_of_is_found_by_asking(self, paying, state):
        number, _, headers = paying.sent()
        if state == "SUCCESS":
            pay(paying, number, headers)
        else:
            paying.settle(number, state)

        paying.pass_time(HALF_AN_HOUR)

        ends = {"FAIL": ("returned", "failed"), "SUCCESS": ("paid", "success")}
        assert paying.states(number) == ends[state]
        assert paying.deliver() == [204]
        assert paying.states(number) == ends[state]
        assert paying.breaches() == []

    def test_the_distributor_who_waits_on_the_page_has_it_asked(self, paying):
        number, _, headers = paying.sent()
        pay(paying, number, headers)

        redis.client().flushdb()  # Two seconds pass.
        shown = paying.client.get(f"{URL}/{number}", headers=headers).json

        assert (shown["state"], shown["confirmation"]) == ("paid", None)


class TestLosing:
    @pytest.mark.parametrize(
        "kind",
        ["cut", "500", "503", "429", "accepted_500", "accepted_429", "lost", "bad_signature",
         "malformed_json", "unsigned"],
    )  # fmt: skip
    def test_an_unclear_answer_is_asked_about_and_never_sent_under_another_number(
        self, paying, kind
    ):
        paying.wechat.fault("transfer", kind)

        number, _, headers = paying.sent()
        paying.pass_time({"seconds": 15}, {"minutes": 1}, {"minutes": 3})

        assert [bill["out_bill_no"] for bill in paying.bills()] == [number]
        assert paying.states(number) == ("paying", "confirming")
        confirm(paying, number, headers)
        bodies = {call["body"] for call in paying.calls("transfer")}
        assert [json.loads(body)["out_bill_no"] for body in bodies] == [number]

    def test_the_package_of_a_lost_answer_comes_with_the_same_request(self, paying):
        paying.wechat.fault("transfer", "cut")
        number, _, headers = paying.sent()
        assert paying.payout(number).package_info is None

        shown = paying.client.get(f"{URL}/{number}", headers=headers).json

        assert shown["confirmation"]["package"] == paying.bill(number)["package_info"]

    def test_a_merchant_short_of_money_parks_it_and_tries_again_by_itself(self, paying):
        paying.wechat.control("POST", "balance", balance_fen=9_999)
        number, member, _ = paying.sent()
        parked = paying.payout(number)
        assert (parked.status, parked.last_error[:10]) == ("pending", "NOT_ENOUGH")
        assert paying.have(member) == (90_000, 10_000)

        paying.wechat.control("POST", "balance", balance_fen=10_000)
        paying.pass_time(HALF_AN_HOUR)

        assert paying.states(number) == ("paying", "confirming")
        assert paying.payout(number).last_error is None
        assert paying.wechat.control("GET", "balance")["balance_fen"] == 0

    def test_one_that_was_accepted_without_money_locks_it_when_asked_again(self, paying):
        paying.wechat.control("POST", "settings", transfer_start="PROCESSING")
        paying.wechat.control("POST", "balance", balance_fen=0)
        number, _, _ = paying.sent()
        assert paying.states(number) == ("paying", "processing")

        paying.wechat.control("POST", "balance", balance_fen=10_000)
        paying.pass_time({"seconds": 15}, {"minutes": 1}, {"minutes": 3})

        assert paying.states(number) == ("paying", "confirming")

    @pytest.mark.parametrize("on", ["transfer", "transfer_query"])
    def test_any_other_refusal_is_parked_for_a_person(self, paying, on):
        number, _, _ = paying.asked()
        if on == "transfer_query":
            paying.wechat.fault("transfer", "lost")
            paying.run_jobs()
            paying.wait(seconds=15)
        args = {"status": 403, "code": "NO_AUTH", "message": "商户无权限"}
        paying.wechat.fault(on, "error", args=args)

        paying.sweep()

        assert paying.payout(number).last_error.startswith("NO_AUTH")
        assert paying.states(number) == ("paying", "pending")

    def test_a_worker_that_dies_before_the_call_leaves_a_number_that_is_sent_once(
        self, paying, monkeypatch
    ):
        number, _, _ = paying.asked()

        def die(*_):
            raise KeyboardInterrupt

        with monkeypatch.context() as broken:
            broken.setattr(calls, "_talk", die)
            with pytest.raises(KeyboardInterrupt):
                calls.carry(number)
        assert paying.payout(number).sent_at is not None

        paying.pass_time({"seconds": 15})

        assert [bill["out_bill_no"] for bill in paying.bills()] == [number]

    def test_a_turn_that_was_held_up_for_long_sends_nothing(self, paying, monkeypatch):
        number, _, _ = paying.asked()
        talk = calls._talk

        def late(*given):
            paying.wait(seconds=31)
            talk(*given)

        monkeypatch.setattr(calls, "_talk", late)
        paying.run_jobs()

        assert paying.bills() == []
        assert paying.states(number) == ("paying", "pending")

    def test_what_wechat_has_forgotten_is_neither_sent_again_nor_given_back(self, paying):
        paying.wechat.fault("transfer", "cut")
        number, member, _ = paying.sent()
        paying.wait(days=31)

        paying.sweep()

        assert paying.payout(number).last_error.startswith("TOO_OLD")
        assert paying.states(number) == ("paying", "pending")
        assert paying.have(member) == (90_000, 10_000)
        assert len(paying.calls("transfer")) == 1
