"""
Random lives of money, with people in them, against WeChat's own books and nothing else.

Orders are placed and closed, money comes in time, late, wrong, or for no order at all; staff decide
as they like; refunds are refused, closed, abnormal, asked again. In the end every payment in
WeChat's books is kept by exactly one order, or went back once and whole, or was let be by a person.
"""

import os
from contextlib import suppress
from copy import deepcopy
from random import Random

import pytest
from sqlalchemy import select

from app.catalogue.models import Sku
from app.catalogue.verify import verify as verify_catalogue
from app.core.errors import AppError
from app.orders.models import Order
from app.orders.verify import verify as verify_orders
from app.payments import deciding_calls as people
from app.payments.decision_models import Decision, QuarantineDecision
from app.payments.models import PayInbox, Payment, Refund
from app.payments.quarantine import Judgement
from app.payments.stuck import Instruction
from tests.app.payments.test_refunds import request
from tests.builders.catalogue import make_sku
from tests.builders.shop import decide
from tests.builders.staff import make_staff

FEW, MANY, AT_A_TIME = 12, int(os.environ.get("SOAK_BOOKS", "1000")), 50
STEPS = 24


class Story:
    """One life, from its seed alone."""

    def __init__(self, mall, seed: int) -> None:
        self.mall, self.seed, self.rng = mall, seed, Random(seed)
        self.sku = make_sku(mall.session, available=self.rng.randint(1, 4))
        self.staff_id = make_staff(mall.session).id
        decide(mall.session, now=mall.now, revive_late_orders=self.rng.random() < 0.5)
        mall.session.commit()
        self.orders: list[Order] = []
        self.numbers: list[str] = []
        self.told = 0

    def play(self) -> None:
        verbs = [self.place, self.pay, self.tell, self.close, self.judge, self.settle, self.mend]
        verbs += [self.place, self.pay, self.tell, self.tell, self.give_back, self.lose, self.idle]
        for _ in range(STEPS):
            self.rng.choice(verbs)()
        self.come_to_rest()
        self.check()

    def place(self) -> None:
        with suppress(AppError):
            self.orders.append(self.mall.order(sku=self.sku))
            _, number = self.mall.open(self.orders[-1])
            self.numbers.append(number)
        if self.rng.random() < 0.1 and self.numbers:
            # Somebody else's program asks for money in this merchant's name.
            asked = deepcopy(self.platform.trades[self.numbers[0]]["asked"])
            stray = f"P{self.seed:06d}{len(self.numbers):020d}"
            self.platform.trades[stray] = {"state": "NOTPAY", "asked": asked}
            self.numbers.append(stray)

    def pay(self) -> None:
        """Money comes, whatever we think of the attempt; sometimes it is another amount."""
        if not self.numbers:
            return
        trade = self.platform.trades[number := self.rng.choice(self.numbers)]
        if trade["state"] in {"SUCCESS", "REFUND"}:
            return
        if self.rng.random() < 0.2:
            trade["asked"]["amount"]["total"] = self.rng.choice([1, 5, 10**6])
        if self.rng.random() < 0.1:
            trade["asked"]["appid"] = "wx-another"
        self.platform.pay(number)

    def tell(self) -> None:
        paid = [number for number in self.numbers if self.is_paid(number)]
        if paid:
            self.told += 1
            resource = self.platform.transaction(self.rng.choice(paid))
            self.mall.hear(resource, id=f"EV-{self.seed}-{self.told}")
            self.mall.run_jobs()

    def close(self) -> None:
        if self.orders:
            with suppress(AppError):
                self.mall.cancel(self.rng.choice(self.orders))
            self.mall.run_jobs()

    def judge(self) -> None:
        self.mall.session.rollback()
        waiting = self.mall.session.scalars(
            select(PayInbox.id).where(PayInbox.status.in_(("quarantined", "dismissed")))
        ).all()
        if waiting:
            self.say(self.rng.choice(waiting), self.rng.choice(list(Decision)))

    def say(self, inbox_id: int, decision: Decision) -> bool:
        try:
            people.decide(Judgement(decision, "随机", self.staff_id), inbox_id=inbox_id)
        except AppError:
            return False
        self.mall.run_jobs()
        return True

    def settle(self) -> None:
        """WeChat ends a refund, and says so, or keeps it to itself."""
        under_way = [n for n, one in self.platform.refunds.items() if one["status"] == "PROCESSING"]
        if under_way:
            number = self.rng.choice(under_way)
            word = self.rng.choice(["SUCCESS", "SUCCESS", "CLOSED", "ABNORMAL"])
            told = self.platform.settle_refund(number, word)
            if self.rng.random() < 0.7:
                self.told += 1
                kind = {"event_type": f"REFUND.{word}", "id": f"RF-{self.seed}-{self.told}"}
                self.mall.hear_of_refund(told, **kind)
            self.mall.run_jobs()

    def mend(self) -> None:
        """Staff do something about a refund, be it sensible or not."""
        self.mall.session.rollback()
        numbers = self.mall.session.scalars(select(Refund.out_refund_no)).all()
        if numbers:
            number, wanted = self.rng.choice(numbers), Instruction(self.staff_id, "随机")
            with suppress(AppError):
                if self.rng.random() < 0.5:
                    people.replace(wanted, number=number)
                else:
                    people.rescue(wanted, number=number, account=None)
            self.mall.run_jobs()

    def give_back(self) -> None:
        paid = [order for order in self.orders if self.mall.look(order).status == "paid"]
        if paid:
            order = self.mall.look(self.rng.choice(paid))
            with suppress(AppError):
                request(self.mall, order, source=f"after_sale:{order.order_no}")
            self.mall.run_jobs()

    def lose(self) -> None:
        """The next call to WeChat fails, in one way or another."""
        self.platform.faults = [self.rng.choice(["cut", "unreachable", (403, "NOT_ENOUGH")])]

    def idle(self) -> None:
        self.mall.wait(minutes=self.rng.choice((1, 1, 5, 40)))
        self.mall.sweep()

    def come_to_rest(self) -> None:
        """All is told, everybody does their work, and time passes."""
        self.platform.faults = []
        for number in self.numbers:
            if self.is_paid(number):
                self.told += 1
                resource = self.platform.transaction(number)
                self.mall.hear(resource, id=f"EV-{self.seed}-{self.told}")
        self.mall.run_jobs()
        for _ in range(6):
            self.work_off()
            for number, one in self.platform.refunds.items():
                if one["status"] in {"PROCESSING", "ABNORMAL"}:
                    self.platform.settle_refund(number)
            self.mall.wait(hours=1)
            self.mall.sweep()

    def work_off(self) -> None:
        """Staff end whatever waits for them."""
        for inbox_id in self.mall.inbox_statuses("quarantined"):
            # One decision may have ended others that are about the same money.
            if inbox_id in self.mall.inbox_statuses("quarantined"):
                assert self.say(inbox_id, Decision.REFUND) or self.say(inbox_id, Decision.DISMISS)
        for refund in self.refunds():
            if refund.status == "closed":
                people.replace(Instruction(self.staff_id, "x"), number=refund.out_refund_no)
        self.mall.run_jobs()

    def check(self) -> None:
        self.mall.session.rollback()
        assert self.mall.breaches() == []
        assert list(verify_orders(self.mall.session)) == []
        assert list(verify_catalogue(self.mall.session)) == []
        assert {one.status for one in self.refunds()} <= {"success", "replaced"}
        for number in self.numbers:
            if self.is_paid(number):
                self.check_money(self.platform.trades[number])
        kept = [self.mall.look(order) for order in self.orders]
        left = sum(order.paid_fen > order.refunded_fen for order in kept)
        shelf = self.mall.session.get_one(Sku, self.sku.id, populate_existing=True)
        unpaid = sum(order.status in {"unpaid", "closing"} for order in kept)
        assert (shelf.sold, shelf.held) == (left, unpaid)

    def check_money(self, trade) -> None:
        """One payment in WeChat's books: kept once, or gone back once, or let be."""
        session, number = self.mall.session, trade["transaction_id"]
        fen = trade["asked"]["amount"]["total"]
        back = sum(
            one["amount"]["refund"]
            for one in self.platform.refunds.values()
            if one["transaction_id"] == number and one["status"] == "SUCCESS"
        )
        rows = session.scalars(select(Payment).where(Payment.transaction_id == number)).all()
        said = session.scalars(
            select(QuarantineDecision.decision)
            .where(QuarantineDecision.transaction_id == number)
            .order_by(QuarantineDecision.id)
        ).all()
        if [row.status for row in rows] == ["paid"]:
            order = session.get_one(Order, rows[0].order_id)
            assert (order.paid_fen, order.refunded_fen) == (fen, back), self.seed
        elif rows or "refund" in said:
            assert (len(rows), back) == (1 - ("refund" in said), fen), self.seed
        else:
            assert (said[-1], back) == ("dismiss", 0), self.seed

    def refunds(self) -> list[Refund]:
        self.mall.session.rollback()
        return list(self.mall.session.scalars(select(Refund)))

    def is_paid(self, number: str) -> bool:
        return self.platform.trades[number]["state"] in {"SUCCESS", "REFUND"}

    @property
    def platform(self):
        return self.mall.platform


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(FEW))
def test_every_payment_in_wechats_books_ends_in_exactly_one_way(mall, seed):
    Story(mall, seed).play()


@pytest.mark.soak
@pytest.mark.parametrize("start", range(FEW, MANY, AT_A_TIME))
def test_every_payment_of_a_thousand_lives_ends_in_exactly_one_way(mall, start):
    for seed in range(start, min(start + AT_A_TIME, MANY)):
        Story(mall, seed).play()
