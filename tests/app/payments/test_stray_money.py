"""Money that a person sent back: it never counts any more, and its story is told."""

import json

import pytest

from app.payments import deciding_calls as people
from app.payments import timeline
from app.payments.decision_models import Decision
from app.payments.quarantine import Judgement
from app.payments.stuck import Instruction
from tests.app.payments.test_quarantine import underpaid
from tests.builders.staff import make_staff


@pytest.fixture
def staff_id(mall):
    staff = make_staff(mall.session)
    mall.session.commit()
    return staff.id


def give_back(mall, staff_id):
    """Decide that the money of the latest fact goes back."""
    judgement = Judgement(Decision.REFUND, "少付，退回重付", staff_id)
    people.decide(judgement, inbox_id=mall.inbox()[-1].id)


def test_news_that_fits_after_all_does_not_count_money_that_is_on_its_way_back(mall, staff_id):
    order, number = underpaid(mall)
    give_back(mall, staff_id)
    amount = {"currency": "CNY", "total": order.payable_fen}

    mall.hear({**mall.platform.transaction(number), "amount": amount}, id="EV-5")
    mall.run_jobs()

    assert {each.event_id: each.status for each in mall.inbox()}["EV-5"] == "returned"
    assert mall.look(order).status == "unpaid"
    assert mall.breaches() == []


def test_stray_money_whose_refund_is_closed_goes_back_under_another_number(mall, staff_id):
    _, number = mall.open()
    stray = "P" + "9" * 26
    mall.platform.trades[stray] = json.loads(json.dumps(mall.platform.trades[number]))
    mall.hear(mall.platform.pay(stray))
    mall.run_jobs()
    give_back(mall, staff_id)
    mall.run_jobs()
    (old,) = mall.platform.refunds
    closed = mall.platform.settle_refund(old, "CLOSED")
    mall.hear_of_refund(closed, event_type="REFUND.CLOSED")
    mall.run_jobs()

    replaced = people.replace(Instruction(staff_id, "重新退款"), number=old)
    mall.run_jobs()
    mall.hear_of_refund(mall.platform.settle_refund(replaced.out_refund_no), id="RF-2")
    mall.run_jobs()

    assert mall.platform.refunds[replaced.out_refund_no]["status"] == "SUCCESS"
    assert mall.breaches() == []


def test_the_story_of_the_order_tells_who_decided_what_and_why(mall, staff_id):
    order, number = underpaid(mall, fen=3)
    give_back(mall, staff_id)
    mall.run_jobs()

    events = timeline.of_order(mall.session, order_id=order.id).events

    (made,) = [event for event in events if event.what == "decision"]
    assert (made.number, made.amount_fen, made.status) == (number, 3, "refund")
    assert (made.note, made.title) == ("少付，退回重付", "人工处理异常款项")
    assert made.staff_id == staff_id
    assert "attempt_closed" in {event.what for event in events}
