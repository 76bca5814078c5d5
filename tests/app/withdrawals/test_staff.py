"""What staff do about withdrawals: agree, refuse, pay by hand, try again, export, set the rules."""

import csv
import io

import pytest

from app.core.auth import Audience
from app.core.clock import CHINA
from app.staff.models import Role
from distribution.withdrawals import rules
from distribution.withdrawals.rules import WithdrawalRules
from tests.app.withdrawals.conftest import URL
from tests.builders.distribution import refund
from tests.builders.withdrawals import ID_NUMBERS, earn, make_withdrawal_rules

STAFF_URL = "/admin/v1/withdrawals"
RULES = "/admin/v1/withdrawal-rules"
ONE = "/admin/v1/withdrawals/{no}"
ACCOUNT = "/admin/v1/withdrawals/{no}/account"
VERBS = {
    "approve": "/admin/v1/withdrawals/{no}/approve",
    "reject": "/admin/v1/withdrawals/{no}/reject",
    "pay": "/admin/v1/withdrawals/{no}/pay",
    "retry": "/admin/v1/withdrawals/{no}/retry",
}
EXPORT = "/admin/v1/withdrawals/monthly.csv"


@pytest.fixture
def strict(shop):
    """One person must agree above ¥10, a second above ¥500."""
    make_withdrawal_rules(
        shop.session, now=shop.now, review_over_fen=1_000, second_review_over_fen=50_000
    )
    shop.session.commit()
    return shop


def post(shop, headers, number, verb, **body):
    url = VERBS[verb].format(no=number)
    return shop.client.post(url, headers=headers, **({"json": body} if body else {}))


class TestReviewing:
    def test_one_of_the_staff_agrees_and_it_goes(self, strict):
        number, member, _ = strict.asked()

        answer = post(strict, strict.staff(), number, "approve")

        assert (answer.status_code, answer.json["state"]) == (200, "paying")
        assert answer.json["payout_status"] == "pending"
        assert answer.json["first_by"].startswith("staff:")
        assert strict.have(member) == (90_000, 10_000)
        assert strict.breaches() == []

    def test_a_large_one_waits_for_somebody_else(self, strict):
        number, _, _ = strict.asked(amount_fen=50_001)
        boss, clerk = strict.staff(), strict.staff()

        first = post(strict, boss, number, "approve")
        again = post(strict, boss, number, "approve")
        second = post(strict, clerk, number, "approve")

        assert (first.json["state"], first.json["title"]) == ("approving", "待复核")
        assert (again.status_code, again.json["code"]) == (409, "withdrawal_reviewed_by_you")
        assert second.json["state"] == "paying"
        assert second.json["first_by"] != second.json["second_by"]

    def test_a_refusal_carries_its_reason_to_the_distributor(self, strict):
        number, member, headers = strict.asked()

        answer = post(strict, strict.staff(), number, "reject", reason="资料不符")

        assert (answer.json["state"], answer.json["reason"]) == ("returned", "资料不符")
        shown = strict.client.get(f"{URL}/{number}", headers=headers).json
        assert (shown["title"], shown["reason"]) == ("已退回余额", "资料不符")
        assert strict.have(member) == (100_000, 0)

    @pytest.mark.parametrize("verb", ["approve", "reject", "pay", "retry"])
    def test_what_is_over_stays_over(self, strict, verb):
        number, member, _ = strict.asked()
        staff = strict.staff()
        post(strict, staff, number, "reject", reason="资料不符")
        body = {"reject": {"reason": "x"}, "pay": {"receipt_no": "B-0001"}}.get(verb, {})

        answer = post(strict, staff, number, verb, **body)

        assert (answer.status_code, answer.json["code"]) == (409, "withdrawal_state_forbids")
        assert answer.json["state"] == "returned"
        assert strict.have(member) == (100_000, 0)

    @pytest.mark.parametrize("verb", ["approve", "reject", "pay", "retry"])
    def test_a_number_nobody_gave_is_not_found(self, shop, verb):
        body = {"reject": {"reason": "x"}, "pay": {"receipt_no": "B-0001"}}.get(verb, {})

        answer = post(shop, shop.staff(), f"W{'0' * 26}", verb, **body)

        assert (answer.status_code, answer.json["code"]) == (404, "withdrawal_not_found")

    @pytest.mark.parametrize("verb", ["approve", "reject", "pay", "retry"])
    def test_strangers_and_analysts_do_nothing(self, strict, verb):
        number, member, headers = strict.asked()
        body = {"reject": {"reason": "x"}, "pay": {"receipt_no": "B-0001"}}.get(verb, {})
        analyst = strict.staff(role=Role.ANALYST)

        answers = [post(strict, who, number, verb, **body) for who in ({}, headers, analyst)]

        assert [answer.status_code for answer in answers] == [401, 401, 403]
        assert strict.look(number).state == "reviewing"
        assert strict.have(member) == (90_000, 10_000)

    @pytest.mark.parametrize(
        ("verb", "body"),
        [
            ("reject", {}),
            ("reject", {"reason": ""}),
            ("reject", {"reason": "x" * 201}),
            ("reject", {"reason": 7}),
            ("reject", {"reason": "x", "more": 1}),
            ("pay", {"receipt_no": "abc"}),
            ("pay", {"receipt_no": "a" * 65}),
            ("pay", {"receipt_no": "凭证一号"}),
            ("pay", {"receipt_no": None}),
            ("pay", {"receipt_no": "B-0001", "amount_fen": 1}),
        ],
    )
    def test_a_bad_body_is_refused_and_changes_nothing(self, strict, verb, body):
        number, member, _ = strict.asked()

        answer = strict.client.post(
            VERBS[verb].format(no=number), headers=strict.staff(), json=body
        )

        assert answer.status_code == 422
        assert strict.look(number).state == "reviewing"
        assert strict.have(member) == (90_000, 10_000)


