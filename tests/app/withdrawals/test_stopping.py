"""Payouts that are stopped, and answers that cannot be true, against the sandbox over HTTP."""

import dataclasses
import json
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.core.auth import Audience
from app.payments.models import PayInbox
from app.withdrawals import calls
from tests.app.withdrawals.conftest import URL, advance, confirm, pay
from tests.wechat_sandbox import APPID, MCHID

HALF_AN_HOUR = {"minutes": 30}


class TestStopping:
    def test_what_nobody_confirms_for_a_day_is_cancelled_and_comes_back(self, paying):
        number, member, _ = paying.sent()
        paying.wechat.control("POST", "settings", transfer_steps="manual")
        # Our day is over a moment before WeChat's.
        paying.wait(hours=23, minutes=59, seconds=50)
        paying.now += timedelta(seconds=10)
        paying.sweep()
        assert paying.states(number) == ("paying", "cancelling")
        assert paying.have(member) == (90_000, 10_000)

        advance(paying, number)
        paying.deliver()

        assert paying.states(number) == ("returned", "cancelled")
        assert "24 小时" in paying.look(number).reason
        assert paying.have(member) == (100_000, 0)
        assert paying.breaches() == []

    def test_what_wechat_closes_itself_after_a_day_comes_back(self, paying):
        number, member, _ = paying.sent()
        paying.wait(hours=24, minutes=1)

        paying.sweep()

        headers = paying.token_for(Audience.SHOPPER, member.id)
        shown = paying.client.get(f"{URL}/{number}", headers=headers).json
        assert (shown["state"], shown["reason"]) == ("returned", "超过 24 小时未确认收款")
        assert paying.have(member) == (100_000, 0)

    def test_the_distributors_cancel_waits_for_wechats_last_word(self, paying):
        paying.wechat.control("POST", "settings", transfer_steps="manual")
        number, member, headers = paying.sent()

        answer = paying.client.post(f"{URL}/{number}/cancel", headers=headers)
        assert (answer.json["state"], answer.json["is_cancelling"]) == ("paying", True)
        paying.run_jobs()
        assert paying.states(number) == ("paying", "cancelling")
        assert paying.have(member) == (90_000, 10_000)
        shown = paying.client.get(f"{URL}/{number}", headers=headers).json
        assert (shown["confirmation"], shown["title"][:3]) == (None, "撤销中")

        advance(paying, number)
        paying.pass_time(HALF_AN_HOUR)

        assert paying.states(number) == ("returned", "cancelled")
        assert paying.look(number).ended_by == f"member:{member.id}"
        assert paying.have(member) == (100_000, 0)

    def test_who_confirms_quicker_than_the_cancel_has_the_money(self, paying):
        paying.wechat.control("POST", "settings", transfer_steps="manual")
        number, member, headers = paying.sent()
        package = paying.payout(number).package_info
        paying.client.post(f"{URL}/{number}/cancel", headers=headers)
        paying.wechat.control("POST", "receive", mchId=MCHID, appId=APPID, package=package)

        paying.run_jobs()
        assert paying.states(number) == ("paying", "transferring")
        advance(paying, number)
        paying.deliver()

        assert paying.states(number) == ("paid", "success")
        assert paying.have(member) == (90_000, 0)
        assert paying.breaches() == []

    def test_a_cancel_wechat_began_and_lost_to_the_payee_ends_as_paid(self, paying):
        paying.wechat.control("POST", "settings", transfer_steps="manual")
        number, member, headers = paying.sent()
        paying.client.post(f"{URL}/{number}/cancel", headers=headers)
        paying.run_jobs()
        paying.settle(number, "SUCCESS")

        paying.deliver()

        assert paying.states(number) == ("paid", "success")
        assert paying.have(member) == (90_000, 0)

    def test_a_confirmed_one_is_not_cancelled_any_more(self, paying):
        paying.wechat.control("POST", "settings", transfer_steps="manual")
        number, _, headers = paying.sent()
        confirm(paying, number, headers)
        paying.pass_time({"minutes": 1})

        answer = paying.client.post(f"{URL}/{number}/cancel", headers=headers)

        assert (answer.status_code, answer.json["code"]) == (409, "withdrawal_state_forbids")

    @pytest.mark.parametrize("kind", ["cut", "500", "lost"])
    def test_a_cancel_without_an_answer_is_asked_for_again(self, paying, kind):
        number, member, headers = paying.sent()
        paying.wechat.fault("transfer_cancel", kind)
        paying.client.post(f"{URL}/{number}/cancel", headers=headers)

        paying.run_jobs()
        paying.pass_time({"seconds": 15}, {"minutes": 1}, {"minutes": 3})

        assert paying.states(number) == ("returned", "cancelled")
        assert paying.have(member) == (100_000, 0)

    def test_what_never_arrived_comes_back_once_nothing_can_be_under_way(self, paying):
        paying.wechat.fault("transfer", "lost")
        number, member, headers = paying.sent()
        paying.client.post(f"{URL}/{number}/cancel", headers=headers)

        paying.run_jobs()
        paying.pass_time({"minutes": 5})
        assert paying.states(number) == ("paying", "pending")
        paying.pass_time({"minutes": 5}, {"minutes": 30})

        assert paying.states(number) == ("returned", "cancelled")
        assert paying.bills() == []
        assert paying.have(member) == (100_000, 0)
        assert paying.breaches() == []

    def test_what_arrives_after_it_was_given_back_is_cancelled_there(self, paying, monkeypatch):
        paying.wechat.fault("transfer", "lost")
        number, member, headers = paying.sent()
        paying.client.post(f"{URL}/{number}/cancel", headers=headers)
        late = []
        talk = calls._talk
        with monkeypatch.context() as broken:
            broken.setattr(calls, "_talk", lambda *given: late.append(given))
            paying.run_jobs()
        paying.pass_time({"minutes": 11}, {"minutes": 30})
        assert paying.states(number) == ("returned", "cancelled")

        # A process that slept through all of it wakes up, and its clock tells it nothing.
        transfers, errand = late[0]
        asleep = dataclasses.replace(
            errand,
            is_stopping=False,
            may_be_sent=True,
            was_sent=False,
            send_by=paying.now + timedelta(hours=1),
        )
        talk(transfers, asleep)

        assert paying.bill(number)["state"] in {"CANCELING", "CANCELLED"}
        assert paying.have(member) == (100_000, 0)
        paying.deliver()
        assert paying.have(member) == (100_000, 0)
        assert paying.breaches() == []


