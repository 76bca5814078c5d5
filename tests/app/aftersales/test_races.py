"""The buyer, staff and a deadline move one case at once: one of them wins, money moves once."""

import contextvars
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import select

from app.aftersales import deadlines, service
from app.aftersales.models import AfterSaleEntry
from app.core.db import db
from app.core.errors import AppError
from app.orders import leaving
from app.orders.models import Order
from app.payments.models import Refund
from app.shop.rules import StaffSilence
from tests.builders.aftersales import (
    BACK,
    EXCHANGE,
    RETURN,
    breaches_of,
    lines,
    make_case,
    make_paid_order,
    stock,
)
from tests.builders.catalogue import make_sku
from tests.builders.orders import PARCEL
from tests.builders.shop import decide
from tests.builders.staff import make_staff

ROUNDS = 2


class Rivals:
    """Everybody who may move a case, each with a session of their own."""

    def __init__(self, app, session, now):
        self.app, self.session, self.now = app, session, now
        self.staff_ids = [make_staff(session).id for _ in range(2)]
        self.cup = make_sku(session, price_fen=3_333, available=99)

    def case(self, **wanted):
        order = make_paid_order(self.session, now=self.now, sku=self.cup, quantity=2)
        if wanted:
            leaving.ship(self.session, order_no=order.order_no, now=self.now, **PARCEL)
            self.session.refresh(order)
        return make_case(self.session, order=order, now=self.now, **wanted)

    def verbs(self, case):
        """What each of them does at the very moment the deadline passes."""
        number, then = case.after_sale_no, case.due_at or self.now
        one, other = self.staff_ids
        of_buyer = {"after_sale_no": number, "buyer_id": case.buyer_id, "now": then}
        return [
            lambda own: service.cancel(own, **of_buyer),
            lambda own: service.send(own, parcel=BACK, **of_buyer),
            lambda own: service.approve(own, after_sale_no=number, staff_id=one, now=then),
            lambda own: service.approve(own, after_sale_no=number, staff_id=other, now=then),
            lambda own: service.reject(
                own, after_sale_no=number, staff_id=other, answer="不符合", now=then
            ),
            lambda own: service.receive(own, after_sale_no=number, staff_id=one, now=then),
            lambda own: service.receive(own, after_sale_no=number, staff_id=other, now=then),
            lambda own: deadlines.act(own, case_id=case.id, now=then),
        ]

    def race(self, case):
        """Let all of them go at once."""
        verbs = self.verbs(case)
        self.session.commit()
        start = Barrier(len(verbs))

        def run(verb):
            with self.app.app_context():
                own = db.session()
                start.wait(timeout=30)
                try:
                    verb(own)
                    own.commit()
                except AppError:
                    own.rollback()

        with ThreadPoolExecutor(len(verbs)) as pool:
            for done in [pool.submit(contextvars.Context().run, run, verb) for verb in verbs]:
                done.result()
        self.session.expire_all()

    def moves(self, case):
        """Where the case went, in order."""
        wanted = select(AfterSaleEntry.status).where(AfterSaleEntry.after_sale_id == case.id)
        return [each for each in self.session.scalars(wanted.order_by(AfterSaleEntry.id)) if each]


@pytest.fixture
def rivals(app, session, now):
    return Rivals(app, session, now)


FIRST = {"refunding", "rejected", "cancelled", "sending"}


@pytest.mark.race
@pytest.mark.parametrize("silence", list(StaffSilence))
@pytest.mark.parametrize("kind", ["money_only", RETURN, EXCHANGE])
def test_one_of_them_wins_and_no_money_moves_twice(rivals, session, now, kind, silence):
    decide(session, now=now, staff_answer_outcome=silence)
    for _ in range(ROUNDS):
        case = rivals.case(**({} if kind == "money_only" else {"kind": kind}))
        (line,) = lines(session, session.get_one(Order, case.order_id))
        before = stock(session, line)

        rivals.race(case)  # About the question,
        assert rivals.moves(case)[1] in FIRST
        rivals.race(case)  # and about the goods, if the answer was yes.

        refunds = list(session.scalars(select(Refund).where(Refund.source == case.source)))
        assert len(refunds) == (case.status == "refunding")
        assert sum(one.amount_fen for one in refunds) <= line.payable_fen
        assert len(set(rivals.moves(case))) == len(rivals.moves(case))
        if case.status in {"cancelled", "rejected"}:
            assert stock(session, line) == before
        assert breaches_of(session) == []
