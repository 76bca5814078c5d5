"""What other malls get wrong about withdrawals, each by the bug's name."""

import json

from tests.app.withdrawals.conftest import URL
from tests.app.withdrawals.test_sandbox import confirm


def test_lilishop_pays_twice_under_a_fresh_number_after_a_timeout(paying):
    paying.wechat.fault("transfer", "cut", times=2)
    number, _, _ = paying.sent()
    paying.pass_time({"seconds": 15}, {"minutes": 1}, {"minutes": 3})

    sent = {json.loads(call["body"])["out_bill_no"] for call in paying.calls("transfer")}
    assert sent == {number}
    assert len(paying.bills()) == 1


def test_likeshop_believes_the_client_who_says_it_received(paying):
    paying.wechat.control("POST", "settings", transfer_steps="manual")
    number, member, headers = paying.sent()
    confirm(paying, number, headers)

    shown = paying.client.get(f"{URL}/{number}", headers=headers).json

    assert shown["state"] == "paying"
    assert paying.have(member) == (90_000, 10_000)


def test_crmeb_and_yudao_let_two_withdrawals_pass_one_balance(shop):
    member, headers = shop.distributor(fen=10_000)

    answers = [shop.ask(headers, 6_000).status_code for _ in "12"]

    assert answers == [201, 409]
    assert shop.have(member) == (4_000, 6_000)


def test_crmeb_pays_before_it_changes_the_status(paying):
    number, _, _ = paying.asked()
    assert paying.payout(number).sent_at is None

    paying.wechat.fault("transfer", "lost")
    paying.run_jobs()

    assert paying.payout(number).sent_at is not None
    assert paying.payout(number).request_body is not None


def test_a_negative_withdrawal_is_no_income(shop):
    member, headers = shop.distributor(fen=10_000)

    assert shop.ask(headers, -6_000).status_code == 422
    assert shop.have(member) == (10_000, 0)