class TestDistrusting:
    @pytest.mark.parametrize(
        ("kind", "status"),
        [
            ("bad_signature", 401),
            ("stale_timestamp", 401),
            ("signtest", 401),
            ("unknown_serial", 401),
            ("unsigned", 401),
            ("xml_body", 401),
            ("wrong_key", 401),
            ("malformed_json", 401),
            ("wrong_amount", 204),
            ("wrong_mchid", 204),
        ],
    )
    def test_what_does_not_fit_changes_nothing_and_the_truth_is_found_by_asking(
        self, paying, kind, status
    ):
        number, member, headers = paying.sent()
        pay(paying, number, headers)

        assert paying.deliver(kind=kind) == [status]

        assert paying.states(number)[0] == "paying"
        assert paying.have(member) == (90_000, 10_000)
        paying.pass_time(HALF_AN_HOUR)
        assert paying.states(number) == ("paid", "success")
        assert paying.breaches() == []

    @pytest.mark.parametrize("kind", ["unknown_fields", None])
    def test_fields_we_do_not_know_are_no_error(self, paying, kind):
        number, _, headers = paying.sent()
        pay(paying, number, headers)

        assert paying.deliver(kind=kind) == [204]

        assert paying.states(number) == ("paid", "success")

    @pytest.mark.parametrize(
        "change", [{"mch_id": "1999999999"}, {"transfer_amount": 1}, {"out_bill_no": "W1"},
                   {"state": 7}, {"transfer_bill_no": ""}],
    )  # fmt: skip
    def test_a_false_answer_to_our_question_ends_nothing(self, paying, change):
        number, member, headers = paying.sent()
        pay(paying, number, headers)
        paying.wechat.fault("transfer_query", "content", args={"set": change})

        paying.pass_time({"seconds": 15})

        assert paying.states(number)[0] == "paying"
        assert paying.have(member) == (90_000, 10_000)
        paying.pass_time(HALF_AN_HOUR)
        assert paying.states(number) == ("paid", "success")

    def test_nothing_personal_of_a_fact_is_kept_but_under_its_signature(self, paying):
        number, member, _ = paying.sent()
        paying.settle(number, "FAIL", reason="ACCOUNT_FROZEN")
        paying.deliver()

        (row,) = paying.session.scalars(select(PayInbox))

        assert (row.kind, row.out_no, row.status) == ("payout", number, "applied")
        assert member.openid not in json.dumps(row.fact)