class TestByHand:
    @pytest.fixture
    def by_hand(self, shop):
        member, headers = shop.distributor(payee=True)
        number = shop.ask(headers, channel="manual").json["withdrawal_no"]
        return number, member

    def test_who_pays_sees_the_account_and_notes_the_receipt(self, shop, by_hand):
        number, member = by_hand
        staff = shop.staff()

        account = shop.client.get(ACCOUNT.format(no=number), headers=staff).json
        paid = post(shop, staff, number, "pay", receipt_no="ICBC-20261123-7")

        assert account == {"real_name": "周敏", "account": "工行 6222 0000", "net_fen": 10_000}
        assert (paid.json["state"], paid.json["receipt_no"]) == ("paid", "ICBC-20261123-7")
        assert paid.json["payee"]["real_name"] == "周**"
        assert shop.have(member) == (90_000, 0)
        assert shop.breaches() == []
        assert shop.run_jobs() == []

    def test_who_cannot_pay_gives_it_back(self, shop, by_hand):
        number, member = by_hand

        answer = post(shop, shop.staff(), number, "reject", reason="账号有误")

        assert answer.json["state"] == "returned"
        assert shop.have(member) == (100_000, 0)

    def test_the_account_is_shown_to_nobody_else_and_at_no_other_time(self, shop, by_hand):
        number, _ = by_hand
        url = ACCOUNT.format(no=number)
        analyst = shop.client.get(url, headers=shop.staff(role=Role.ANALYST))
        staff = shop.staff()
        post(shop, staff, number, "pay", receipt_no="ICBC-1")

        after = shop.client.get(url, headers=staff)

        assert analyst.status_code == 403
        assert (after.status_code, after.json["code"]) == (409, "withdrawal_state_forbids")

    def test_what_goes_by_wechat_is_not_paid_by_hand(self, shop):
        number, member, _ = shop.asked()

        answer = post(shop, shop.staff(), number, "pay", receipt_no="ICBC-1")

        assert (answer.status_code, answer.json["state"]) == (409, "paying")
        assert shop.have(member) == (90_000, 10_000)


