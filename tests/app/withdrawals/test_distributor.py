"""What a distributor does: say whom to pay, ask, look, take it back; and all that is refused."""

import pytest
from sqlalchemy import func, select, text

from app.core.auth import Audience
from app.members import service as members
from app.withdrawals.models import Payee, Payout
from distribution.team import joining
from distribution.withdrawals.models import Withdrawal
from distribution.withdrawals.states import Tax
from tests.builders.members import make_member
from tests.builders.withdrawals import ID_NUMBERS, make_withdrawal_rules

URL = "/api/v1/distributor/withdrawals"
ONE = "/api/v1/distributor/withdrawals/{no}"
CANCEL = "/api/v1/distributor/withdrawals/{no}/cancel"
PAYEE = "/api/v1/distributor/payee"
TERMS = "/api/v1/distributor/withdrawal-terms"
GOOD = {"real_name": "周敏", "id_number": ID_NUMBERS[0], "has_consented": True}


class TestPayee:
    def test_is_kept_sealed_and_shown_masked(self, shop):
        _, headers = shop.distributor()

        answer = shop.client.put(PAYEE, headers=headers, json={**GOOD, "account": "工行 62220011"})
        shown = shop.client.get(PAYEE, headers=headers).json

        assert answer.status_code == 200
        assert shown == answer.json
        assert (shown["real_name"], shown["id_number"]) == ("周**", "1****************X")
        assert shown["account"] == "****0011"
        assert "同意" in shown["consent"]
        stored = shop.session.execute(text("SELECT payee::text FROM payee")).scalar()
        for secret in ("周敏".encode().hex(), ID_NUMBERS[0].encode().hex(), ID_NUMBERS[0]):
            assert secret not in stored

    def test_a_new_one_is_added_and_the_latest_counts(self, shop):
        _, headers = shop.distributor(payee=True)

        shop.client.put(PAYEE, headers=headers, json={**GOOD, "real_name": "王强"})

        assert shop.client.get(PAYEE, headers=headers).json["real_name"] == "王**"
        assert shop.session.scalar(select(func.count()).select_from(Payee)) == 2

    def test_who_named_nobody_has_none(self, shop):
        _, headers = shop.distributor()

        answer = shop.client.get(PAYEE, headers=headers)

        assert (answer.status_code, answer.json["code"]) == (404, "payee_not_found")

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"real_name": "周"}, "real_name"),
            ({"real_name": "周" * 31}, "real_name"),
            ({"real_name": "周敏😀"}, "real_name"),
            ({"real_name": 7}, "real_name"),
            ({"id_number": "110105194912310021"}, "id_number"),
            ({"id_number": "110101199002300014"}, "id_number"),
            ({"id_number": "11010120200101001X"}, "id_number"),
            ({"id_number": "11010519491231002x"}, "id_number"),
            ({"id_number": None}, "id_number"),
            ({"account": "6" * 101}, "account"),
            ({"account": "a\u0000b"}, "account"),
            ({"has_consented": False}, "has_consented"),
            ({"has_consented": "yes"}, "has_consented"),
            ({"more": 1}, "more"),
        ],
    )
    def test_what_is_wrong_with_it_is_said_and_nothing_is_kept(self, shop, change, field):
        _, headers = shop.distributor()

        answer = shop.client.put(PAYEE, headers=headers, json={**GOOD, **change})

        assert (answer.status_code, list(answer.json["errors"])) == (422, [field])
        assert shop.session.scalar(select(func.count()).select_from(Payee)) == 0

    def test_trying_numbers_without_end_is_stopped(self, shop):
        _, headers = shop.distributor()

        answers = [shop.client.put(PAYEE, headers=headers, json=GOOD) for _ in range(11)]

        assert [answer.status_code for answer in answers] == [200] * 10 + [429]


class TestTerms:
    def test_tell_the_rules_the_balance_and_the_payee(self, shop):
        _, headers = shop.distributor(fen=12_345, payee=True)

        shown = shop.client.get(TERMS, headers=headers).json

        assert (shown["available_fen"], shown["payee"]["real_name"]) == (12_345, "周**")
        assert (shown["min_fen"], shown["tax"], shown["has_manual"]) == (10, "off", True)
        assert shown["consent"] == shown["payee"]["consent"]

    def test_tell_a_stranger_that_there_is_nothing(self, shop):
        member = make_member(shop.session)
        shop.session.commit()

        shown = shop.client.get(TERMS, headers=shop.token_for(Audience.SHOPPER, member.id)).json

        assert (shown["available_fen"], shown["payee"]) == (0, None)


