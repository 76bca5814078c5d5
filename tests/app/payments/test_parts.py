"""Refunds in parts: a minute between two of one payment, and fifty of them at most."""

import pytest

from app.core.auth import Audience
from app.orders import queries as orders
from app.payments import service
from tests.builders.staff import make_staff

REPLACE = "/admin/v1/refunds/{}/replace"


@pytest.fixture
def post(mall, token_for):
    account = make_staff(mall.session)
    mall.session.commit()
    headers = token_for(Audience.STAFF, account.id)
    return lambda url, number: mall.client.post(
        url.format(number), json={"reason": "重新退款"}, headers=headers
    )


def part(mall, order, number, *, fen=1):
    line = orders.lines(mall.session, order_id=order.id)[0]
    refund = service.request_refund(
        mall.session,
        order_id=order.id,
        source=f"after_sale:{number}",
        amount_fen=fen,
        line_amounts={line.id: fen},
        freight_fen=0,
        reason="部分",
        now=mall.now,
    )
    mall.session.commit()
    return refund


class TestParts:
    def test_two_parts_of_a_payment_are_sent_a_minute_apart(self, mall):
        order, _ = mall.paid()
        for at in range(3):
            part(mall, order, at)

        sent = []
        for _ in range(3):
            mall.run_jobs()
            sent.append(len(mall.platform.refunds))
            mall.wait(seconds=59)
            mall.run_jobs()
            assert len(mall.platform.refunds) == sent[-1]
            mall.wait(seconds=1)

        assert sent == [1, 2, 3]
        assert mall.breaches() == []

    def test_parts_of_different_payments_do_not_wait_for_each_other(self, mall):
        for _ in range(3):
            order, _ = mall.paid()
            part(mall, order, order.order_no)

        mall.run_jobs()

        assert len(mall.platform.refunds) == 3

    def test_a_lost_timer_is_made_up_for_by_the_sweep(self, mall):
        order, _ = mall.paid()
        for at in range(2):
            part(mall, order, at)
        mall.run_jobs()
        mall.wait(minutes=1)
        mall._due()  # Whatever waited is lost.

        mall.sweep()

        assert len(mall.platform.refunds) == 2

    def test_the_fifty_first_is_refused_and_nothing_is_kept(self, mall):
        order, _ = mall.paid()
        for at in range(50):
            part(mall, order, at)

        with pytest.raises(service.TooManyParts):
            part(mall, order, 50)
        mall.session.rollback()

        assert len(mall.refunds(order)) == 50
        assert mall.look(order).refunding_fen == 50
        assert mall.breaches() == []

    def test_a_number_that_was_replaced_counts(self, mall, post):
        order, _ = mall.paid()
        number = part(mall, order, 0).out_refund_no
        mall.run_jobs()
        for at in range(1, 50):
            part(mall, order, at)
        mall.hear_of_refund(
            mall.platform.settle_refund(number, "CLOSED"), event_type="REFUND.CLOSED"
        )
        mall.run_jobs()

        answer = post(REPLACE, number)

        assert (answer.status_code, answer.json["code"]) == (409, "too_many_refunds")
        assert len(mall.refunds(order)) == 50