class TestTheQueue:
    def test_lists_one_state_with_what_the_distributor_owes(self, strict):
        member, headers = strict.distributor(fen=20_000, nickname="小周", phone="13812345678")
        order = earn(strict.session, member_id=member.id, fen=1_000, now=strict.now)
        strict.session.commit()
        waiting = strict.ask(headers, 20_500).json["withdrawal_no"]
        going = strict.ask(headers, 500).json["withdrawal_no"]
        refund(strict.session, order=order, total_fen=2_000, now=strict.now)
        strict.session.commit()

        staff = strict.staff()
        page = strict.client.get(f"{STAFF_URL}?state=reviewing", headers=staff).json
        everything = strict.client.get(STAFF_URL, headers=staff).json

        (item,) = page["items"]
        assert (item["withdrawal_no"], item["nickname"]) == (waiting, "小周")
        assert (item["phone"], item["receivable_fen"]) == ("138****5678", 1_000)
        assert [each["withdrawal_no"] for each in everything["items"]] == [going, waiting]

    def test_goes_on_page_by_page(self, shop):
        _, headers = shop.distributor()
        numbers = [shop.ask(headers, 1_000).json["withdrawal_no"] for _ in range(3)]
        staff = shop.staff()

        first = shop.client.get(f"{STAFF_URL}?limit=2", headers=staff).json
        query = {"limit": 2, "cursor": first["next_cursor"]}
        rest = shop.client.get(STAFF_URL, headers=staff, query_string=query).json

        seen = [item["withdrawal_no"] for item in (*first["items"], *rest["items"])]
        assert seen == numbers[::-1]
        assert shop.client.get(f"{STAFF_URL}?cursor=x", headers=staff).status_code == 422

    def test_what_wechat_refuses_for_now_is_found_and_tried_again_at_once(self, paying):
        paying.wechat.control("POST", "balance", balance_fen=0)
        number, _, _ = paying.sent()
        paying.wechat.control("POST", "balance", balance_fen=None)
        staff = paying.staff()
        parked = f"{STAFF_URL}?is_parked=true"
        (item,) = paying.client.get(parked, headers=staff).json["items"]
        assert (item["withdrawal_no"], item["last_error"][:10]) == (number, "NOT_ENOUGH")

        answer = post(paying, staff, number, "retry")
        paying.run_jobs()

        assert answer.status_code == 200
        assert paying.states(number) == ("paying", "confirming")
        assert paying.client.get(parked, headers=staff).json["items"] == []
        shown = paying.client.get(ONE.format(no=number), headers=staff).json
        assert (shown["payout_status"], shown["payee"]) == ("confirming", None)
        assert shown["transfer_bill_no"]

    def test_staff_stop_what_is_on_its_way_and_wait_for_wechat(self, paying):
        number, member, _ = paying.sent()

        answer = post(paying, paying.staff(), number, "reject", reason="举报刷单")
        assert (answer.json["state"], answer.json["is_cancelling"]) == ("paying", True)
        paying.run_jobs()
        paying.pass_time({"minutes": 1})

        found = paying.look(number)
        assert (found.state, found.reason) == ("returned", "举报刷单")
        assert found.ended_by.startswith("staff:")
        assert paying.have(member) == (100_000, 0)


