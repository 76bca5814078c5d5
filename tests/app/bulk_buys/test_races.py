"""The last payment against the closing, one order settled by many, and a process that dies."""

import contextvars
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from app.bulk_buys import jobs, settling
from app.core.db import db
from app.orders import queries as orders
from app.payments import service as payments
from promotions import bulk_buys
from promotions.bulk_buys import ShareState
from tests.builders.payments import pay_order

pytestmark = pytest.mark.race
ROUNDS = 6


@pytest.fixture
def at_once(app):
    """Run functions of a session at the same moment, each committed in a thread of its own."""

    def run(*works):
        barrier = Barrier(len(works))

        def one(work):
            with app.app_context():
                session = db.session()
                barrier.wait(timeout=60)
                result = work(session)
                session.commit()
                return result

        with ThreadPoolExecutor(len(works)) as pool:
            futures = [pool.submit(contextvars.Context().run, one, work) for work in works]
            return [future.result() for future in futures]

    return run


@pytest.mark.parametrize("round_no", range(ROUNDS))
def test_the_last_payment_is_counted_or_waited_for(deal, at_once, all_hold, round_no):
    """10 pieces reach the tier only together: closed with 9 there would be somebody unpaid."""
    deal.paid(9)
    last = deal.order(1)
    deal.session.commit()

    def pay(session):
        order = orders.get(session, order_no=last.order_no)
        pay_order(session, order=order, now=deal.now)

    def close(session):
        return bulk_buys.close(session, promotion_id=deal.promotion.id, now=deal.ends_at)

    at_once(pay, close, close, close)
    deal.session.rollback()
    deal.close()

    assert deal.standing().tier == 1
    assert deal.standing().collected == 10
    all_hold()


def test_one_order_settled_by_many_gets_its_money_once(deal, at_once, all_hold):
    order = deal.paid(20)
    deal.close()
    deal.session.commit()

    def settle(session):
        return settling.settle(session, order_no=order.order_no, now=deal.ends_at)

    settled = at_once(*[settle] * 8)
    deal.session.rollback()

    assert sum(settled) == 1
    assert [refund.amount_fen for refund in deal.refunds()] == [40_000]
    all_hold()


def test_payments_at_once_are_all_collected(deal, at_once):
    unpaid = [deal.order(2) for _ in range(8)]
    deal.session.commit()

    def pays(order):
        return lambda session: pay_order(
            session, order=orders.get(session, order_no=order.order_no), now=deal.now
        )

    at_once(*map(pays, unpaid))
    deal.session.rollback()

    assert deal.standing().collected == 16


class Broken(Exception):
    """The process died here."""


def test_settling_that_breaks_half_way_has_done_nothing_and_is_done_again(
    deal, all_hold, monkeypatch
):
    order = deal.paid(20)
    deal.close()
    deal.session.commit()

    def dies(*_, **__):
        raise Broken

    with monkeypatch.context() as patched:
        patched.setattr(payments, "request_refund", dies)
        with pytest.raises(Broken):
            deal.settle(order)
    deal.session.rollback()
    assert deal.share(order).state is ShareState.COLLECTED
    assert deal.fresh(order).lines[0].final_fen is None
    assert deal.refunds() == []

    assert deal.settle(order)
    deal.money_arrives()

    assert deal.fresh(order).refunded_fen == 40_000
    all_hold()


def test_the_jobs_leave_what_waits_for_its_money(deal, set_clock):
    deal.paid(20)
    deal.order(1)
    deal.session.commit()
    set_clock(deal.ends_at)

    jobs.close_over()
    deal.session.rollback()

    assert deal.standing().closed_at is None


def test_the_jobs_close_and_settle_all_and_repeat_without_effect(
    deal, set_clock, run_jobs, monkeypatch
):
    monkeypatch.setattr(jobs, "BATCH", 2)
    paid = [deal.paid(5) for _ in range(5)]
    deal.session.commit()
    set_clock(deal.ends_at)

    for _ in range(2):
        jobs.close_over()
        run_jobs()
    deal.session.rollback()

    assert {deal.share(order).due_back_fen for order in paid} == {5 * 2_000}
    assert len(deal.refunds()) == 5
