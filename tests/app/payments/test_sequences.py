"""The same disorders through the real door: webhook, database, jobs, and the clock in between."""

import os

import pytest

from app.catalogue.verify import verify as verify_catalogue
from app.orders.models import Order
from app.orders.verify import verify as verify_orders
from app.payments import attempts
from tests.app.payments.conftest import Mall
from tests.app.payments.sequences import MISFITS, UNSIGNED, Message, Plan, plan, spoiled
from tests.app.payments.test_refunds import request
from tests.builders.catalogue import make_sku

FEW, MANY, AT_A_TIME = 60, int(os.environ.get("SOAK_SEQUENCES", "10000")), 500


class Player:
    """Plays plans against one mall."""

    def __init__(self, mall: Mall) -> None:
        self.mall = mall
        self.sku = make_sku(mall.session, available=20_000)
        mall.session.commit()

    def play(self, made: Plan) -> None:
        order, numbers = self.live(made)
        before = len(self.mall.inbox_statuses("quarantined"))
        refused = sum(self.deliver(made, each, numbers) for each in made.messages)
        self.hear_what_was_lost(made, numbers)
        if made.is_returned:
            request(self.mall, self.mall.look(order), source=f"after_sale:{made.seed}")
        refused += self.give_back(made, order)
        quarantined = len(self.mall.inbox_statuses("quarantined")) - before
        self.check(made, order)
        assert quarantined == made.count(MISFITS), made
        told = made.messages + made.refund_messages
        assert refused == sum(each.flaw in UNSIGNED for each in told), made

    def live(self, made: Plan) -> tuple[Order, list[str]]:
        """What truly happens: the order, its attempts, its end and its money."""
        mall, platform = self.mall, self.mall.platform
        order, number = mall.open(mall.order(sku=self.sku))
        numbers = [number]
        if made.life == "duplicate":
            platform.trades[number]["state"] = "CLOSED"
            (payment,) = mall.payments(order)
            attempts.closed(mall.session, payment_id=payment.id, now=mall.now)
            mall.session.commit()
            numbers.append(mall.open(mall.look(order))[1])
        if made.life == "raced":
            platform.pay(number)
        if made.life in {"raced", "unpaid", "late"}:
            mall.cancel(order)
        if made.life in {"unpaid", "late"}:
            mall.run_jobs()
        for attempt in made.paid:
            platform.pay(numbers[attempt])
        return order, numbers

    def deliver(self, made: Plan, message: Message, numbers: list[str]) -> bool:
        """One delivery; True if it was refused."""
        self.idle(made)
        number = numbers[message.attempt]
        resource = spoiled(self.mall.platform.transaction(number), message.flaw)
        if message.flaw in MISFITS and "transaction_id" not in resource:
            resource = {
                **resource,
                "trade_state": "SUCCESS",
                "transaction_id": f"42{made.seed}",
                "success_time": self.mall.now.isoformat(),
            }
        return self.post(message, resource, "pay", original_type="transaction")

    def post(self, message: Message, resource, path, **told) -> bool:
        mall, flaw = self.mall, message.flaw
        shift = {"stale": -301, "ahead": 301}.get(flaw or "", 0)
        headers, raw = mall.sign(resource, id=message.event, shift=shift, **told)
        if flaw == "forged":
            headers["Wechatpay-Signature"] = headers["Wechatpay-Signature"][::-1]
        if flaw == "tampered":
            raw = raw.replace(b'"id"', b'"iD"')
        if flaw == "probe":
            headers["Wechatpay-Signature"] = "WECHATPAY/SIGNTEST/" + "A" * 344
        if flaw == "serial":
            headers["Wechatpay-Serial"] = "PUB_KEY_ID_0000"
        if flaw == "xml":
            headers, raw = {"Content-Type": "text/xml"}, b"<xml><id>1</id></xml>"
        status = mall.post(headers, raw, path=path)
        assert status == (401 if flaw in UNSIGNED else 204)
        return status == 401

    def idle(self, made: Plan) -> None:
        """Between two deliveries time passes, and sometimes the jobs run."""
        if made.rng.random() < 0.4:
            self.mall.wait(seconds=made.rng.choice((1, 5, 20)))
        if made.rng.random() < 0.4:
            self.mall.run_jobs()

    def hear_what_was_lost(self, made: Plan, numbers: list[str]) -> None:
        self.mall.run_jobs()
        if made.paid:
            self.mall.wait(minutes=1)
            self.mall.sweep()

    def give_back(self, made: Plan, order: Order) -> int:
        """WeChat carries the refunds; what it says arrives in disorder, or not at all."""
        self.mall.run_jobs()
        refused, refunds = 0, self.mall.refunds(order)
        for refund in refunds:
            truth = self.mall.platform.settle_refund(refund.out_refund_no)
            for message in made.refund_messages:
                self.idle(made)
                resource = spoiled(truth, message.flaw)
                refused += self.post(message, resource, "refund", original_type="refund")
        self.mall.run_jobs()
        for minutes in (1, 5) if refunds else ():
            self.mall.wait(minutes=minutes)
            self.mall.sweep()
        return refused

    def check(self, made: Plan, order: Order) -> None:
        order = self.mall.look(order)
        found = (
            order.status,
            order.paid_fen,
            order.refunded_fen,
            order.refunding_fen,
            sorted(each.status for each in self.mall.payments(order)),
            [(each.status, each.amount_fen) for each in self.mall.refunds(order)],
        )
        whole = order.payable_fen
        back = [("success", whole)]
        expected = {
            "paid": ("paid", whole, 0, 0, ["paid"], []),
            "returned": ("refunded", whole, whole, 0, ["paid"], back),
            "unpaid": ("closed", 0, 0, 0, ["closed"], []),
            "late": ("closed", 0, 0, 0, ["paid_late"], back),
            "duplicate": ("paid", whole, 0, 0, ["paid", "paid_duplicate"], back),
        }
        end = "returned" if made.is_returned else {"raced": "paid"}.get(made.life, made.life)
        assert found == expected[end], made


def play_all(mall: Mall, seeds: range) -> None:
    player = Player(mall)
    for seed in seeds:
        player.play(plan(seed))
    assert mall.breaches() == []
    assert list(verify_orders(mall.session)) == []
    assert list(verify_catalogue(mall.session)) == []


@pytest.mark.slow
def test_disorders_end_in_the_same_state_with_no_wrong_effect(mall):
    play_all(mall, range(FEW))


@pytest.mark.soak
@pytest.mark.parametrize("start", range(0, MANY, AT_A_TIME))
def test_ten_thousand_disorders_end_in_the_same_state_with_no_wrong_effect(mall, start):
    play_all(mall, range(start, min(start + AT_A_TIME, MANY)))