class TestAsking:
    def test_sets_the_money_aside(self, shop):
        member, headers = shop.distributor(fen=30_000)

        answer = shop.ask(headers, 10_000)

        assert answer.status_code == 201
        assert answer.json["state"] == "paying"
        assert (answer.json["net_fen"], answer.json["title"]) == (10_000, "打款中")
        assert shop.have(member) == (20_000, 10_000)
        assert shop.breaches() == []

    def test_the_same_key_asks_once(self, shop):
        member, headers = shop.distributor(fen=30_000)
        key = {"Idempotency-Key": "the same intent", **headers}
        key["Idempotency-Key"] = "the-same-intent"

        answers = [shop.client.post(URL, headers=key, json={"amount_fen": 10_000}) for _ in "12"]

        assert answers[0].json == answers[1].json
        assert shop.have(member) == (20_000, 10_000)

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"amount_fen": 0},
            {"amount_fen": -100},
            {"amount_fen": 10.5},
            {"amount_fen": "1000"},
            {"amount_fen": True},
            {"amount_fen": None},
            {"amount_fen": 10**11},
            {"amount_fen": 1_000, "channel": "bank"},
            {"amount_fen": 1_000, "member_id": 1},
            [1],
        ],
    )
    def test_a_bad_body_is_refused_and_changes_nothing(self, shop, body):
        member, headers = shop.distributor(fen=30_000)
        headers = {"Idempotency-Key": "a-good-key", **headers}

        answer = shop.client.post(URL, headers=headers, json=body)

        assert answer.status_code == 422
        assert shop.have(member) == (30_000, 0)

    @pytest.mark.parametrize(
        ("rules", "amount_fen", "code", "members"),
        [
            ({}, 30_001, "withdrawal_balance_too_low",
             {"available_fen": 30_000, "receivable_fen": 0}),
            ({"min_fen": 500}, 499, "withdrawal_out_of_range", {"min_fen": 500}),
            ({"max_fen": 500}, 501, "withdrawal_out_of_range", {"max_fen": 500}),
            ({"has_wechat": False}, 500, "withdrawal_channel_closed", {}),
            ({"name_from_fen": 0}, 500, "payee_required", {"needs_account": False}),
            ({"tax": Tax.LABOUR}, 500, "payee_required", {}),
        ],
    )  # fmt: skip
    def test_a_refusal_says_why_and_changes_nothing(self, shop, rules, amount_fen, code, members):
        member, headers = shop.distributor(fen=30_000)
        make_withdrawal_rules(shop.session, now=shop.now, **rules)
        shop.session.commit()

        answer = shop.ask(headers, amount_fen)

        assert (answer.status_code, answer.json["code"]) == (409, code)
        assert members.items() <= answer.json.items()
        assert shop.have(member) == (30_000, 0)
        assert shop.session.scalar(select(func.count()).select_from(Withdrawal)) == 0

    def test_the_limits_of_a_day_say_how_much_they_are(self, shop):
        _, headers = shop.distributor(fen=30_000)
        make_withdrawal_rules(
            shop.session, now=shop.now, daily_count=2, daily_fen=1_000, max_fen=1_000
        )
        shop.session.commit()
        shop.ask(headers, 600)

        too_much, fits, too_many = (shop.ask(headers, fen) for fen in (401, 400, 10))

        assert (too_much.json["code"], too_much.json["asked_fen"]) == (
            "withdrawal_daily_amount", 600,
        )  # fmt: skip
        assert fits.status_code == 201
        assert (too_many.json["code"], too_many.json["daily_count"]) == (
            "withdrawal_daily_count",
            2,
        )

    def test_what_fee_and_tax_eat_up_is_refused(self, shop):
        member, headers = shop.distributor(fen=600_000, payee=True)
        make_withdrawal_rules(shop.session, now=shop.now, min_fen=200, fee_bp=9_000, tax=Tax.LABOUR)
        shop.session.commit()

        assert shop.ask(headers, 500_000).json["code"] == "withdrawal_too_small"
        assert shop.have(member) == (600_000, 0)

    def test_who_never_was_a_distributor_has_nothing(self, shop):
        member = make_member(shop.session)
        shop.session.commit()

        answer = shop.ask(shop.token_for(Audience.SHOPPER, member.id))

        assert (answer.status_code, answer.json["code"]) == (409, "withdrawal_needs_distributor")

    def test_who_was_frozen_waits_and_who_left_does_not(self, shop):
        member, headers = shop.distributor()
        joining.freeze(shop.session, member_id=member.id, reason="刷单", now=shop.now)
        shop.session.commit()
        assert shop.ask(headers).json["code"] == "withdrawal_frozen"

        joining.leave(shop.session, member_id=member.id, now=shop.now)
        shop.session.commit()

        assert shop.ask(headers).status_code == 201

    @pytest.mark.parametrize("account", [None, "工行 6222"])
    def test_payment_by_hand_needs_an_account(self, shop, account):
        member, headers = shop.distributor()
        shop.name(member, account=account)
        shop.session.commit()

        answer = shop.ask(headers, channel="manual")

        if account is None:
            assert (answer.status_code, answer.json["needs_account"]) == (409, True)
        else:
            assert (answer.status_code, answer.json["channel_name"]) == (201, "人工打款")


