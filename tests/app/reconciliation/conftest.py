"""A mall and a sandbox WeChat that made some money yesterday, seen from the morning after."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from app.core import clock
from app.core.auth import Audience
from app.core.db import db
from app.orders.models import OrderLine
from app.payments import calls as payments
from app.payments import service as refunds
from app.payments.models import Payment, Refund
from app.reconciliation import calls, verify
from app.reconciliation.models import Break, ReconciliationDay, ReconciliationSum
from app.staff.models import Role
from app.withdrawals import calls as payouts
from app.withdrawals import service as withdrawals
from distribution.withdrawals.states import Channel
from tests.builders.catalogue import make_sku
from tests.builders.members import make_member
from tests.builders.orders import make_order
from tests.builders.staff import make_staff
from tests.builders.withdrawals import earn, make_withdrawal_rules

MORNING = {"hour": 10, "minute": 30, "second": 0, "microsecond": 0}


class Shop:
    """What the tests of reconciliation do to the mall and to WeChat."""

    def __init__(self, app, session, wechat, token_for, run_jobs):
        self.run_jobs = run_jobs
        self.app, self.session, self.wechat, self.token_for = app, session, wechat, token_for
        self.client = app.test_client()
        self.now = datetime.now(clock.CHINA).replace(hour=12, minute=0).astimezone(UTC)
        self.day = clock.china_day(self.now)
        self.buyer = self.sku = self._merchant = None

    def go(self, moment):
        """It is another moment, here and at WeChat."""
        self.now = moment.astimezone(UTC)
        self.wechat.control("POST", "clock", now=self.now.isoformat())

    def wait(self, days=1):
        """It is half past ten in the morning, so many days later."""
        then = self.now.astimezone(clock.CHINA) + timedelta(days=days)
        self.go(then.replace(**MORNING))

    def pay(self, *, quantity=1, is_heard=True):
        """An order that is paid; WeChat's word of it is heard or lost. Its number."""
        self.buyer = self.buyer or make_member(self.session)
        self.sku = self.sku or make_sku(self.session)
        order = make_order(
            self.session, now=self.now, buyer=self.buyer, sku=self.sku, quantity=quantity
        )
        self.session.commit()
        payments.prepay(order_no=order.order_no, buyer_id=order.buyer_id)
        number = self.session.scalars(
            select(Payment.out_trade_no).where(Payment.order_id == order.id)
        ).one()
        self.wechat.control("POST", f"trades/{number}/pay", unchecked=True)
        if is_heard:
            payments.ask(number)
        return number

    def refund(self, number, fen=100, *, is_heard=True):
        """So much of a payment goes back; WeChat's word of it is heard or lost. Its number."""
        payment = self.payment(number)
        refund = refunds.request_refund(
            self.session,
            order_id=payment.order_id,
            source=f"after_sale:{number}:{fen}",
            amount_fen=fen,
            line_amounts={self.line_of(payment): fen},
            freight_fen=0,
            reason="七天无理由",
            now=self.now,
        )
        self.session.commit()
        self.carry(refund.id)
        self.wechat.control("POST", "idle")
        if is_heard:
            self.go(self.now + timedelta(minutes=2))
            self.carry(refund.id)
        return refund.out_refund_no

    def carry(self, refund_id):
        payments.submit_refund(refund_id)
        self.session.rollback()

    def line_of(self, payment):
        return self.session.scalars(
            select(OrderLine.id).where(OrderLine.order_id == payment.order_id)
        ).one()

    def payout(self, fen=1_000, *, is_heard=True):
        """A withdrawal that WeChat pays out; its word of it is heard or lost. Its number."""
        member = make_member(self.session)
        earn(self.session, member_id=member.id, fen=fen, now=self.now)
        asked = withdrawals.request(
            self.session,
            member_id=member.id,
            amount_fen=fen,
            channel=Channel.WECHAT,
            now=self.now,
        )
        self.session.commit()
        payouts.carry(asked.no, is_asked=True)
        self.wechat.control("POST", f"transfers/{asked.no}/confirm", unchecked=True)
        self.wechat.control("POST", "idle")
        if is_heard:
            payouts.carry(asked.no, is_asked=True)
        return asked.no

    def plant(self, kind, number, **more):
        return self.wechat.control("POST", "bills/differences", kind=kind, number=number, **more)

    def run(self, *days):
        """Reconcile some days, or the one of the shop."""
        done = [calls.run(day) for day in days or (self.day,)]
        self.session.rollback()
        return done[-1]

    def payment(self, number):
        self.session.rollback()
        return self.session.scalars(select(Payment).where(Payment.out_trade_no == number)).one()

    def refund_row(self, number):
        self.session.rollback()
        return self.session.scalars(select(Refund).where(Refund.out_refund_no == number)).one()

    def breaks(self, **where):
        self.session.rollback()
        return list(self.session.scalars(select(Break).filter_by(**where).order_by(Break.id)))

    def told(self, **where):
        """The breaks in short: (book, number, verdict, status, how)."""
        return [
            (one.book, one.out_no, one.verdict, one.status, one.how) for one in self.breaks(**where)
        ]

    def sums(self, day=None):
        """What agrees: lines, ours, matched, bill and local fen, by book and kind."""
        self.session.rollback()
        found = self.session.scalars(select(ReconciliationSum).filter_by(bill_day=day or self.day))
        return {
            (one.book, one.kind): (one.lines, one.ours, one.matched, one.bill_fen, one.local_fen)
            for one in found
        }

    def day_row(self, day=None):
        self.session.rollback()
        return self.session.get(ReconciliationDay, day or self.day)

    def breaches(self):
        self.session.rollback()
        return list(verify.verify(self.session))

    def merchant(self):
        """Headers of the merchant, with a token that is good now."""
        if self._merchant is None:
            self._merchant = make_staff(self.session, role=Role.MERCHANT).id
            self.session.commit()
        return self.token_for(Audience.STAFF, self._merchant)

    def staff_id(self):
        """The id of the merchant."""
        self.merchant()
        return self._merchant

    def staff(self, **fields):
        account = make_staff(self.session, **fields)
        self.session.commit()
        return self.token_for(Audience.STAFF, account.id)


@pytest.fixture
def shop(app, session, wechat, token_for, run_jobs, monkeypatch):
    shop = Shop(app, session, wechat, token_for, run_jobs)
    monkeypatch.setattr(clock, "now", lambda: shop.now)
    make_withdrawal_rules(session, now=shop.now)
    session.commit()
    shop.go(shop.now)
    yield shop
    db.session.rollback()
