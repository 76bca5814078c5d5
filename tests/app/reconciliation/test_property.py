"""
W9: after a day is reconciled, the bill is our books and the listed breaks, and nothing else.

Two days, some payments and refunds, each of them in a bill or not, here or not, of the same amount
or not, on the same day or not. A plain model says what must be found; what is found is that.
"""

from collections import Counter
from datetime import datetime, time, timedelta
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from app.core import clock, numbers
from app.payments.models import Payment, PaymentStatus, Refund, RefundStatus
from tests.app.reconciliation.writing import trade_bill

AMOUNTS = st.integers(1, 9)


class Fate(NamedTuple):
    """What is true of one number: amounts there and here, and on which of two days."""

    is_refund: bool
    there: int | None
    here: int | None
    there_day: int
    here_day: int


FATES = st.lists(
    st.builds(
        Fate, st.booleans(), st.none() | AMOUNTS, st.none() | AMOUNTS, *[st.integers(0, 1)] * 2
    ),
    max_size=6,
)


class Found(NamedTuple):
    """One expected break, without its number."""

    kind: str
    day: int
    verdict: str
    status: str
    difference: int


def expected(fate):
    """What one number must be found as, on either day."""
    kind = "refund" if fate.is_refund else "payment"
    if fate.there is None and fate.here is None:
        return
    if fate.there is None:
        # The first day's bill and the second's are there; a third's is not.
        verdict = "missing_there" if fate.here_day == 0 else "timing"
        yield Found(kind, fate.here_day, verdict, "open", -fate.here)
    elif fate.here is None:
        yield Found(kind, fate.there_day, "missing_here", "open", fate.there)
    else:
        is_same_day = fate.there_day == fate.here_day
        counted = fate.there - (fate.here if is_same_day else 0)
        if fate.there != fate.here:
            yield Found(kind, fate.there_day, "amount_differs", "open", counted)
        elif not is_same_day:
            yield Found(kind, fate.there_day, "timing", "resolved", counted)
        if not is_same_day:
            yield Found(kind, fate.here_day, "timing", "resolved", -fate.here)


class Days:
    """Two days of the shop, filled by fate."""

    def __init__(self, shop):
        self.shop = shop
        shop.pay()
        self.order_id = shop.session.scalars(text("SELECT id FROM shop_order")).one()
        self.days = [shop.day + timedelta(days=offset) for offset in (1, 2)]
        shop.wait(3)

    def fill(self, fates):
        session = self.shop.session
        session.execute(text("DELETE FROM bill_break"))
        for table in ("reconciliation_sum", "bill_line", "bill_download", "reconciliation_day"):
            session.execute(text(f"DELETE FROM {table}"))
        session.execute(text("DELETE FROM refund"))
        session.execute(text("DELETE FROM payment WHERE status = 'paid_duplicate'"))
        bills = ([], [])
        for fate in fates:
            number = self.here(fate)
            if fate.there is not None:
                bills[fate.there_day].append((number, fate))
        session.commit()
        for day, lines in zip(self.days, bills, strict=True):
            self.write(day, lines)

    def write(self, day, lines):
        told = [
            (number, fate.there, fate.is_refund, self.noon(fate.there_day))
            for number, fate in lines
        ]
        self.shop.wechat.control(
            "POST", "bills/content", bill="trade", day=day.isoformat(),
            text=trade_bill(told) if told else None,
        )  # fmt: skip

    def noon(self, day):
        return datetime.combine(self.days[day], time(12), clock.CHINA)

    def here(self, fate):
        at = self.noon(fate.here_day)
        number = (numbers.out_refund_no if fate.is_refund else numbers.out_trade_no)(at)
        if fate.here is None:
            return number
        row = self.refund(number, fate, at) if fate.is_refund else self.payment(number, fate, at)
        self.shop.session.add(row)
        self.shop.session.flush()
        return number

    def payment(self, number, fate, at):
        return Payment(
            out_trade_no=number, order_id=self.order_id, status=PaymentStatus.PAID_DUPLICATE,
            appid="wx", mchid="19", amount_fen=fate.here, request_body=b"{}", called_at=at,
            expires_at=at, created_at=at, paid_at=at, transaction_id=f"42{number[-26:]}",
        )  # fmt: skip

    def refund(self, number, fate, at):
        payment_id = self.shop.session.scalars(
            text("SELECT id FROM payment WHERE status = 'paid'")
        ).one()
        return Refund(
            out_refund_no=number, payment_id=payment_id, order_id=self.order_id, source=number,
            amount_fen=fate.here, reason="试", status=RefundStatus.PROCESSING, request_body=b"{}",
            submitted_at=at, refund_id=f"50{number[-26:]}", created_at=at,
        )  # fmt: skip

    def found(self):
        return Counter(
            Found(
                one.kind, self.days.index(one.bill_day), one.verdict, one.status,
                one.difference_fen,
            )
            for one in self.shop.breaks(book="trade")
        )  # fmt: skip

    def check(self, fates):
        self.fill(fates)
        self.shop.run(*self.days)
        assert self.found() == Counter(one for fate in fates for one in expected(fate))
        for number, day in enumerate(self.days):
            sums = self.shop.sums(day)
            for kind in ("payment", "refund"):
                mine = [fate for fate in fates if fate.is_refund == (kind == "refund")]
                _, _, _, bill_fen, local_fen = sums["trade", kind]
                assert bill_fen == sum(f.there or 0 for f in mine if f.there_day == number)
                assert local_fen == sum(f.here or 0 for f in mine if f.here_day == number)
        assert self.shop.breaches() == []
        before = self.found()
        self.shop.run(*self.days)
        assert self.found() == before


@pytest.fixture
def days(shop):
    shop.wechat.control("POST", "settings", bills="ready")
    return Days(shop)


def _settings(examples):
    quiet = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
    return settings(max_examples=examples, suppress_health_check=quiet, deadline=None)


@_settings(6)
@given(fates=FATES)
def test_every_planted_difference_is_found_and_nothing_else(days, fates):
    days.check(fates)


@pytest.mark.soak
@_settings(400)
@given(fates=FATES)
def test_every_planted_difference_is_found_and_nothing_else_for_long(days, fates):
    days.check(fates)
