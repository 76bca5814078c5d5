"""What people decided about refunds is no difference: WeChat's books never had it."""

from datetime import timedelta

import pytest

from app.core.errors import AppError
from app.payments import deciding_calls as people
from app.payments.models import RefundStatus
from app.payments.stuck import Instruction
from tests.builders.staff import make_staff


@pytest.fixture
def wanted(shop):
    staff = make_staff(shop.session)
    shop.session.commit()
    return Instruction(staff.id, "微信已关闭")


@pytest.fixture
def closed(shop, wechat):
    """A refund that WeChat took and closed."""
    wechat.control("POST", "settings", refund_outcome="CLOSED")
    number = shop.refund(shop.pay())
    assert shop.refund_row(number).status == RefundStatus.CLOSED
    wechat.control("POST", "settings", refund_outcome="SUCCESS")
    return number


def test_a_refund_that_was_given_back_by_hand_is_none_of_wechats(shop, closed, wanted):
    people.by_hand(wanted, number=closed, receipt_no="ICBC-0001")

    shop.wait()
    shop.run()

    assert shop.refund_row(closed).status == "success"
    assert shop.breaks(kind="refund") == []


def test_a_refund_under_another_number_is_compared_under_that_one(shop, closed, wanted, wechat):
    new = people.replace(wanted, number=closed).out_refund_no
    shop.carry(shop.refund_row(new).id)
    wechat.control("POST", "idle")
    shop.go(shop.now + timedelta(minutes=2))
    shop.carry(shop.refund_row(new).id)
    assert shop.refund_row(new).status == "success"

    shop.wait()
    shop.run()

    assert shop.breaks(kind="refund") == []


def test_a_refund_too_old_for_wechat_is_none_of_wechats(shop, wanted, wechat):
    payment = shop.pay()
    wechat.fault("refund", "error", args={"status": 403, "code": "TRADE_OVERDUE"})
    number = shop.refund(payment, is_heard=False)
    with pytest.raises(AppError):
        people.replace(wanted, number=number)
    people.by_hand(wanted, number=number, receipt_no="ICBC-0001")

    shop.wait()
    shop.run()

    assert shop.breaks(kind="refund") == []