class TestExport:
    def paid(self, shop, *, amount_fen, member=None, **named):
        if member is None:
            member, headers = shop.distributor()
            shop.name(member, **named)
            shop.session.commit()
        else:
            headers = shop.token_for(Audience.SHOPPER, member.id)
        number = shop.ask(headers, amount_fen, channel="manual").json["withdrawal_no"]
        post(shop, shop.staff(), number, "pay", receipt_no="ICBC-1")
        return member

    def rows(self, shop, month, **who):
        headers = shop.staff(**who)
        return shop.client.get(f"{EXPORT}?month={month}", headers=headers)

    def test_adds_up_each_person_by_identity_number(self, shop):
        make_withdrawal_rules(shop.session, now=shop.now, fee_bp=100)
        month = f"{shop.now.astimezone(CHINA):%Y-%m}"
        one = self.paid(shop, amount_fen=1_000)
        self.paid(shop, amount_fen=2_000, member=one)
        other = self.paid(shop, amount_fen=4_000)
        third = self.paid(shop, amount_fen=500, real_name="=王强", number=ID_NUMBERS[2])

        answer = self.rows(shop, month)

        _, *rows = csv.reader(io.StringIO(answer.get_data(as_text=True)))
        assert answer.mimetype == "text/csv"
        assert rows == [
            [month, "周敏", ID_NUMBERS[0], f"{one.id} {other.id}", "3", "70.00", "0.70", "0.00",
             "69.30"],
            [month, "'=王强", f"'{ID_NUMBERS[2]}", str(third.id), "1", "5.00", "0.05", "0.00",
             "4.95"],
        ]  # fmt: skip

    def test_a_payee_who_is_not_named_is_a_person_by_account(self, paying):
        number, member, headers = paying.sent()
        shown = paying.client.get(f"{URL}/{number}", headers=headers).json
        paying.wechat.control("POST", "receive", **shown["confirmation"])
        paying.wechat.control("POST", "idle")
        paying.deliver()

        month = f"{paying.now.astimezone(CHINA):%Y-%m}"
        _, *rows = csv.reader(io.StringIO(self.rows(paying, month).get_data(as_text=True)))

        assert rows == [[month, "", "", str(member.id), "1", "100.00", "0.00", "0.00", "100.00"]]

    def test_is_not_for_analysts(self, shop):
        assert self.rows(shop, "2026-11", role=Role.ANALYST).status_code == 403

    @pytest.mark.parametrize("month", ["2026-13", "2026-1", "x", "", "1999-01"])
    def test_a_month_that_is_none_is_refused(self, shop, month):
        assert self.rows(shop, month).status_code == 422


class TestRules:
    def test_are_shown_with_what_the_law_says(self, shop):
        headers = shop.staff()
        given = {"fee_bp": 60, "min_fen": 1_000, "tax": "labour"}

        before = shop.client.get(RULES, headers=headers).json
        changed = shop.client.put(RULES, headers=headers, json=given)

        assert "扣缴义务人" in before["tax_notice"]
        assert (changed.status_code, changed.json["fee_bp"]) == (200, 60)
        assert "预扣" in changed.json["tax_notice"]
        assert changed.json == shop.client.get(RULES, headers=headers).json
        assert changed.json["daily_count"] == WithdrawalRules().daily_count

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"min_fen": 0}, "min_fen"),
            ({"min_fen": 600_000}, "max_fen"),
            ({"max_fen": 20_000_001}, "max_fen"),
            ({"fee_bp": 10_001}, "fee_bp"),
            ({"fee_bp": "60"}, "fee_bp"),
            ({"fee_min_fen": 95}, "min_fen"),
            ({"tax": "all"}, "tax"),
            ({"name_from_fen": 200_001}, "name_from_fen"),
            ({"has_wechat": False}, "has_wechat"),
            ({"has_wechat": 1}, "has_wechat"),
            ({"daily_count": 0}, "daily_count"),
            ({"review_over_fen": 300_000}, "second_review_over_fen"),
            ({"levels": 3}, "levels"),
        ],
    )
    def test_bad_rules_are_refused_and_change_nothing(self, shop, body, field):
        before = rules.current(shop.session)
        shop.session.rollback()

        answer = shop.client.put(RULES, headers=shop.staff(), json=body)

        assert (answer.status_code, list(answer.json["errors"])) == (422, [field])
        assert rules.current(shop.session) == before

    def test_are_not_for_strangers(self, shop):
        assert shop.client.get(RULES).status_code == 401
        assert shop.client.put(RULES, json={}).status_code == 401
