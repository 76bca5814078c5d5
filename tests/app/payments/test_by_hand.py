"""Refunds that WeChat will never make: given back outside of it, and recorded once."""

import pytest

from app.core.auth import Audience
from app.payments import queries
from tests.app.payments.test_stuck import BY_HAND, RECEIPT, ended, refused
from tests.builders.staff import make_staff


@pytest.fixture
def post(mall, token_for):
    account = make_staff(mall.session)
    mall.session.commit()
    headers = token_for(Audience.STAFF, account.id)
    return lambda url, number, body: mall.client.post(
        url.format(number), json=body, headers=headers
    )


class TestByHand:
    def test_what_wechat_never_will_is_given_back_outside(self, mall, post):
        order, _, number = refused(mall, reason="TRADE_OVERDUE")

        answer = post(BY_HAND, number, RECEIPT)

        assert (answer.status_code, answer.json["receipt_no"]) == (200, "ICBC-0002")
        assert mall.refunds(order)[0].status == "success"
        assert mall.look(order).status == "refunded"
        assert queries.stuck(mall.session, cursor=None)["items"] == []
        assert mall.breaches() == []

    def test_so_is_what_wechat_closed(self, mall, post):
        order, number = ended(mall, "CLOSED")

        assert post(BY_HAND, number, RECEIPT).status_code == 200

        assert mall.look(order).status == "refunded"
        assert mall.breaches() == []

    @pytest.mark.parametrize("status", ["ABNORMAL", "SUCCESS"])
    def test_never_what_wechat_may_still_bring_or_has_brought(self, mall, post, status):
        order, number = ended(mall, status)

        assert post(BY_HAND, number, RECEIPT).json["code"] == "refund_state_forbids"
        assert mall.refunds(order)[0].receipt_no is None

    def test_nor_what_only_lacks_money(self, mall, post):
        order, _, number = refused(mall)

        assert post(BY_HAND, number, RECEIPT).json["refund_status"] == "pending"
        assert mall.refunds(order)[0].receipt_no is None

    def test_wechat_is_asked_first_and_believed(self, mall, post):
        order, number = ended(mall, "CLOSED")
        mall.platform.settle_refund(number)

        assert post(BY_HAND, number, RECEIPT).json["refund_status"] == "success"
        assert mall.refunds(order)[0].receipt_no is None

    def test_money_that_then_goes_back_twice_calls_a_person(self, mall, post):
        _, number = ended(mall, "CLOSED")
        post(BY_HAND, number, RECEIPT)

        mall.hear_of_refund(mall.platform.settle_refund(number), id="RF-9")
        mall.run_jobs()

        assert (mall.inbox()[-1].status, mall.inbox()[-1].reason) == (
            "quarantined",
            "returned_by_hand",
        )

    @pytest.mark.parametrize("receipt_no", ["", "123", "收据一号", "x" * 65, None, 12345])
    def test_a_bad_receipt_is_refused_and_nothing_is_recorded(self, mall, post, receipt_no):
        order, number = ended(mall, "CLOSED")

        answer = post(BY_HAND, number, RECEIPT | {"receipt_no": receipt_no})

        assert answer.status_code == 422
        assert mall.refunds(order)[0].status == "closed"