class TestLooking:
    def test_lists_the_latest_first_with_their_sums(self, shop):
        _, headers = shop.distributor()
        numbers = [shop.ask(headers, 1_000).json["withdrawal_no"] for _ in range(3)]

        first = shop.client.get(f"{URL}?limit=2", headers=headers).json
        query = {"limit": 2, "cursor": first["next_cursor"]}
        rest = shop.client.get(URL, headers=headers, query_string=query).json

        seen = [item["withdrawal_no"] for item in (*first["items"], *rest["items"])]
        assert seen == numbers[::-1]
        assert (first["paid_fen"], first["open_count"]) == (0, 3)
        assert rest["next_cursor"] is None

    def test_somebody_elses_does_not_exist(self, shop):
        number, member, _ = shop.asked()
        _, other = shop.distributor()
        before = shop.have(member)

        answers = [
            shop.client.get(ONE.format(no=number), headers=other),
            shop.client.post(CANCEL.format(no=number), headers=other),
            shop.client.get(f"{URL}/W{'0' * 26}", headers=other),
            shop.client.post(f"{URL}/W{'0' * 26}/cancel", headers=other),
        ]

        assert [(each.status_code, each.json["code"]) for each in answers] == [
            (404, "withdrawal_not_found")
        ] * 4
        assert shop.have(member) == before

    def test_a_mall_without_wechat_shows_what_it_knows(self, shop):
        number, _, headers = shop.asked()
        shop.session.execute(
            text("UPDATE payout SET request_body = '{}', sent_at = now(), called_at = now()")
        )
        shop.session.commit()

        shown = shop.client.get(ONE.format(no=number), headers=headers)

        assert (shown.status_code, shown.json["state"]) == (200, "paying")
        assert shown.json["confirmation"] is None


class TestTakingBack:
    def test_before_anybody_agreed_it_is_back_at_once(self, shop):
        make_withdrawal_rules(shop.session, now=shop.now, review_over_fen=0)
        number, member, headers = shop.asked()

        answer = shop.client.post(CANCEL.format(no=number), headers=headers)

        assert (answer.json["state"], answer.json["reason"]) == ("returned", "用户撤销")
        assert shop.have(member) == (100_000, 0)
        again = shop.client.post(CANCEL.format(no=number), headers=headers)
        assert (again.status_code, again.json["code"]) == (409, "withdrawal_state_forbids")
        assert again.json["state"] == "returned"

    def test_before_it_was_sent_it_is_back_at_once_and_never_sent(self, shop):
        number, member, headers = shop.asked()

        answer = shop.client.post(CANCEL.format(no=number), headers=headers)

        assert answer.json["state"] == "returned"
        assert shop.states(number) == ("returned", "cancelled")
        assert shop.have(member) == (100_000, 0)
        assert shop.breaches() == []

    def test_what_somebody_may_be_paying_by_hand_is_not_taken_back(self, shop):
        member, headers = shop.distributor(payee=True)
        number = shop.ask(headers, channel="manual").json["withdrawal_no"]

        answer = shop.client.post(CANCEL.format(no=number), headers=headers)

        assert (answer.status_code, answer.json["state"]) == (409, "paying")
        assert shop.have(member) == (90_000, 10_000)

    def test_an_account_that_is_gone_is_not_paid_and_the_money_waits(self, paying):
        number, member, _ = paying.asked()
        members.leave(paying.session, member_id=member.id, now=paying.now)
        paying.session.commit()

        paying.run_jobs()

        assert paying.states(number) == ("returned", "cancelled")
        assert "注销" in paying.look(number).reason
        assert paying.bills() == []
        assert paying.have(member) == (100_000, 0)
        assert paying.breaches() == []


def test_the_hash_of_an_identity_number_is_the_same_for_the_same_person(shop):
    for _ in "12":
        shop.distributor(payee=True)

    hashes = shop.session.scalars(select(Payee.id_number_hash)).all()

    assert len(hashes) == 2
    assert len(set(hashes)) == 1
    assert shop.session.scalar(select(func.count()).select_from(Payout)) == 0
